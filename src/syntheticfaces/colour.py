"""Colour conversions for single colours and for whole planes."""

import math
from functools import lru_cache

import numpy as np

from syntheticfaces.exact import Bytes, Plane
from syntheticfaces.view import Window

Rgb = tuple[float, float, float]

_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_FROM_XYZ = ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570))
_WHITE = (0.9505, 1.0, 1.089)
_TABLE = 4096


def srgb_to_linear(value: float) -> float:
    """Linear light (0..1) of an sRGB code value (0..255)."""
    x = value / 255
    return x / 12.92 if x <= 0.04045 else math.pow((x + 0.055) / 1.055, 2.4)


def linear_to_srgb(light: float) -> float:
    """The sRGB code value (0..255, not rounded) of a linear light (0..1)."""
    x = min(max(light, 0.0), 1.0)
    return 255 * (12.92 * x if x <= 0.0031308 else 1.055 * math.pow(x, 1 / 2.4) - 0.055)


def linear_colour(red: float, green: float, blue: float) -> Rgb:
    """A linear colour from sRGB code values."""
    return srgb_to_linear(red), srgb_to_linear(green), srgb_to_linear(blue)


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """The colour ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return red, green, blue


def srgb_to_lab(rgb: Rgb) -> Rgb:
    """CIELAB (D65) of an sRGB colour in code values."""
    light = [srgb_to_linear(c) for c in rgb]
    f = []
    for row, white in zip(_TO_XYZ, _WHITE, strict=True):
        t = sum(w * c for w, c in zip(row, light, strict=True)) / white
        f.append(math.pow(t, 1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def lab_to_srgb(colour: Rgb) -> Rgb:
    """The sRGB code values (clipped to 0..255) of a CIELAB colour."""
    fy = (colour[0] + 16) / 116
    xyz = []
    for f, white in zip((fy + colour[1] / 500, fy, fy - colour[2] / 200), _WHITE, strict=True):
        xyz.append(white * (f**3 if f**3 > 0.008856 else (f - 16 / 116) / 7.787))
    red, green, blue = (linear_to_srgb(sum(w * c for w, c in zip(row, xyz, strict=True))) for row in _FROM_XYZ)
    return red, green, blue


@lru_cache(maxsize=1)
def _code_table() -> Bytes:
    """SRGB codes for linear light in 4096 steps of a square-root scale, which spares the shadows."""
    steps = [(k / (_TABLE - 1)) ** 2 for k in range(_TABLE)]
    return np.array([round(linear_to_srgb(light)) for light in steps], dtype=np.uint8)


def encode(planes: Plane) -> Bytes:
    """SRGB bytes ``(H, W, 3)`` of linear planes ``(3, H, W)``; highlights roll off above 0.7."""
    x = np.maximum(planes, 0)
    over = np.maximum(x - 0.7, 0)
    x = x - over + over / (1 + over * 2.6)
    index = np.rint(np.sqrt(np.minimum(x, 1)) * (_TABLE - 1)).astype(np.int32)
    return np.ascontiguousarray(_code_table()[index].transpose(1, 2, 0))


def channels(colour: Rgb) -> Plane:
    """A colour as float32 of the shape ``(3, 1, 1)``, which broadcasts over planes."""
    return np.array(colour, dtype=np.float32)[:, None, None]


def blend(canvas: Plane, window: Window, colour: Rgb | Plane, alpha: Plane, shade: Plane | float = 1.0) -> None:
    """Blend a colour, or planes of the window's shape, times ``shade`` into ``(3, H, W)`` planes, in place."""
    target = canvas[:, window[0], window[1]]
    value = colour if isinstance(colour, np.ndarray) else channels(colour)
    target += alpha * (value * shade - target)
