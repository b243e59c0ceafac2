"""The gallery of test images: which are shown, with their scores and heatmaps."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.data.faces import FAKE, PARTS


def select(predictions: pd.DataFrame, scores: pd.Series, threshold: float, max_images: int) -> list[int]:
    """Positions of the test images that are shown: all, or the most confident correct and wrong ones of each class.

    ``scores`` and ``threshold`` are the best model's.
    """
    if len(predictions) <= max_images:
        return list(range(len(predictions)))
    table = predictions[["label", "image"]].reset_index(drop=True)
    table["correct"] = (scores >= threshold).to_numpy() == (table["label"] == FAKE).to_numpy()
    table["confidence"] = (scores - threshold).abs().to_numpy()
    table = table.sort_values(["confidence", "image"], ascending=[False, True])
    # One of each of the four kinds in turn, so that all of the rarest are shown.
    table["turn"] = table.groupby(["label", "correct"]).cumcount()
    return sorted(table.sort_values(["turn", "label", "correct"], kind="stable").index[:max_images])


def entries(
    predictions: pd.DataFrame,
    models: Sequence[str],
    heat: Mapping[str, NDArray[np.uint8]],
    truth: Mapping[str, tuple[str, NDArray[np.bool_]]],
) -> list[dict[str, Any]]:
    """The images for the page's script; heatmaps and masks are in base64.

    Args:
        predictions: rows with ``image``, ``label``, ``difficulty``, the parts and a column of scores for each model.
        models: names of the score columns.
        heat: by model (n, h, w), in the order of ``predictions``.
        truth: by image, how it is known what was replaced, and the mask.
    """
    images = []
    for index, row in enumerate(predictions.to_dict("records")):
        replaced = [part for part in PARTS if not pd.isna(row[part]) and row[part] == 1]
        entry = {
            "name": row["image"],
            "label": int(row["label"]),
            "difficulty": row["difficulty"],
            "parts": [part.replace("_", " ") for part in replaced],
            "scores": [round(float(row[name]), 4) for name in models],
            "heat": {name: _base64(maps[index]) for name, maps in heat.items() if maps[index].any()},
        }
        if row["image"] in truth:
            origin, mask = truth[row["image"]]
            entry |= {"truth": origin, "mask": _base64(np.packbits(mask, axis=-1))}
        images.append(entry)
    return images


def _base64(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
