"""The residual features of an image: a row of numbers for each region of the face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import pixel_boxes
from fakefaces.data.faces import PARTS
from fakefaces.features.residuals.cooccurrences import cooccurrences

SMALLEST = 64  # pixels a side; smaller images are scaled up, since a region would hold too few pixels
GROUP_SIZES = (312, 156, 30, 8)  # features of luma co-occurrences, chroma's, correlations and colour cast, in a row

_CELLS = 2  # a side, over which the colour of a region is averaged
_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=np.float32) / 4
_CLIP = 12.0  # code values beyond which a residual is an edge, not noise
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0))  # rows, columns
_CHANNEL_PAIRS = ((0, 1), (0, 2), (1, 2))
_FLOOR = 0.01  # of a variance


def residual_features(pixels: NDArray[np.uint8], *, longest: int) -> NDArray[np.float32]:
    """Residual features float32 (regions, features) of an RGB image uint8 (height, width, 3), in :data:`GROUP_SIZES`.

    An image whose longer side exceeds ``longest`` pixels is scaled down first. Smaller images are not scaled, since
    interpolation destroys the residuals.
    """
    pixels = _limited(pixels, longest)
    y, cr, cb = (np.ascontiguousarray(plane) for plane in np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), -1, 0))
    groups = cooccurrences([y]), cooccurrences([cr, cb], chroma=True), correlations(pixels), colour_cast([cr, cb])
    return np.concatenate(groups, axis=1)


def correlations(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The strength, tails, colour, and dependence of neighbours of the noise, a Laplacian residual of RGB pixels.

    Returns:
        float32 (regions, 30): the log variance and the log kurtosis of each channel, the correlation of each pair of
        channels, and each channel's autocorrelation at seven lags.
    """
    boxes = pixel_boxes(*pixels.shape[:2])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    residual = cv2.filter2D(pixels[top:bottom, left:right].astype(np.float32), -1, _LAPLACIAN)
    channels = np.moveaxis(np.asarray(residual, np.float32).clip(-_CLIP, _CLIP), -1, 0)
    return np.array([_moments(channels[:, b:d, a:c]) for a, b, c, d in boxes - [left, top, left, top]], np.float32)


def colour_cast(planes: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Chroma minus the mean chroma of the skin: a pasted part brings its own light and white balance.

    Args:
        planes: uint8 (height, width) each, Cr and Cb.

    Returns:
        float32 (regions, 8), code values: for each plane the means of 2 x 2 cells. A row of cells is stored as its mean
        and half its absolute difference, so that a mirrored image has equal features.
    """
    boxes = pixel_boxes(*planes[0].shape)
    means = np.empty((len(boxes), len(planes), _CELLS, _CELLS), np.float32)
    for of_region, (left, top, right, bottom) in zip(means, boxes, strict=True):
        for cells, plane in zip(of_region, planes, strict=True):
            inside = plane[top:bottom, left:right].astype(np.float32)
            cells[:] = cv2.resize(inside, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    means -= means[len(PARTS) :].mean(axis=(0, 2, 3), keepdims=True)
    near, far = means[..., : _CELLS // 2], means[..., : _CELLS // 2 - 1 : -1]
    return np.concatenate([(near + far) / 2, np.abs(near - far) / 2], axis=-1).reshape(len(boxes), -1)


def _moments(channels: NDArray[np.float32]) -> list[float]:
    flat = np.ascontiguousarray(channels).reshape(len(channels), -1)
    variance = (flat * flat).mean(axis=1) + _FLOOR
    fourth = np.einsum("ij,ij->i", flat * flat, flat * flat) / flat.shape[1] + _FLOOR
    values = [*np.log(variance), *(np.log(fourth) - 2 * np.log(variance))]
    values += [flat[i] @ flat[j] / flat.shape[1] / np.sqrt(variance[i] * variance[j]) for i, j in _CHANNEL_PAIRS]
    height, width = channels.shape[1:]
    for channel, spread in zip(channels, variance, strict=True):
        for rows, columns in _LAGS:
            values.append((channel[rows:, columns:] * channel[: height - rows, : width - columns]).mean() / spread)
    return values


def _limited(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    factor = min(1.0, longest / max(height, width))
    size = max(SMALLEST, round(width * factor)), max(SMALLEST, round(height * factor))
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
