"""Transformation between face and pixel coordinates.

Face coordinates ``(u, v)`` have their origin between the eyes, ``u`` to the right of the picture and
``v`` down; one unit is about half the width of a face, so the chin lies near ``v = 1.42``.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from syntheticfaces.exact import Plane

Points = npt.NDArray[np.float64]
Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class View:
    """Pose and framing: ``canvas`` pixels a side, ``unit`` pixels a face unit, angles in radians."""

    canvas: int
    unit: float
    centre: tuple[float, float]
    roll: float
    yaw: float
    pitch: float

    def grid(self) -> tuple[Plane, Plane]:
        """Face coordinates of all pixel centres: two ``(canvas, canvas)`` float32 planes."""
        axis = np.arange(self.canvas, dtype=np.float32) + 0.5
        x = ((axis - self.centre[0]) * (1 / self.unit))[None, :]
        y = ((axis - self.centre[1]) * (1 / self.unit))[:, None]
        c, s = np.float32(math.cos(self.roll)), np.float32(math.sin(self.roll))
        a, b = x * c + y * s, y * c - x * s
        u, v = a, b
        for _ in range(2):  # the depth is flat enough for two steps to invert the parallax
            depth = np.maximum(1 - 0.6 * u * u - 0.25 * v * v, 0)
            u, v = a - self.yaw * depth, b - self.pitch * depth
        return u.astype(np.float32), v.astype(np.float32)

    def pixels(self, points: Points) -> Points:
        """Pixel coordinates of face points, both ``(N, 2)`` float64."""
        u, v = points[:, 0], points[:, 1]
        depth = np.maximum(1 - 0.6 * u * u - 0.25 * v * v, 0)
        a, b = u + self.yaw * depth, v + self.pitch * depth
        c, s = math.cos(self.roll), math.sin(self.roll)
        x = self.centre[0] + self.unit * (a * c - b * s)
        y = self.centre[1] + self.unit * (a * s + b * c)
        return np.stack([x, y], axis=1)

    def pixel(self, u: float, v: float) -> tuple[float, float]:
        """Pixel coordinates of one face point."""
        point = self.pixels(np.array([[u, v]]))[0]
        return float(point[0]), float(point[1])

    def window(self, u: float, v: float, ru: float, rv: float) -> Window:
        """The pixels that can lie within ``ru`` and ``rv`` of a face point (may be empty)."""
        x, y = self.pixel(u, v)
        c, s = abs(math.cos(self.roll)), abs(math.sin(self.roll))
        half_x = self.unit * (ru * c + rv * s) * 1.15 + 2
        half_y = self.unit * (ru * s + rv * c) * 1.15 + 2
        return (
            slice(max(0, math.floor(y - half_y)), max(0, min(self.canvas, math.ceil(y + half_y)))),
            slice(max(0, math.floor(x - half_x)), max(0, min(self.canvas, math.ceil(x + half_x)))),
        )
