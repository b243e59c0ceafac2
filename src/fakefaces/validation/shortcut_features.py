"""Appearance of an image without any detail: a small grey thumbnail, and the mean and spread of its colours.

Neither can show a forgery. A detector that learns from them learns how the two classes were framed or lit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 16  # pixels of the thumbnail
N_FEATURES = SIDE * SIDE + 6


@dataclass(frozen=True, eq=False)
class Appearance:
    """Appearance of n images.

    Attributes:
        thumbnail: float32 (n, 256), grey of 16 x 16 areas row by row, 0 to 1; NaN where a file is unreadable.
        colour: float32 (n, 6), means of red, green and blue, then their standard deviations, 0 to 1; NaN where a
            file is unreadable.
    """

    thumbnail: NDArray[np.float32]
    colour: NDArray[np.float32]

    @classmethod
    def from_rows(cls, rows: Sequence[NDArray[np.float32]]) -> "Appearance":
        """Stack rows of :func:`appearance`."""
        values = np.asarray(rows, dtype=np.float32).reshape(-1, N_FEATURES)
        return cls(values[:, : SIDE * SIDE], values[:, SIDE * SIDE :])

    def __len__(self) -> int:
        return len(self.thumbnail)

    def select(self, mask: NDArray[np.bool_]) -> "Appearance":
        """The images where ``mask``, bool (n,), is true."""
        return Appearance(self.thumbnail[mask], self.colour[mask])


def appearance(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute the appearance of one image.

    Args:
        pixels: uint8 (height, width, 3), RGB.

    Returns:
        float32 (262,): the thumbnail, then the colours.
    """
    # Averaged as floats: rounding each area to a whole grey level would add noise.
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    thumbnail = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    mean, deviation = cv2.meanStdDev(pixels)
    return (np.concatenate([thumbnail.ravel(), mean.ravel(), deviation.ravel()]) / 255).astype(np.float32)
