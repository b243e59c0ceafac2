"""Where the regions of a face lie in an aligned portrait; where landmarks are known, :mod:`fakefaces.faces.regions`."""

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the width and height


def _pixels_of_600(left: int, top: int, right: int, bottom: int) -> Box:
    return (left / 600, top / 600, right / 600, bottom / 600)


# The box that features of a region are computed in where no face is found, symmetric about the middle of the image.
INNER_BOXES: dict[str, Box] = {
    "left_eye": (0.165, 0.365, 0.445, 0.635),
    "right_eye": (0.555, 0.365, 0.835, 0.635),
    "nose": (0.38, 0.45, 0.62, 0.70),
    "mouth": (0.315, 0.65, 0.685, 0.885),
    "forehead": (0.30, 0.13, 0.70, 0.35),
    "left_cheek": (0.16, 0.60, 0.36, 0.80),
    "right_cheek": (0.64, 0.60, 0.84, 0.80),
}
NAMES = tuple(INNER_BOXES)
# The box that a replaced part is expected in, read off photographs of CIPLAB's, which are 600 pixels a side and only
# roughly aligned.
PART_OUTLINES = {
    "left_eye": _pixels_of_600(100, 220, 260, 380),
    "right_eye": _pixels_of_600(320, 220, 480, 380),
    "nose": _pixels_of_600(230, 270, 380, 420),
    "mouth": _pixels_of_600(190, 390, 410, 530),
}
assert tuple(PART_OUTLINES) == PARTS == NAMES[: len(PARTS)]

# For each region the index of the one on the other side of the face; a central one is its own.
MIRRORED = tuple(
    NAMES.index({"left": "right_", "right": "left_"}[side] + rest if rest else name)
    for name in NAMES
    for side, _, rest in [name.partition("_")]
)


def portrait_boxes(height: int, width: int) -> NDArray[np.float64]:
    """The inner boxes of an image of this size, in pixels: float64 (regions, 4), left, top, right, bottom."""
    return np.array(list(INNER_BOXES.values())) * [width, height, width, height]
