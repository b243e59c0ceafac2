"""Where the parts of a face lie, as shares of the image: data sets of faces are roughly aligned."""

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS

# left, top, right, bottom; the first four are PARTS, the others are skin that is not replaced
BOXES = {
    "left_eye": (0.165, 0.365, 0.445, 0.635),
    "right_eye": (0.555, 0.365, 0.835, 0.635),
    "nose": (0.38, 0.45, 0.62, 0.70),
    "mouth": (0.315, 0.65, 0.685, 0.885),
    "forehead": (0.30, 0.13, 0.70, 0.35),
    "left_cheek": (0.16, 0.60, 0.36, 0.80),
    "right_cheek": (0.64, 0.60, 0.84, 0.80),
}
NAMES = tuple(BOXES)
MIRRORED = tuple(
    NAMES.index({"left": "right_", "right": "left_"}[side] + rest if rest else name)
    for name in NAMES
    for side, _, rest in [name.partition("_")]
)
assert NAMES[:4] == PARTS


def windows(height: int, width: int, step: int = 1) -> NDArray[np.intp]:
    """The boxes in whole steps of pixels: intp (boxes, 4), left, top, right, bottom."""
    shares = np.array(list(BOXES.values()))
    scaled = shares * np.array([width, height, width, height]) / step
    return np.rint(scaled).astype(np.intp)
