"""What is left of a photograph when all detail is gone: a small grey thumbnail, and its mean colour and spread.

Neither can show a forgery. A detector that learns from them learns how the two classes were framed or lit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 16  # of the thumbnail, pixels
_NUMBERS = SIDE * SIDE + 6


@dataclass(frozen=True)
class Looks:
    """The looks of n images, in one order.

    Attributes:
        thumbnail: float32 (n, 256), grey of 16 x 16 areas row by row, 0 to 1; NaN where a file is unreadable.
        colour: float32 (n, 6), mean of red, green and blue, then their standard deviations, 0 to 1; likewise.
    """

    thumbnail: NDArray[np.float32]
    colour: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.thumbnail)

    def of(self, rows: NDArray[np.bool_]) -> "Looks":
        """Those images where ``rows``, bool (n,), is true."""
        return Looks(self.thumbnail[rows], self.colour[rows])


def look(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Take one image's looks.

    Args:
        pixels: uint8 (height, width, 3), RGB.

    Returns:
        float32 (262,), a row for :func:`gathered`.
    """
    import cv2

    # Averaged as floats: rounding each area to a whole grey level would be noise.
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    thumbnail = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    mean, spread = cv2.meanStdDev(pixels)
    return (np.concatenate([thumbnail.ravel(), mean.ravel(), spread.ravel()]) / 255).astype(np.float32)


def unseen() -> NDArray[np.float32]:
    """The row of an image that cannot be read: float32 (262,), all NaN."""
    return np.full(_NUMBERS, np.nan, dtype=np.float32)


def gathered(rows: list[NDArray[np.float32]]) -> Looks:
    """Put the rows of all images together."""
    values = np.asarray(rows, dtype=np.float32).reshape(-1, _NUMBERS)
    return Looks(values[:, : SIDE * SIDE], values[:, SIDE * SIDE :])
