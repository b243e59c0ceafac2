"""Soft lines: folds and wrinkles, brow hairs, lashes and stray hair."""

from collections.abc import Sequence

import cv2
import numpy as np

from syntheticfaces.exact import Bytes, Plane
from syntheticfaces.view import Points, View

_SHIFT = 4  # cv2 draws with 1/16 pixel
_LEVELS = 6  # drawn in turn, the strongest last, so that overlapping hairs stay apart


def curves(knots: Points, count: int) -> Points:
    """Points on the quadratic curves through triples of knots: ``(N, 3, 2)`` to ``(N, count, 2)``."""
    t = (np.arange(count) / (count - 1))[:, None]
    a, b, c = knots[:, 0, None], knots[:, 1, None], knots[:, 2, None]
    handle = 2 * b - (a + c) / 2
    result: Points = (1 - t) ** 2 * a + 2 * t * (1 - t) * handle + t**2 * c
    return result


def draw_lines(plane: Bytes, lines: Sequence[Points], level: int, thickness: int = 1) -> None:
    """Draw pixel polylines of one grey level into a plane, anti-aliased, in place."""
    fixed = [np.rint(line * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2) for line in lines]
    if fixed:
        cv2.polylines(plane, fixed, False, level, thickness, cv2.LINE_AA, _SHIFT)


def fill_polygon(plane: Bytes, outline: Points, level: int = 255) -> None:
    """Fill a pixel polygon with one grey level, anti-aliased, in place."""
    fixed = np.rint(outline * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)
    cv2.fillPoly(plane, [fixed], level, cv2.LINE_AA, _SHIFT)


def draw_hairs(view: View, lines: Points, strength: tuple[int, int] = (110, 255)) -> Plane:
    """Single hairs, ``(N, count, 2)`` in face coordinates, as an opacity plane of the canvas, 0..1.

    Neighbours in the list get different strengths (0..255) from the given range.
    """
    plane = np.zeros((view.canvas, view.canvas), dtype=np.uint8)
    count = lines.shape[1]
    placed = view.pixels(lines.reshape(-1, 2)).reshape(-1, count, 2)
    for k in range(_LEVELS):
        level = strength[0] + (strength[1] - strength[0]) * k // (_LEVELS - 1)
        draw_lines(plane, list(placed[k::_LEVELS]), level)
    return plane.astype(np.float32) * (1 / 255)
