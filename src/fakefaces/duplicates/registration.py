"""Lay one image on another that shows the same photograph, to see what differs."""

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError
from fakefaces.duplicates.features import describe
from fakefaces.duplicates.verification import compare

LONGEST = 1200  # pixels: finer than for the search, as here a fraction of a pixel matters
_KEYPOINTS = 3000


def register(
    a_grey: NDArray[np.uint8], b_grey: NDArray[np.uint8], *, min_inliers: int, seed: int
) -> NDArray[np.float64]:
    """Find the similarity that lays the first image on the second.

    Use it as ``cv2.warpAffine(a, matrix, (width_of_b, height_of_b))``.

    Args:
        a_grey: uint8 (height, width).
        b_grey: uint8 (height, width), of another size if need be.
        min_inliers: places that must agree.
        seed: of the sampling.

    Returns:
        float64 (2, 3): pixel (x, y, 1) of ``a`` to the pixel of ``b``; pixel centres lie at whole numbers.

    Raises:
        DataError: not grey images of 8 bits, or they share no photograph.
    """
    a, b = (describe(grey, longest=LONGEST, most=_KEYPOINTS) for grey in (a_grey, b_grey))
    found = compare(a, b, seed=seed)
    inliers = 0 if found is None else found.inliers
    if found is None or inliers < min_inliers:
        raise DataError(f"sources: the two images agree in {inliers} places only; {min_inliers} are needed")
    return found.matrix
