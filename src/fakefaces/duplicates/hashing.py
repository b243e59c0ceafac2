"""Locality-sensitive hashing of descriptors: similar ones share keys, others hardly ever.

Keys depend on the descriptor alone. So whether a pair of images is a candidate does not depend on other images,
and later images change no earlier result.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import DIMENSIONS, NORM

SIGNATURE = 36  # bytes of a signature
BANDS = 96  # keys per signature
BYTES = 5  # of a signature that a key is made of,
BITS = 2  # and bits of one byte more
KEY_BITS = 34  # of a key, hashed
MIN_SUM = 3500  # of a descriptor of length 512; 5793 is the most, where all of its 128 values are equal

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
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio (Knuth, volume 3, section 6.4)
_MAX_WEIGHT = 1000  # products with a row of 128 bytes of length 512 then sum to less than 2**23


def signatures(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hash descriptors by the signs of random projections (Charikar 2002, doi:10.1145/509907.509965).

    The mean is removed and coarse frequencies, which vary most, are attenuated before projection, so that the 288
    bits are balanced and nearly independent.

    Returns:
        uint8 (n, 36) for descriptors (n, 128).
    """
    projection, offset = _projection()
    octets = np.zeros((len(descriptors), SIGNATURE), np.uint8)
    for start in range(0, len(descriptors), _BATCH_ROWS):
        batch = descriptors[start : start + _BATCH_ROWS].astype(np.float32)
        octets[start : start + _BATCH_ROWS] = np.packbits(batch @ projection > offset, axis=1, bitorder="little")
    return octets


def distinctive(descriptors: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each descriptor, of (n, 128), shows more than an edge, as those of strange photographs look alike.

    (sum / 512)**2 is the effective number of its values. Below 47 are a tenth of photographs' keypoints, which make
    most of the collisions by chance.
    """
    return np.asarray(descriptors.sum(axis=1, dtype=np.int64) >= MIN_SUM, dtype=np.bool_)


def band_keys(columns: NDArray[np.uint8], band: int, rows: slice | NDArray[np.intp]) -> NDArray[np.uint64]:
    """One of the 96 keys of some rows of signatures, given by columns, (36, n): 42 of their bits.

    After Indyk & Motwani 1998, doi:10.1145/276698.276876.
    Two descriptors whose signatures differ in a share p of their bits share it with a probability of (1 - p)**42.

    Returns:
        uint64 (rows,), below 2**34: multiplicative hashes of the bits, so that other bits hardly ever have the same.
    """
    *whole, part = _columns()[band]
    key = (columns[part, rows] & np.uint8((1 << BITS) - 1)).astype(np.uint64)
    for column in whole:
        key <<= np.uint64(8)
        key |= columns[column, rows]
    key *= _MULTIPLIER
    key >>= np.uint64(64 - KEY_BITS)
    return key


@cache
def _columns() -> NDArray[np.intp]:
    """The bytes of each key, (96, 6), each in about as many keys as any other; of the last one a key has some bits."""
    random = np.random.default_rng(_SEED)
    rounds = -(-BANDS * BYTES // SIGNATURE)
    drawn = np.concatenate([random.permutation(SIGNATURE) for _ in range(rounds + 1)])
    rows: list[list[int]] = [[]]
    for column in drawn.tolist():
        if len(rows[-1]) == BYTES:
            rows.append([])
        if column not in rows[-1]:
            rows[-1].append(column)
    for row in rows[:BANDS]:
        row.append(next(k % SIGNATURE for k in range(row[0] + BYTES, 2 * SIGNATURE) if k % SIGNATURE not in row))
    return np.array(rows[:BANDS], dtype=np.intp)


@cache
def _projection() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matrix (128, 288) and thresholds (288,) of the projections."""
    mirrored = [0, 1, 1, 0]
    mean = np.array(_MEAN)[mirrored][:, mirrored][..., [0, 1, 2, 3, 4, 3, 2, 1]].ravel()
    orientations = np.array(_ORIENTATIONS)[[0, 1, 1, 2, 2, 3, 3, 4]]
    spread = np.multiply.outer(np.multiply.outer(_ROWS, _COLUMNS), orientations).ravel()
    frequencies = np.kron(np.kron(_cosine_basis(4), _cosine_basis(4)), _fourier_basis(8))
    random = np.random.default_rng(_SEED).standard_normal((DIMENSIONS, 8 * SIGNATURE))
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
