"""The arrays of a split. Training and validation arrays are different types, so that they cannot be exchanged."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SplitArrays:
    """The arrays of one split.

    Attributes:
        features: (n, ...), uint8 pixels or float32 features.
        labels: float32 (n,), 1 fake.
        replaced: int8 (n, 4), whether each of :data:`fakefaces.data.faces.PARTS` was replaced; -1 unknown.
    """

    features: NDArray[Any]
    labels: NDArray[np.float32]
    replaced: NDArray[np.int8]


@dataclass(frozen=True)
class ValidationArrays(SplitArrays):
    """The arrays that decide when training stops and calibrate its scores."""


@dataclass(frozen=True)
class TrainArrays(SplitArrays):
    """The arrays that weights are learned from: originals, and after them corrupted copies.

    Attributes:
        copy_of: intp (copies,), the row of each copy's original; every original has equally many copies.
    """

    copy_of: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
