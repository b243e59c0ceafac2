"""The residual features of an image: a row of numbers for each region of the face."""

import numpy as np
from numpy.typing import NDArray

from fakefaces.features.residuals.colour_cast import colour_cast
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations
from fakefaces.features.residuals.planes import chroma, halved, in_steps, luma_and_chroma
from fakefaces.features.residuals.window import face_window

# Features in a row: co-occurrences of luma, of chroma and of chroma at half the size, correlations, and colour cast.
GROUP_SIZES = (312, 156, 156, 30, 8)
_STEPS = 4  # of chroma in a code value; chosen in docs/forensic.md


def residual_features(pixels: NDArray[np.uint8], boxes: NDArray[np.float64], *, longest: int) -> NDArray[np.float32]:
    """Compute the residual features of the regions of a face.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        boxes: float64 (regions, 4), in pixels: left, top, right, bottom.
        longest: pixels a side of a portrait, above which it is scaled down:
            :func:`fakefaces.features.residuals.window.face_window`.

    Returns:
        float32 (regions, features), in groups of :data:`GROUP_SIZES`.
    """
    window = face_window(pixels, boxes, longest=longest)
    y, cr, cb = luma_and_chroma(window.pixels)
    fine = chroma(window.pixels)
    groups = (
        cooccurrences([y], window.boxes),
        cooccurrences(in_steps(fine, _STEPS), window.boxes, chroma=True),
        cooccurrences(in_steps(halved(fine), _STEPS), window.boxes // 2, chroma=True),
        correlations(window.pixels, window.boxes),
        colour_cast([cr, cb], window.boxes),
    )
    return np.concatenate(groups, axis=1)
