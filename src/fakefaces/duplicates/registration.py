"""Registration of two images that share a photograph."""

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError
from fakefaces.duplicates.features import describe
from fakefaces.duplicates.verification import compare

_MAX_SIDE = 1200  # pixels: more than for the search, as a fraction of a pixel matters
_MAX_KEYPOINTS = 3000


def register(
    a_grey: NDArray[np.uint8], b_grey: NDArray[np.uint8], *, min_inliers: int, seed: int
) -> NDArray[np.float64]:
    """Estimate the similarity transform from the first image to the second.

    Use it as ``cv2.warpAffine(a, matrix, (width_of_b, height_of_b))``.

    Args:
        a_grey: uint8 (height, width).
        b_grey: uint8 (h, w).
        min_inliers: keypoints that must agree.
        seed: random seed of RANSAC.

    Returns:
        float64 (2, 3): from pixel (x, y, 1) of ``a`` to the pixel of ``b``; pixel centres are at whole numbers.

    Raises:
        DataError: not 8-bit grey images, or they share no photograph.
    """
    a, b = (describe(grey, max_side=_MAX_SIDE, max_keypoints=_MAX_KEYPOINTS) for grey in (a_grey, b_grey))
    similarity = compare(a, b, seed=seed)
    if similarity is None or similarity.inliers < min_inliers:
        inliers = 0 if similarity is None else similarity.inliers
        raise DataError(f"registration: the two images agree in only {inliers} keypoints; {min_inliers} are needed")
    return similarity.matrix
