"""Short keys of descriptors: like descriptors share some, unlike ones hardly ever.

The keys depend on nothing but the descriptor. So a pair of images is, or is not, a candidate whatever other
images there are, and images that come later change nothing that was found before.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import DIMENSIONS, NORM

BANDS = 12  # keys of a descriptor
BITS = 24  # of a key

# The mean of RootSIFT over photographs of faces, by (outer, inner) row, (outer, inner) column and orientation
# off the keypoint's own in steps of 45 degrees. Other values are as correct; these spread the keys best.
_MEAN = (
    ((0.092, 0.058, 0.036, 0.044, 0.061), (0.140, 0.079, 0.039, 0.041, 0.052)),
    ((0.109, 0.064, 0.039, 0.052, 0.072), (0.171, 0.089, 0.041, 0.049, 0.064)),
)
# Standard deviations by frequency over rows, columns and orientations, likewise, as a product.
_ROWS = (1.84, 1.18, 0.84, 0.55)
_COLUMNS = (1.47, 1.17, 0.91, 0.64)
_TURNS = (0.95, 1.74, 1.19, 0.72, 0.47)
_FLATTENING = 0.4  # 0 keeps the spread as it is, 1 makes it equal: fewer chance meetings, but more noise
_SEED = 20_041_012  # fixed for good: a stored state holds pairs that were found with these keys
_ROWS_AT_ONCE = 4096
_LARGEST_WEIGHT = 1000  # a row of 128 bytes of length 512 then sums to less than 2**23


def keys(descriptors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Hash descriptors by the signs of random projections (Charikar 2002, doi:10.1145/509907.509965).

    The projections are taken after the mean is removed and coarse frequencies, which vary most, are held
    back, so that the bits are balanced and hardly depend on each other. A key is 24 such bits; all 12 keys
    together also serve as one signature of 288 bits (Jegou, Douze & Schmid 2008,
    doi:10.1007/978-3-540-88682-2_24).

    Args:
        descriptors: uint8 (n, 128), as in :class:`fakefaces.duplicates.features.Features`.

    Returns:
        uint32 (n, 12), each below 2**24.
    """
    projection, offset = _projection()
    octets = np.zeros((len(descriptors), BANDS, 4), np.uint8)  # of little-endian numbers; the highest is 0
    for start in range(0, len(descriptors), _ROWS_AT_ONCE):
        part = descriptors[start : start + _ROWS_AT_ONCE].astype(np.float32)
        packed = np.packbits(part @ projection > offset, axis=1, bitorder="little")
        octets[start : start + _ROWS_AT_ONCE, :, :-1] = packed.reshape(-1, BANDS, BITS // 8)
    return octets.view("<u4")[:, :, 0].astype(np.uint32, copy=False)


@cache
def _projection() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matrix (128, 288) and thresholds (288,) of the projections."""
    mean = _mean().ravel()
    turns = np.array(_TURNS)[[0, 1, 1, 2, 2, 3, 3, 4]]
    spread = np.multiply.outer(np.multiply.outer(_ROWS, _COLUMNS), turns).ravel()
    frequencies = np.kron(np.kron(_cosines(4), _cosines(4)), _waves(8))
    random = np.random.default_rng(_SEED).standard_normal((DIMENSIONS, BANDS * BITS))
    matrix = frequencies.T @ (spread[:, None] ** -_FLATTENING * random)
    # Whole numbers, small enough that float32 adds them without rounding in whatever order BLAS likes: a key
    # must not hang on the number of threads or on the rows beside it.
    matrix = np.rint(matrix * (_LARGEST_WEIGHT / np.abs(matrix).max()))
    offset = np.rint(NORM * mean @ matrix) + 0.5
    return matrix.astype(np.float32), offset.astype(np.float32)


def _mean() -> NDArray[np.float64]:
    quarter = np.array(_MEAN)
    outer_inner = [0, 1, 1, 0]
    return quarter[outer_inner][:, outer_inner][..., [0, 1, 2, 3, 4, 3, 2, 1]]


def _cosines(n: int) -> NDArray[np.float64]:
    """Orthonormal cosine transform, a row a frequency."""
    rows = np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _waves(n: int) -> NDArray[np.float64]:
    """Orthonormal real Fourier transform, rows 1, cos, sin, cos, sin ... and the alternating one."""
    turn = 2 * np.pi / n * np.outer(np.arange(n // 2 + 1), np.arange(n))
    rows = np.stack([np.cos(turn), np.sin(turn)], axis=1).reshape(-1, n)[[0, *range(2, n), n]]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
