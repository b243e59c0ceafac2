"""Where the regions of a face lie in an aligned portrait: the only tables of them, and what is cut out by them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the width and height


def _pixels_of_600(left: int, top: int, right: int, bottom: int) -> Box:
    return (left / 600, top / 600, right / 600, bottom / 600)


# The box that features of a region are computed in, symmetric about the middle of the image.
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

# The square around all inner boxes that a backbone reads at native resolution: 448 pixels of an image of 600.
CROP = _pixels_of_600(76, 118, 524, 566)

# For each region the index of the one on the other side of the face; a central one is its own.
MIRRORED = tuple(
    NAMES.index({"left": "right_", "right": "left_"}[side] + rest if rest else name)
    for name in NAMES
    for side, _, rest in [name.partition("_")]
)


def crop_face(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Cut the square :data:`CROP` out of uint8 (height, width, 3), and scale it to uint8 (size, size, 3)."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = np.rint(np.array(CROP) * [width, height, width, height]).astype(int)
    crop = pixels[top:bottom, left:right]
    if crop.shape[:2] == (size, size):
        return crop
    interpolation = cv2.INTER_AREA if min(crop.shape[:2]) >= size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (size, size), interpolation=interpolation), dtype=np.uint8)


def cell_weights(size: int) -> NDArray[np.float32]:
    """The weight of each cell of a feature map over :data:`CROP`, ``size`` cells a side, in the mean of each region.

    Returns:
        float32 (regions, size * size); each row sums to 1. A region smaller than a cell has the cell at its middle.
    """
    left, top, right, bottom = CROP
    centres = (np.arange(size) + 0.5) / size
    x, y = left + centres * (right - left), top + centres * (bottom - top)
    weights = np.empty((len(NAMES), size, size), dtype=np.float32)
    for mask, (x0, y0, x1, y1) in zip(weights, INNER_BOXES.values(), strict=True):
        columns, rows = (x >= x0) & (x < x1), (y >= y0) & (y < y1)
        columns |= np.abs(x - (x0 + x1) / 2) == np.abs(x - (x0 + x1) / 2).min()
        rows |= np.abs(y - (y0 + y1) / 2) == np.abs(y - (y0 + y1) / 2).min()
        mask[:] = np.outer(rows, columns)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    return weights.reshape(len(NAMES), size * size)


def pixel_boxes(height: int, width: int) -> NDArray[np.intp]:
    """The inner boxes of an image of this size, in pixels: intp (regions, 4), left, top, right, bottom."""
    boxes = np.array(list(INNER_BOXES.values())) * [width, height, width, height]
    return np.asarray(np.rint(boxes), dtype=np.intp)


@dataclass(frozen=True)
class FaceWindow:
    """The smallest rectangle of an image that holds all inner boxes."""

    rows: slice
    columns: slice
    boxes: NDArray[np.intp]  # (regions, 4), in pixels of the window: left, top, right, bottom


def face_window(height: int, width: int) -> FaceWindow:
    """The rectangle around the regions of an image of this size, in pixels."""
    boxes = pixel_boxes(height, width)
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    return FaceWindow(slice(top, bottom), slice(left, right), boxes - [left, top, left, top])
