"""Where the parts of a face lie, as shares of the image: data sets of faces are roughly aligned."""

import cv2
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
# The square around them that a backbone is shown, at native resolution: 448 pixels of an image of 600.
CROP = (76 / 600, 118 / 600, 524 / 600, 566 / 600)

NAMES = tuple(BOXES)
MIRRORED = tuple(
    NAMES.index({"left": "right_", "right": "left_"}[side] + rest if rest else name)
    for name in NAMES
    for side, _, rest in [name.partition("_")]
)
assert NAMES[:4] == PARTS


def cropped(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The square around the parts, uint8 (size, size, 3): as it is where it has this size, else scaled to it."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = np.rint(np.array(CROP) * [width, height, width, height]).astype(int)
    inside = pixels[top:bottom, left:right]
    if inside.shape[:2] == (size, size):
        return inside
    shrinks = min(inside.shape[:2]) >= size
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(inside, (size, size), interpolation=way), dtype=np.uint8)


def cells(size: int) -> NDArray[np.float32]:
    """For a map of ``size`` cells a side over the square, each box's share of each cell: float32 (boxes, size * size).

    The shares of a box add up to 1; a box smaller than a cell has the cell at its middle.
    """
    left, top, right, bottom = CROP
    middles = (np.arange(size) + 0.5) / size
    across, down = left + middles * (right - left), top + middles * (bottom - top)
    found = np.empty((len(BOXES), size, size), dtype=np.float32)
    for share, (a, b, c, d) in zip(found, BOXES.values(), strict=True):
        columns, rows = (across >= a) & (across < c), (down >= b) & (down < d)
        columns |= np.abs(across - (a + c) / 2) == np.abs(across - (a + c) / 2).min()
        rows |= np.abs(down - (b + d) / 2) == np.abs(down - (b + d) / 2).min()
        share[:] = np.outer(rows, columns)
    return (found / found.sum(axis=(1, 2), keepdims=True)).reshape(len(BOXES), size * size)


def windows(height: int, width: int, step: int = 1) -> NDArray[np.intp]:
    """The boxes in whole steps of pixels: intp (boxes, 4), left, top, right, bottom."""
    shares = np.array(list(BOXES.values()))
    scaled = shares * np.array([width, height, width, height]) / step
    return np.rint(scaled).astype(np.intp)
