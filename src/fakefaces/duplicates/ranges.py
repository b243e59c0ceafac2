"""Many ranges of whole numbers, one after the other, without a loop."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def ranges(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """For each number of the ranges ``starts[k]``, ``starts[k] + 1`` ... of ``counts[k]``: its range k, and itself."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
