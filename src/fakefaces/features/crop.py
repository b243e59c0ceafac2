"""The square around a face that a backbone reads."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.features.residuals.window import whole_boxes


def crop_face(
    pixels: NDArray[np.uint8], boxes: NDArray[np.float64], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut out the square around all regions of a face, at native resolution where they fit into it.

    A larger face is scaled down. The square lies in the image where the image is large enough, and shows it mirrored
    at its borders where it is not.

    Args:
        pixels: uint8 (height, width, 3).
        boxes: float64 (regions, 4), in pixels: left, top, right, bottom.
        size: pixels of a side of what is returned.

    Returns:
        uint8 (size, size, 3), and the regions float32 (regions, 4) as shares of its sides, 0 to 1.
    """
    height, width = pixels.shape[:2]
    whole = whole_boxes(boxes, height, width)
    low, high = whole[:, :2].min(axis=0), whole[:, 2:].max(axis=0)
    side = max(size, *(high - low).tolist())
    left, top = (
        (start + end - side) // 2 if length < side else min(max((start + end - side) // 2, 0), length - side)
        for start, end, length in zip(low.tolist(), high.tolist(), (width, height), strict=True)
    )
    right, bottom = left + side, top + side
    inside = pixels[max(top, 0) : bottom, max(left, 0) : right]
    borders = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    square = cv2.copyMakeBorder(inside, *borders, cv2.BORDER_REFLECT_101) if any(borders) else inside
    if side != size:
        square = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    shares = (whole - [left, top, left, top]) / side
    return np.asarray(square, dtype=np.uint8), shares.astype(np.float32)
