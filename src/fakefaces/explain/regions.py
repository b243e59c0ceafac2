"""Masks of face parts, and the heat of a heatmap on each part."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import PART_OUTLINES
from fakefaces.data.faces import PARTS


def box_mask(parts: Mapping[str, int], side: int) -> NDArray[np.bool_]:
    """Draw the boxes of the replaced parts as one mask.

    Args:
        parts: 1 where a part was replaced, by the names of :data:`fakefaces.data.faces.PARTS`.
        side: pixels of the square mask.

    Returns:
        bool (side, side).
    """
    mask = np.zeros((side, side), dtype=np.bool_)
    for name in PARTS:
        if parts[name] == 1:
            left, top, right, bottom = (round(edge * side) for edge in PART_OUTLINES[name])
            mask[top:bottom, left:right] = True
    return mask


def relative_heat(heatmap: NDArray[np.float32]) -> dict[str, float]:
    """Compute the heat of each part relative to the others.

    Args:
        heatmap: float32 (side, side), 0 to 1.

    Returns:
        By part, the mean heat in its box over the mean of the four boxes' means: 0 to 4, 1 for a part like the
        others. All 0 where no box has any heat.
    """
    side = len(heatmap)
    means = {name: float(heatmap[box_mask({p: int(p == name) for p in PARTS}, side)].mean()) for name in PARTS}
    mean = sum(means.values()) / len(means)
    return {name: value / mean if mean > 0 else 0.0 for name, value in means.items()}
