"""The residual features of an image: a row of numbers for each region of the face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.features.residuals.colour_cast import colour_cast
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations

SMALLEST = 64  # pixels a side; smaller images are scaled up, since a region would hold too few pixels
GROUP_SIZES = (312, 156, 30, 8)  # features of luma co-occurrences, chroma's, correlations and colour cast, in a row


def residual_features(pixels: NDArray[np.uint8], *, longest: int) -> NDArray[np.float32]:
    """Compute the residual features of an image.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        longest: side in pixels above which an image is scaled down first. Smaller images are not scaled, since
            interpolation destroys the residuals.

    Returns:
        float32 (regions, features): regions in the order of :data:`fakefaces.data.face_regions.REGIONS`, features
        in groups of :data:`GROUP_SIZES`.
    """
    pixels = _limited(pixels, longest)
    y, cr, cb = (np.ascontiguousarray(plane) for plane in np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), -1, 0))
    groups = cooccurrences([y]), cooccurrences([cr, cb], chroma=True), correlations(pixels), colour_cast([cr, cb])
    return np.concatenate(groups, axis=1)


def _limited(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    factor = min(1.0, longest / max(height, width))
    size = max(SMALLEST, round(width * factor)), max(SMALLEST, round(height * factor))
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
