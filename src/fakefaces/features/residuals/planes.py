"""Luma and chroma of an image.

JPEG stores chroma at half the size, and a decoder interpolates it. What editing leaves in it is less than a code value,
so rounding would hide it: planes may be finer. All numbers below are sums of fractions of powers of two, which are
exact in any order.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

# Cr and Cb of R, G and B, by ITU-T T.871, in whole 256ths.
_CHROMA = np.array([[128, -107, -21], [-43, -85, 128]], dtype=np.float32) / 256


def luma_and_chroma(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Y, Cr and Cb, uint8 (height, width) each, of RGB pixels."""
    planes = [np.empty(pixels.shape[:2], np.uint8) for _ in range(3)]
    cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), planes)
    return planes


def chroma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Cr and Cb without rounding, float32 (height, width, 2), -128 to 128, of RGB pixels uint8 (height, width, 3)."""
    return np.asarray(cv2.transform(pixels.astype(np.float32), _CHROMA), dtype=np.float32)


def halved(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The means of 2 x 2 pixels of planes with an even number of rows and columns."""
    height, width = planes.shape[:2]
    half = cv2.resize(planes, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, dtype=np.float32)


def in_steps(planes: NDArray[np.float32], steps: int) -> list[NDArray[np.int16]]:
    """Planes (height, width, planes) in whole steps, int16 (height, width) each, ``steps`` to a code value."""
    return [np.rint(plane * np.float32(steps)).astype(np.int16) for plane in cv2.split(planes)]
