"""Arithmetic that gives the same bits on every machine.

The drawn arrays are hashed in a test, so nothing here may depend on the vector width or on fused
multiply-add of the processor: element-wise ``+ - * /`` and ``sqrt`` are exact by IEEE 754, and the
filters run on integers small enough for every partial sum to be exact in float32. That is why
the drawing uses polynomials where one would expect ``exp``. Python's floats take part in float32 arithmetic as float32
(NEP 50); NumPy's float64 scalars would not.
"""

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating[Any]]  # always float32; numpy's stubs lose the width in arithmetic
Bytes = npt.NDArray[np.uint8]

_STEPS = 4095  # 12-bit values times 12-bit weights stay below 2**24, the exact range of float32
_WEIGHTS = 4096


def smoothstep(x: Plane) -> Plane:
    """Smooth step of ``x``: 0 below 0, 1 above 1, ``3x² - 2x³`` between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def bump(r2: Plane) -> Plane:
    """A round hill over the squared radius: 1 at 0, 0 from 1 on, with a continuous slope."""
    x: Plane = np.maximum(1 - r2, 0)
    return x * x


def integer_gaussian_kernel(sigma: float) -> Plane:
    """Gaussian weights as integers that sum to 4096, shape ``(2r + 1,)``, float32."""
    radius = max(1, math.ceil(3 * sigma))
    half = [math.exp(-0.5 * (k / max(sigma, 1e-3)) ** 2) for k in range(radius + 1)]
    total = half[0] + 2 * sum(half[1:])
    weights = [round(_WEIGHTS * h / total) for h in half]
    weights[0] = _WEIGHTS - 2 * sum(weights[1:])
    return np.array(weights[:0:-1] + weights, dtype=np.float32)


def blur(image: Plane, sigma: float) -> Plane:
    """Gaussian blur of an image in 0..1, ``(H, W)`` or ``(H, W, C)``; the result has 12-bit steps."""
    kernel = integer_gaussian_kernel(sigma)
    identity = np.ones(1, dtype=np.float32)
    scaled: Plane = np.rint(np.clip(image, 0, 1) * _STEPS)
    for kx, ky in ((kernel, identity), (identity, kernel)):
        filtered = cv2.sepFilter2D(scaled, cv2.CV_32F, kx, ky, borderType=cv2.BORDER_REFLECT_101)
        scaled = np.rint(np.asarray(filtered) * (1 / _WEIGHTS))
    blurred: Plane = scaled * (1 / _STEPS)
    return blurred


def downsample_by_two(image: Bytes) -> Bytes:
    """Average 2 × 2 blocks of an ``(2H, 2W, C)`` uint8 image, rounded half up."""
    wide = image.astype(np.uint16)
    total = wide[0::2, 0::2] + wide[1::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)
