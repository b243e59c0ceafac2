"""Where eyes, nose and mouth lie in an aligned portrait, roughly."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS

# Left, top, right, bottom in shares of the picture: read off the public set's photographs of 600 pixels, whose
# faces are only roughly aligned. Left and right as seen in the image.
BOXES = {
    "left_eye": (100 / 600, 220 / 600, 260 / 600, 380 / 600),
    "right_eye": (320 / 600, 220 / 600, 480 / 600, 380 / 600),
    "nose": (230 / 600, 270 / 600, 380 / 600, 420 / 600),
    "mouth": (190 / 600, 390 / 600, 410 / 600, 530 / 600),
}


def box_mask(parts: Mapping[str, int], side: int) -> NDArray[np.bool_]:
    """The boxes of the replaced parts as one mask.

    Args:
        parts: 1 where a part was replaced, by the names of :data:`fakefaces.data.faces.PARTS`.
        side: pixels of the square mask.

    Returns:
        bool (side, side).
    """
    mask = np.zeros((side, side), dtype=np.bool_)
    for name in PARTS:
        if parts[name] == 1:
            left, top, right, bottom = (round(edge * side) for edge in BOXES[name])
            mask[top:bottom, left:right] = True
    return mask


def suspected(heat: NDArray[np.float32]) -> dict[str, float]:
    """How much of a heat map lies on each part, for its size.

    Args:
        heat: float32 (side, side), 0 to 1.

    Returns:
        By part, the mean heat in its box over the mean of the four boxes' means: 1 for a part like the
        others, 4 at most. All 0 where no box is warm.
    """
    side = len(heat)
    means = {name: float(heat[box_mask({p: int(p == name) for p in PARTS}, side)].mean()) for name in PARTS}
    mean = sum(means.values()) / len(means)
    return {name: value / mean if mean > 0 else 0.0 for name, value in means.items()}
