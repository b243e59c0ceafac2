"""An image described at its native resolution: a row of numbers for each box of the face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.features.residuals.boxes import MIRRORED
from fakefaces.features.residuals.casts import casts
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations

SMALLEST = 64  # pixels a side, below which a box holds too little
FAMILIES = (312, 156, 30, 8)  # numbers of luma's co-occurrences, of chroma's, of correlations, and of casts, in a row


def describe(pixels: NDArray[np.uint8], *, longest: int) -> NDArray[np.float32]:
    """Measure an image.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        longest: side in pixels from which on an image is scaled down first; below it is measured as it is,
            since scaling destroys the traces that are looked for.

    Returns:
        float32 (boxes, numbers), the boxes in the order of :data:`fakefaces.features.residuals.boxes.BOXES`.
    """
    pixels = _bounded(pixels, longest)
    planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), -1, 0)]
    found = cooccurrences(planes[:1]), cooccurrences(planes[1:], chroma=True), correlations(pixels), casts(planes[1:])
    return np.concatenate(found, axis=1)


def mirrored(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features of the mirror images, (…, boxes, numbers): left and right change places, no number changes."""
    return features[..., list(MIRRORED), :]


def _bounded(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    factor = min(1.0, longest / max(height, width))
    size = max(SMALLEST, round(width * factor)), max(SMALLEST, round(height * factor))
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
