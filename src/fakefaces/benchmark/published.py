"""A published set: a folder of tables that name each photograph by the sha256 of its file, and hold none."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fakefaces.base.errors import DataError, ParamsError
from fakefaces.base.files import read_json, write_json, write_text
from fakefaces.base.names import shown
from fakefaces.base.schema import parse
from fakefaces.benchmark.benchmark_set import COLUMNS, BenchmarkSet, Settings
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.predictions import TestPredictions
from fakefaces.evaluation.slices import matched_subset

IMAGES, PAIRS, NEAR_DUPLICATES, SHORTCUTS = "images.csv", "pairs.csv", "near_duplicates.csv", "shortcuts.csv"
SETTINGS, CROISSANT = "settings.json", "croissant.json"
_WRITE = "a published set is written by: fakefaces croissant FOLDER"


def write_tables(folder: Path, benchmark: BenchmarkSet, near_duplicates: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Write a set's tables and settings; equal sets give equal bytes. Of copies, byte for byte, the first is taken.

    ``images.csv`` has a row an image: ``sha256``, ``image``, ``label``, ``difficulty``, the parts, ``group``, ``fold``
    and ``validates``, or ``split``, ``encoding``, and ``matched``, 1 for the images in the encoding of most reals.
    ``pairs.csv``: ``fake``, ``source``, ``inliers``, of each fake whose source is in the set. ``near_duplicates.csv``:
    ``a``, ``b``, ``inliers``. ``shortcuts.csv``: ``sha256``, ``split``, and a column of scores for each rule.

    Args:
        folder: made if it is missing.
        benchmark: the set.
        near_duplicates: ``a``, ``b``, ``inliers`` by the names of the images.

    Returns:
        The tables by the names of their files.
    """
    images = benchmark.images.drop_duplicates("sha256", ignore_index=True)
    digest = images.set_index("image")["sha256"]
    near = near_duplicates[near_duplicates["a"].isin(digest.index) & near_duplicates["b"].isin(digest.index)]
    inliers = {(a, b): n for a, b, n in near.itertuples(index=False)}
    with_source = images[images["source"].isin(digest.index)]
    pairs = [
        (digest[fake], digest[source], inliers.get((fake, source), inliers.get((source, fake))))
        for fake, source in zip(with_source["image"], with_source["source"], strict=True)
    ]
    predictions = TestPredictions.from_arrays(images["label"], [0.0] * len(images), images["group"])
    _, matched = matched_subset(predictions, images["encoding"])
    splits = [name for name in ("fold", "validates", "split") if name in images]
    rules = benchmark.rules[benchmark.rules["image"].isin(digest.index)]
    wide = rules.pivot(index=["image", "split"], columns="rule", values="p_fake")[list(rules["rule"].unique())]
    wide = wide.reset_index().rename_axis(columns=None)
    columns = [*(name for name in COLUMNS if name not in ("encoding", "source")), *splits, "encoding"]
    tables = {
        IMAGES: images[columns].assign(matched=matched.astype(int)),
        PAIRS: pd.DataFrame(pairs, columns=["fake", "source", "inliers"]),
        NEAR_DUPLICATES: near.assign(a=near["a"].map(digest), b=near["b"].map(digest)),
        SHORTCUTS: wide.assign(image=wide["image"].map(digest)).rename(columns={"image": "sha256"}),
    }
    for name, table in tables.items():
        write_text(folder / name, table.to_csv(index=False, float_format="%.8f"))
    write_json(folder / SETTINGS, benchmark.settings.model_dump(mode="json"))
    return tables


def read_set(folder: Path) -> BenchmarkSet:
    """Read a published set.

    Raises:
        DataError: a file is missing, has changed since it was published, or is none of a set.
    """
    if not folder.is_dir():
        raise DataError(f"{shown(folder)}: there is no such folder; {_WRITE}")
    _require_published(folder)
    types = {"label": "int64", "difficulty": "str", "group": "str", "encoding": "str"} | dict.fromkeys(PARTS, "Int64")
    images = _table(folder / IMAGES, ["sha256", "image", "label", "group", "encoding"], types)
    pairs = _table(folder / PAIRS, ["fake", "source"], {"fake": "str", "source": "str"})
    wide = _table(folder / SHORTCUTS, ["sha256", "split"], {})
    name = images.set_index("sha256")["image"]
    source = images["sha256"].map(pairs.set_index("fake")["source"]).map(name)
    rules = wide.melt(["sha256", "split"], var_name="rule", value_name="p_fake")
    try:
        settings = parse(Settings, read_json(folder / SETTINGS), shown(folder / SETTINGS))
    except (OSError, ValueError, ParamsError) as error:
        raise DataError(f"{shown(folder / SETTINGS)}: cannot be read ({error}); {_WRITE}") from None
    return BenchmarkSet(images.assign(source=source), rules.assign(image=rules["sha256"].map(name)), settings)


def _require_published(folder: Path) -> None:
    """Hold the files to the digests in ``croissant.json``: a set that was changed is another set."""
    path = folder / CROISSANT
    try:
        described = {file["contentUrl"]: file["sha256"] for file in read_json(path)["distribution"]}
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError):
        raise DataError(f"{shown(path)}: it is missing, or describes no set; {_WRITE}") from None
    for name in (IMAGES, PAIRS, SHORTCUTS, SETTINGS):
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != described.get(name):
            raise DataError(
                f"{shown(file)}: it is not the file that {CROISSANT} describes; fetch the set again, or publish it "
                "anew: fakefaces croissant FOLDER"
            )


def _table(path: Path, columns: list[str], types: Mapping[str, str]) -> pd.DataFrame:
    empty = {part: [""] for part in PARTS}  # all else that is empty is a text
    try:
        table = pd.read_csv(path, dtype=dict(types), keep_default_na=False, na_values=empty)
    except (OSError, ValueError) as error:  # pandas' errors are ValueErrors
        raise DataError(f"{shown(path)}: cannot be read ({error}); {_WRITE}") from None
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{shown(path)}: no column {missing[0]}; {_WRITE}")
    return table
