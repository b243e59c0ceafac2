"""Squares of an image, turned as a face is: what a network is shown, and the way back to the image's pixels."""

from dataclasses import dataclass
from math import cos, sin

import cv2
import numpy as np
from numpy.typing import NDArray

_REACH = 0.75  # of a side, more than from the middle of a square to its corners


@dataclass(frozen=True)
class Square:
    """A square in pixels of an image, whose top left corner is (0, 0); the middle of its first pixel is (0.5, 0.5)."""

    x: float  # of its middle
    y: float
    side: float  # more than 0
    angle: float  # in radians, clockwise, from the image's rows to the square's

    def cut(self, image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """What the image shows in the square, scaled to uint8 (size, size, 3); black beyond the image's border.

        This is for finding things: what is measured is never taken from it.

        Args:
            image: uint8 (height, width, 3).
            size: pixels of a side.
        """
        left, top, right, bottom = self._surroundings(*image.shape[:2])
        if left >= right or top >= bottom:
            return np.zeros((size, size, 3), dtype=np.uint8)
        source, step = image[top:bottom, left:right], 1
        # Halved until less than two of its pixels make one of the result's, so that nothing fine is skipped.
        while self.side >= 2 * step * size and min(source.shape[:2]) >= 2:
            rows, columns = source.shape[0] // 2, source.shape[1] // 2
            even = source[: 2 * rows, : 2 * columns]
            source = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)
            step *= 2
        turn = self._turn() * (size / self.side)
        # From the middles of the source's pixels to those of the result's.
        shift = turn @ (np.array([left - self.x, top - self.y]) + step / 2) + size / 2 - 0.5
        matrix = np.column_stack([turn * step, shift])
        return np.asarray(cv2.warpAffine(source, matrix, (size, size), flags=cv2.INTER_LINEAR), dtype=np.uint8)

    def to_image(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """From shares of the square's sides, (..., 2), x before y, to float64 pixels of the image."""
        return np.asarray((points - 0.5) * self.side @ self._turn() + [self.x, self.y], dtype=np.float64)

    def from_image(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """From pixels of the image, (..., 2), x before y, to float64 shares of the square's sides."""
        return np.asarray((points - np.array([self.x, self.y])) @ self._turn().T / self.side + 0.5, dtype=np.float64)

    def _turn(self) -> NDArray[np.float64]:
        """From directions of the image to those of the square."""
        return np.array([[cos(self.angle), sin(self.angle)], [-sin(self.angle), cos(self.angle)]])

    def _surroundings(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The part of the image, left, top, right, bottom, in which the square lies."""
        low = np.floor(np.array([self.x, self.y]) - _REACH * self.side)
        high = np.ceil(np.array([self.x, self.y]) + _REACH * self.side)
        left, top = np.clip(low, 0, [width, height]).astype(int)
        right, bottom = np.clip(high, 0, [width, height]).astype(int)
        return left, top, right, bottom
