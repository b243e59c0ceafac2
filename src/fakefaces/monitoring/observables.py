"""What is compared of two batches: facts of the files, scores of the shortcut rules, and what the detector said."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS
from fakefaces.inference.file_facts import PROGRAM
from fakefaces.inference.score import PART_COLUMNS
from fakefaces.validation.facts import N_FEATURES
from fakefaces.validation.shortcuts import fit_predict, rule_features

RULES = ("header", "exif")  # the shortcut rules that read the file alone; others need pixels
NO_LABEL = -1


@dataclass(frozen=True)
class Observable:
    """A property of each photograph."""

    name: str
    meaning: str
    is_number: bool  # else a category
    group: str  # facts, rules or scores


OBSERVABLES = (
    Observable("format", "file format", False, "facts"),
    Observable("encoder", "quantization table and chroma subsampling of the JPEG", False, "facts"),
    Observable("quantization_step", "mean of the first four quantization steps, 1 to 255", True, "facts"),
    Observable("mode", "colour mode", False, "facts"),
    Observable("program", "EXIF Software tag", False, "facts"),
    Observable("orientation", "EXIF orientation", False, "facts"),
    Observable("size", "square root of width times height, pixels", True, "facts"),
    Observable("aspect", "width to height", True, "facts"),
    Observable("bytes_per_pixel", "bytes of the file for each pixel", True, "facts"),
    Observable("faces", "number of faces found", False, "facts"),
    Observable("rule_header", "score of the shortcut rule that reads the header", True, "rules"),
    Observable("rule_exif", "score of the shortcut rule that reads EXIF tags", True, "rules"),
    Observable("problem", "images without a score", False, "scores"),
    Observable("p_fake", "score", True, "scores"),
    Observable("label", "images called fake", False, "scores"),
    Observable("unsure", "images in the abstention band", False, "scores"),
    Observable("part", "most suspected part of the images called fake", False, "scores"),
    Observable("unfamiliar", "images unlike what the detector has learned from", False, "scores"),
    Observable("unfamiliarity", "how unlike what the detector has learned from", True, "scores"),
)


def observe(rows: pd.DataFrame) -> pd.DataFrame:
    """The observables of scored rows but the rules' scores: a row an image, missing where it has none.

    Args:
        rows: with :data:`fakefaces.monitoring.batches.COLUMNS`.
    """
    scored = rows["problem"].isna()
    step = rows["quantization"].astype("string").str.extract(r"^\w*:(\d+),(\d+),(\d+),(\d+)$").astype("float64")
    encoder = rows["quantization"].astype("string") + " " + rows["subsampling"].astype("string")
    parts = rows[list(PART_COLUMNS)]
    known = parts.notna().all(axis=1) & (rows["label"] == "fake")
    part = pd.Series(pd.NA, rows.index, dtype="string")
    if known.any():
        part[known] = np.array(PARTS)[parts[known].to_numpy(dtype=np.float64).argmax(axis=1)]
    return pd.DataFrame(
        {
            "format": rows["format"],
            "encoder": encoder,
            "quantization_step": step.mean(axis=1),
            "mode": rows["mode"],
            "program": rows["program"].astype("string").str[:PROGRAM],
            "orientation": rows["orientation"],
            "size": np.sqrt(rows["width"] * rows["height"]),
            "aspect": rows["width"] / rows["height"],
            "bytes_per_pixel": rows["bytes"] / (rows["width"] * rows["height"]),
            "faces": rows["faces"],
            "problem": ~scored,
            "p_fake": rows["p_fake"],
            "label": rows["label"],
            "unsure": rows["unsure"],
            "part": part,
            "unfamiliar": rows["unfamiliar"],
            "unfamiliarity": rows["unfamiliarity"],
        }
    )


def rule_scores(training: pd.DataFrame, tables: list[pd.DataFrame], *, seed: int) -> list[pd.DataFrame]:
    """Scores of the rules of the shortcut audit, fitted on training images, for other photographs.

    Args:
        training: facts of training images with their ``label``.
        tables: rows of other photographs with the same columns of facts.
        seed: of the rules.

    Returns:
        ``rule_header`` and ``rule_exif`` for each row of each table, with its index; missing where a header could not
        be read.
    """
    known = [table[table[["width", "height", "bytes"]].notna().all(axis=1)] for table in tables]
    columns = ["quantization", "subsampling", "format", "program", "width", "height", "bytes", "orientation"]
    together = pd.concat([training, *(table[columns].assign(label=NO_LABEL) for table in known)], ignore_index=True)
    train = np.arange(len(together)) < len(training)
    features = rule_features(together, np.zeros((len(together), N_FEATURES), dtype=np.float32))
    labels = together["label"].to_numpy()
    scores: dict[str, NDArray[np.float64]] = {
        f"rule_{rule}": fit_predict(features[rule], labels, train, seed=seed)[len(training) :] for rule in RULES
    }
    everything = pd.DataFrame(scores)
    pieces, start = [], 0
    for rows, table in zip(known, tables, strict=True):
        pieces.append(everything.iloc[start : start + len(rows)].set_axis(rows.index).reindex(table.index))
        start += len(rows)
    return pieces
