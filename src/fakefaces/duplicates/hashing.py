"""Locality-sensitive hashing of descriptors: similar ones share keys, others hardly ever.

Keys depend on the descriptor alone. So whether a pair of images is a candidate does not depend on other images,
and later images change no earlier result.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import DIMENSIONS, NORM

BANDS = 12  # keys per descriptor
BITS = 24  # per key

# Mean RootSIFT of face photographs, by (outer, inner) row, (outer, inner) column and orientation relative to the
# keypoint's in steps of 45 degrees. Other values are also correct; these spread the keys best.
_MEAN = (
    ((0.092, 0.058, 0.036, 0.044, 0.061), (0.140, 0.079, 0.039, 0.041, 0.052)),
    ((0.109, 0.064, 0.039, 0.052, 0.072), (0.171, 0.089, 0.041, 0.049, 0.064)),
)
# Standard deviations by frequency over rows, columns and orientations, which are multiplied.
_ROWS = (1.84, 1.18, 0.84, 0.55)
_COLUMNS = (1.47, 1.17, 0.91, 0.64)
_ORIENTATIONS = (0.95, 1.74, 1.19, 0.72, 0.47)
_FLATTENING = 0.4  # 0 keeps the spread, 1 equalizes it: fewer chance collisions, but more noise
_SEED = 20_041_012  # never to change: stored states hold pairs that were found with these keys
_BATCH_ROWS = 4096
_MAX_WEIGHT = 1000  # products with a row of 128 bytes of length 512 then sum to less than 2**23


def keys(descriptors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Hash descriptors by the signs of random projections (Charikar 2002, doi:10.1145/509907.509965).

    The mean is removed and coarse frequencies, which vary most, are attenuated before projection, so that the
    bits are balanced and nearly independent. A key is 24 such bits; all 12 keys together are also used as a
    signature of 288 bits (Jegou, Douze & Schmid 2008, doi:10.1007/978-3-540-88682-2_24).

    Returns:
        uint32 (n, 12), each below 2**24, for descriptors (n, 128).
    """
    projection, offset = _projection()
    octets = np.zeros((len(descriptors), BANDS, 4), np.uint8)  # little-endian; the highest byte is 0
    for start in range(0, len(descriptors), _BATCH_ROWS):
        batch = descriptors[start : start + _BATCH_ROWS].astype(np.float32)
        packed = np.packbits(batch @ projection > offset, axis=1, bitorder="little")
        octets[start : start + _BATCH_ROWS, :, :-1] = packed.reshape(-1, BANDS, BITS // 8)
    return octets.view("<u4")[:, :, 0].astype(np.uint32, copy=False)


@cache
def _projection() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matrix (128, 288) and thresholds (288,) of the projections."""
    mirrored = [0, 1, 1, 0]
    mean = np.array(_MEAN)[mirrored][:, mirrored][..., [0, 1, 2, 3, 4, 3, 2, 1]].ravel()
    orientations = np.array(_ORIENTATIONS)[[0, 1, 1, 2, 2, 3, 3, 4]]
    spread = np.multiply.outer(np.multiply.outer(_ROWS, _COLUMNS), orientations).ravel()
    frequencies = np.kron(np.kron(_cosine_basis(4), _cosine_basis(4)), _fourier_basis(8))
    random = np.random.default_rng(_SEED).standard_normal((DIMENSIONS, BANDS * BITS))
    matrix = frequencies.T @ (spread[:, None] ** -_FLATTENING * random)
    # Integers small enough that float32 sums are exact in any order: a key must not depend on the number of
    # threads or on the other rows of the batch.
    matrix = np.rint(matrix * (_MAX_WEIGHT / np.abs(matrix).max()))
    offset = np.rint(NORM * mean @ matrix) + 0.5
    return matrix.astype(np.float32), offset.astype(np.float32)


def _cosine_basis(n: int) -> NDArray[np.float64]:
    """Orthonormal cosine transform, one row per frequency."""
    rows = np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float64)


def _fourier_basis(n: int) -> NDArray[np.float64]:
    """Orthonormal real Fourier transform, rows 1, cos, sin, cos, sin ... and the alternating one."""
    phase = 2 * np.pi / n * np.outer(np.arange(n // 2 + 1), np.arange(n))
    rows = np.stack([np.cos(phase), np.sin(phase)], axis=1).reshape(-1, n)[[0, *range(2, n), n]]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float64)
