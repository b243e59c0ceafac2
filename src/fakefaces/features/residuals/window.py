"""The part of an image that residual features are measured in: the regions of a face and what lies between them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SMALLEST = 64  # pixels a side of a portrait; smaller faces are scaled up, since a region would hold too few pixels
_PORTRAIT = 1.5  # sides of a portrait by those of the rectangle around its regions
_LEAST = 8  # pixels a side of a region


@dataclass(frozen=True)
class FaceWindow:
    """A rectangle of an image, of an even number of rows and columns."""

    pixels: NDArray[np.uint8]  # (height, width, 3), RGB
    boxes: NDArray[np.intp]  # (regions, 4), in pixels of the window: left, top, right, bottom


def face_window(pixels: NDArray[np.uint8], boxes: NDArray[np.float64], *, longest: int) -> FaceWindow:
    """Cut out the smallest rectangle around all regions.

    It begins at an even row and column, as the blocks of pixels do that share a JPEG's chroma. It is not scaled, since
    interpolation destroys the residuals, unless the portrait around it has more than ``longest`` pixels a side, or less
    than :data:`SMALLEST`.

    Args:
        pixels: uint8 (height, width, 3), RGB, two pixels a side at least.
        boxes: float64 (regions, 4), in pixels: left, top, right, bottom; they may reach beyond the image.
        longest: pixels.
    """
    whole = whole_boxes(boxes, *pixels.shape[:2])
    left, top = whole[:, :2].min(axis=0) // 2 * 2
    right, bottom = whole[:, 2:].max(axis=0)
    window, whole = pixels[top:bottom, left:right], whole - [left, top, left, top]
    side = max(window.shape[:2])
    factor = np.clip(side, SMALLEST / _PORTRAIT, longest / _PORTRAIT) / side
    height, width = (max(2, round(length * factor / 2) * 2) for length in window.shape[:2])
    if factor == 1:  # at the image's border an odd row or column is left out
        height, width = (length // 2 * 2 for length in window.shape[:2])
        window = np.ascontiguousarray(window[:height, :width])
    else:
        window = np.asarray(cv2.resize(window, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return FaceWindow(window, whole_boxes(whole * factor, height, width))


def whole_boxes(boxes: NDArray[np.floating] | NDArray[np.intp], height: int, width: int) -> NDArray[np.intp]:
    """The whole pixels of boxes (boxes, 4), moved into an image of this size, with eight a side if it has them."""
    rounded, size = np.rint(boxes).astype(np.intp), np.array([width, height])
    sides = np.clip(rounded[:, 2:] - rounded[:, :2], np.minimum(_LEAST, size), size)
    low = np.clip(rounded[:, :2], 0, size - sides)
    return np.concatenate([low, low + sides], axis=1)
