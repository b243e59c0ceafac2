"""The strength, tails, colour and dependence of neighbours of the noise in each region.

The noise is a Laplacian residual in quarters of a code value, stored in uint8 with an offset: the sums below are of
integers, exact in any order. Sums of products follow from sums of squared differences, which OpenCV computes for 64
pixels at a time: 2ab = a² + b² - (a - b)².
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Boxes = NDArray[np.intp]

_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=np.float32)
_UNITS = 4  # in a code value
_CLIP = 12 * _UNITS  # beyond it is an edge, not noise
_RANGE = 2 * _CLIP + 1
_SQUARES = np.arange(-_CLIP, _CLIP + 1.0) ** 2
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0))  # rows, columns
_MARGIN = 3  # the longest lag
_CHANNEL_PAIRS = ((0, 1), (0, 2), (1, 2))
_FLOOR = 0.01  # of a variance


def correlations(pixels: NDArray[np.uint8], boxes: Boxes) -> NDArray[np.float32]:
    """Statistics of the noise in each region.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        boxes: intp (regions, 4), pixels: left, top, right, bottom.

    Returns:
        float32 (regions, 30): the log variance and the log kurtosis of each channel, the correlation of each pair of
        channels, and each channel's autocorrelation at seven lags.
    """
    residual = cv2.filter2D(pixels, -1, _LAPLACIAN, delta=_CLIP)  # saturates at the lower end
    planes = [np.empty(pixels.shape[:2], np.uint8) for _ in range(3)]
    cv2.split(np.minimum(residual, 2 * _CLIP, out=residual), planes)
    squares, fourths = _moments(planes, boxes)
    across, along = _squared_differences(planes, boxes)

    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    rows, columns = np.transpose(_LAGS)
    i, j = np.transpose(_CHANNEL_PAIRS)
    area = (widths * heights)[:, None]
    variance = squares / area / _UNITS**2 + _FLOOR
    fourth = fourths / area / _UNITS**4 + _FLOOR
    of_channels = (squares[:, i] + squares[:, j] - across) / (2 * area * _UNITS**2)
    overlap = (heights[:, None] - rows) * (widths[:, None] - columns)
    of_neighbours = (squares[..., None] - along / 2) / (overlap[:, None] * _UNITS**2)
    features = (
        np.log(variance),
        np.log(fourth) - 2 * np.log(variance),
        of_channels / np.sqrt(variance[:, i] * variance[:, j]),
        (of_neighbours / variance[..., None]).reshape(len(boxes), -1),
    )
    return np.concatenate(features, axis=1).astype(np.float32)


def _moments(planes: list[Plane], boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sums of the residual's second and fourth powers, (regions, channels) each."""
    counts = np.empty((len(boxes), len(planes), _RANGE))
    for of_region, (left, top, right, bottom) in zip(counts, boxes.tolist(), strict=True):
        for row, plane in zip(of_region, planes, strict=True):
            row[:] = np.ravel(cv2.calcHist([plane[top:bottom, left:right]], [0], None, [_RANGE], [0, _RANGE]))
    return counts @ _SQUARES, counts @ _SQUARES**2


def _squared_differences(planes: list[Plane], boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Their sums between channels, (regions, pairs), and between neighbours at each lag, (regions, channels, lags).

    A neighbour outside of the region counts as zero.
    """
    across = np.empty((len(boxes), len(_CHANNEL_PAIRS)))
    along = np.empty((len(boxes), len(planes), len(_LAGS)))
    for region, (left, top, right, bottom) in enumerate(boxes.tolist()):
        channels = [_surrounded(plane[top:bottom, left:right]) for plane in planes]
        for pair, (i, j) in enumerate(_CHANNEL_PAIRS):
            across[region, pair] = cv2.norm(channels[i], channels[j], cv2.NORM_L2SQR)
        for index, channel in enumerate(channels):
            for lag, (rows, columns) in enumerate(_LAGS):
                distance = rows * (right - left + _MARGIN) + columns
                along[region, index, lag] = cv2.norm(channel[distance:], channel[:-distance], cv2.NORM_L2SQR)
    return across, along


def _surrounded(residual: Plane) -> Plane:
    """A region with zeros above, below and between its rows, flat, so that a lag is a distance in memory."""
    zero = (float(_CLIP),)
    padded = cv2.copyMakeBorder(residual, _MARGIN, _MARGIN, 0, _MARGIN, cv2.BORDER_CONSTANT, value=zero)
    return np.asarray(padded, np.uint8).ravel()
