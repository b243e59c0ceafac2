"""The arrays of one split: what a network is given, and what is known of each image."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """The arrays of one split.

    Attributes:
        views: (n, ...) what the network is given; uint8 pixels or float32 features.
        labels: float32 (n,), 1 fake.
        parts: int8 (n, 4), replaced parts; -1 unknown.
        made_of: the rows that the last ones are copies of; each row of the others has as many copies.
    """

    views: NDArray[Any]
    labels: NDArray[np.float32]
    parts: NDArray[np.int8]
    made_of: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
