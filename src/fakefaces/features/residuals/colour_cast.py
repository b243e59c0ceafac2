"""The colour cast of each region: a pasted part brings its own light and white balance."""

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS


def colour_cast(planes: Sequence[NDArray[np.uint8]], boxes: NDArray[np.intp]) -> NDArray[np.float32]:
    """Chroma minus the mean chroma of the skin.

    Args:
        planes: uint8 (height, width) each, Cr and Cb.
        boxes: intp (regions, 4), pixels: left, top, right, bottom. The regions after the parts are skin.

    Returns:
        float32 (regions, 8), code values: for each plane the means of 2 x 2 cells. A row of cells is stored as its mean
        and half its absolute difference, so that a mirrored image has equal features.
    """
    means = np.stack([_cell_means(plane, boxes) for plane in planes], axis=1)
    means -= means[len(PARTS) :].mean(axis=(0, 2, 3), keepdims=True)
    left, right = means[..., :1], means[..., 1:]
    cells = np.concatenate([(left + right) / 2, np.abs(left - right) / 2], axis=-1)
    return cells.reshape(len(boxes), -1).astype(np.float32)


def _cell_means(plane: NDArray[np.uint8], boxes: NDArray[np.intp]) -> NDArray[np.float64]:
    """The means of the quarters of each box, (regions, 2, 2); a middle row or column counts half to either side."""
    integral = np.asarray(cv2.integral(plane, sdepth=cv2.CV_64F))
    left, top, right, bottom = boxes.T
    # The integral up to the middle of a pixel is the mean of those up to its edges.
    corners = itertools.product(_rounded_edges(top, bottom), _rounded_edges(left, right))
    sums = np.mean([integral[y[:, :, None], x[:, None, :]] for y, x in corners], axis=0)
    area = (right - left) * (bottom - top) / 4
    return np.asarray(np.diff(np.diff(sums, axis=1), axis=2) / area[:, None, None])


def _rounded_edges(low: NDArray[np.intp], high: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The ends and the middle of intervals, rounded down and up, (regions, 3) each."""
    doubled = np.stack([2 * low, low + high, 2 * high], axis=1)
    return doubled // 2, (doubled + 1) // 2
