"""Shared noise textures, from which every drawing takes crops at random places."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from syntheticfaces.exact import Plane

SIDE = 1024
_ENTROPY = 0x5EED


def _box_filter(values: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """Wrapped running sum of ``width`` rows."""
    sums: npt.NDArray[np.int64] = np.cumsum(np.concatenate([values, values[:width]]), axis=0)
    return sums[width:] - sums[:-width]


@lru_cache(maxsize=16)
def noise_bank(cell: int) -> Plane:
    """Smooth noise with one knot every ``cell`` pixels, ``(1024, 1024)`` float32, read-only.

    ``cell`` is a power of two up to 64. The mean is 0 and the standard deviation about 1; the
    texture wraps round at its borders.
    """
    rng = np.random.default_rng(np.random.SeedSequence([_ENTROPY, cell]))
    knots = rng.integers(-1000, 1001, size=(SIDE // cell, SIDE // cell), dtype=np.int64)
    values = knots.repeat(cell, axis=0).repeat(cell, axis=1)
    if cell > 1:
        for _ in range(4):  # twice along each axis
            values = _box_filter(values, cell).T
    # Whole numbers up to here; the uniform knots have variance 1000²/3, and the two box passes keep
    # 0.55 of it along each axis in the mean over a cell (1 for the unfiltered texture).
    spread = (1000.0 / 3**0.5) * (1.0 if cell == 1 else 0.55 * float(cell) ** 4)
    bank = (values / spread).astype(np.float32)
    bank.setflags(write=False)
    return bank


def crop(rng: np.random.Generator, cell: int, height: int, width: int) -> Plane:
    """A randomly placed and flipped ``(height, width)`` view of a noise bank; at most 1024 a side."""
    bank = noise_bank(cell)
    top = int(rng.integers(0, SIDE - height + 1))
    left = int(rng.integers(0, SIDE - width + 1))
    flips = int(rng.integers(0, 4))
    return bank[top : top + height, left : left + width][:: -1 if flips & 1 else 1, :: -1 if flips & 2 else 1]


def octaves(rng: np.random.Generator, shape: tuple[int, int], weights: dict[int, float]) -> Plane:
    """Weighted sum of crops, one for each ``cell: weight``; float32 of the given shape."""
    total = np.zeros(shape, dtype=np.float32)
    for cell, weight in weights.items():
        total += crop(rng, cell, *shape) * weight
    return total


def warped_noise(rng: np.random.Generator, cell: int, s: Plane, t: Plane) -> Plane:
    """Noise looked up at the coordinates ``s`` and ``t`` (in texture pixels, any range)."""
    bank = noise_bank(cell)
    ds, dt = (int(n) for n in rng.integers(0, SIDE, size=2))
    rows = (s.astype(np.int32) + np.int32(ds)) & np.int32(SIDE - 1)
    columns = (t.astype(np.int32) + np.int32(dt)) & np.int32(SIDE - 1)
    return bank.reshape(-1)[rows * np.int32(SIDE) + columns]
