"""The arrays of a split. Training and validation arrays are different types, so that they cannot be exchanged."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SplitArrays:
    """The arrays of one split."""

    features: Any  # (n, ...), uint8 pixels or float32 features: an array, or its rows in files: data.stored_rows
    labels: NDArray[np.float32]  # (n,), 1 fake
    replaced: NDArray[np.int8]  # (n, 4), whether each of data.faces.PARTS was replaced; -1 unknown


@dataclass(frozen=True)
class ValidationArrays(SplitArrays):
    """The arrays that decide when training stops and calibrate its scores."""

    # (copies, ...), features of corrupted copies of the images: what is familiar though it is not as it was
    copies: Any = field(default_factory=lambda: np.empty(0, np.float32))
    # (copies,), the row of each copy's original
    copy_of: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))


@dataclass(frozen=True)
class TrainArrays(SplitArrays):
    """The arrays that weights are learned from: originals, and after them corrupted copies, equally many of each."""

    # (copies,), the row of each copy's original
    copy_of: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    # (originals,), the number of the photograph that each shows, or shares a part of; each its own where it is empty
    photographs: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    # (strangers, ...), features of what was made of the originals and is unlike them: see features.strangers
    strangers: Any = field(default_factory=lambda: np.empty(0, np.float32))
