"""The residual features of an image: a row of numbers for each region of the face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import face_window
from fakefaces.features.residuals.colour_cast import colour_cast
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations

SMALLEST = 64  # pixels a side; smaller images are scaled up, since a region would hold too few pixels
GROUP_SIZES = (312, 156, 30, 8)  # features of luma co-occurrences, chroma's, correlations and colour cast, in a row


def residual_features(pixels: NDArray[np.uint8], *, longest: int) -> NDArray[np.float32]:
    """Residual features float32 (regions, features) of an RGB image uint8 (height, width, 3), in :data:`GROUP_SIZES`.

    An image whose longer side exceeds ``longest`` pixels is scaled down first. Smaller images are not scaled, since
    interpolation destroys the residuals.
    """
    pixels = _limited(pixels, longest)
    window = face_window(*pixels.shape[:2])
    face = pixels[window.rows, window.columns]
    y, cr, cb = luma_and_chroma(face)
    groups = (
        cooccurrences([y], window.boxes),
        cooccurrences([cr, cb], window.boxes, chroma=True),
        correlations(face, window.boxes),
        colour_cast([cr, cb], window.boxes),
    )
    return np.concatenate(groups, axis=1)


def luma_and_chroma(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Y, Cr and Cb, uint8 (height, width) each, of RGB pixels."""
    planes = [np.empty(pixels.shape[:2], np.uint8) for _ in range(3)]
    cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), planes)
    return planes


def _limited(pixels: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    factor = min(1.0, longest / max(height, width))
    size = max(SMALLEST, round(width * factor)), max(SMALLEST, round(height * factor))
    if size == (width, height):
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
