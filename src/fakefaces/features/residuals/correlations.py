"""Moments and correlations of the noise in each region: strength, tails, colour, and dependence of neighbours."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import pixel_boxes

_KERNEL = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=np.float32) / 4
_CLIP = 12.0  # code values beyond which a residual is an edge, not noise
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0))  # rows, columns
_PAIRS = ((0, 1), (0, 2), (1, 2))
_FLOOR = 0.01


def correlations(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Moments and correlations of a Laplacian residual.

    Args:
        pixels: uint8 (height, width, 3), RGB.

    Returns:
        float32 (regions, 30): the log variance and the log kurtosis of each channel, the correlation of each pair of
        channels, and each channel's autocorrelation at seven lags.
    """
    boxes = pixel_boxes(*pixels.shape[:2])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    residual = cv2.filter2D(pixels[top:bottom, left:right].astype(np.float32), -1, _KERNEL)
    channels = np.moveaxis(np.asarray(residual, np.float32).clip(-_CLIP, _CLIP), -1, 0)
    return np.array([_moments(channels[:, b:d, a:c]) for a, b, c, d in boxes - [left, top, left, top]], np.float32)


def _moments(channels: NDArray[np.float32]) -> list[float]:
    flat = np.ascontiguousarray(channels).reshape(len(channels), -1)
    variance = (flat * flat).mean(axis=1) + _FLOOR
    fourth = np.einsum("ij,ij->i", flat * flat, flat * flat) / flat.shape[1] + _FLOOR
    values = [*np.log(variance), *(np.log(fourth) - 2 * np.log(variance))]
    values += [flat[i] @ flat[j] / flat.shape[1] / np.sqrt(variance[i] * variance[j]) for i, j in _PAIRS]
    height, width = channels.shape[1:]
    for channel, spread in zip(channels, variance, strict=True):
        for rows, columns in _LAGS:
            values.append((channel[rows:, columns:] * channel[: height - rows, : width - columns]).mean() / spread)
    return values
