"""The test images of the page: which, with what scores, and where each model saw the forgery."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.data.faces import FAKE, PARTS


def chosen(tested: pd.DataFrame, scores: pd.Series, threshold: float, most: int) -> list[int]:
    """Which test images are shown: all, or as many of the most confident ones, right and wrong, of each class.

    Args:
        tested: ``image`` and ``label`` of all test images.
        scores: (n,) p_fake of the model that decides.
        threshold: of that model.
        most: images, at most.

    Returns:
        Positions in ``tested``, ascending.
    """
    if len(tested) <= most:
        return list(range(len(tested)))
    right = (scores >= threshold).to_numpy() == (tested["label"] == FAKE).to_numpy()
    table = pd.DataFrame({"label": tested["label"].to_numpy(), "right": right, "image": tested["image"].to_numpy()})
    table["confidence"] = (scores - threshold).abs().to_numpy()
    table = table.sort_values(["confidence", "image"], ascending=[False, True])
    # In turn one of each of the four kinds, so that the rarest is there as a whole.
    table["turn"] = table.groupby(["label", "right"]).cumcount()
    return sorted(table.sort_values(["turn", "label", "right"], kind="stable").index[:most])


def entries(
    tested: pd.DataFrame,
    models: Sequence[str],
    heat: Mapping[str, NDArray[np.uint8]],
    truth: Mapping[str, tuple[str, NDArray[np.bool_]]],
) -> list[dict[str, Any]]:
    """The images for the page's script.

    Args:
        tested: rows with ``image``, ``label``, ``difficulty``, the parts and a column of scores for each model.
        models: names of the score columns.
        heat: by model (n, h, w), in the order of ``tested``.
        truth: by image, from where it is known what was replaced, and the mask.

    Returns:
        For each ``name``, ``label`` (1 fake), ``difficulty``, ``parts`` (names), ``scores`` (in the order of the
        models), ``heat`` (by model, its map's bytes in base64) and, for fakes whose truth is known, ``truth``
        and ``mask`` (its bits in base64).
    """
    made = []
    for place, row in enumerate(tested.to_dict("records")):
        known = [part for part in PARTS if not pd.isna(row[part]) and row[part] == 1]
        entry = {
            "name": row["image"],
            "label": int(row["label"]),
            "difficulty": row["difficulty"],
            "parts": [part.replace("_", " ") for part in known],
            "scores": [round(float(row[name]), 4) for name in models],
            "heat": {name: _base64(maps[place]) for name, maps in heat.items() if maps[place].any()},
        }
        if row["image"] in truth:
            origin, mask = truth[row["image"]]
            entry |= {"truth": origin, "mask": _base64(np.packbits(mask, axis=-1))}
        made.append(entry)
    return made


def _base64(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
