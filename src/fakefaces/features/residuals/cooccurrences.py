"""How neighbouring residuals go together in each box: what a camera, a filter and an interpolation leave.

After J. Fridrich & J. Kodovský, "Rich Models for Steganalysis of Digital Images", IEEE Transactions on Information
Forensics and Security 7 (2012), and D. Cozzolino, G. Poggi & L. Verdoliva, "Splicebuster: a new blind image splicing
detector", WIFS 2015.
"""

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.features.residuals.boxes import windows

Residual = NDArray[np.int16]

_LEVELS = 5  # of a quantised residual: -2 … 2
_CODES = _LEVELS**3
_SQUARE = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], dtype=np.float32)
# Quantisation steps, by the order of the difference.
_FINE = (("first", 1.0), ("second", 1.5), ("third", 2.5), ("square", 2.5))
_COARSE = (("first", 3.0), ("second", 4.0), ("third", 6.0), ("square", 6.0))
_LUMA = (*_FINE, *_COARSE)
_CHROMA = (("second", 1.5), ("square", 2.5))


def cooccurrences(planes: Sequence[NDArray[np.uint8]], *, chroma: bool = False) -> NDArray[np.float32]:
    """Histograms of three neighbouring residuals, along rows and columns together.

    A histogram and its mirror images are one: its order and its sign are folded, so that a mirrored face has the
    same numbers. Their roots are taken, so that distances between them are Hellinger's.

    Args:
        planes: uint8 (height, width) each, of one size.
        chroma: whether they are of colour, which is smoother: two kinds of residual instead of eight say enough.

    Returns:
        float32 (boxes, numbers): 312 a plane, or 78 of chroma.
    """
    boxes = windows(*planes[0].shape)
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    local = boxes - [left, top, left, top]
    found = []
    for plane in planes:
        made = _residuals(plane[top:bottom, left:right])
        for name, step in _CHROMA if chroma else _LUMA:
            counts = sum(_counts(_codes(made[name][axis], step, axis), local) for axis in (0, 1))
            folded = counts @ _FOLD
            found.append(np.sqrt(folded / np.maximum(folded.sum(axis=1, keepdims=True), 1)))
    return np.concatenate(found, axis=1).astype(np.float32)


def _residuals(plane: NDArray[np.uint8]) -> dict[str, tuple[Residual, Residual]]:
    """What is left of a plane by differences: by name along rows and along columns."""
    values = plane.astype(np.int16)
    found, rows, columns = {}, values, values
    for name in ("first", "second", "third"):
        rows, columns = np.diff(rows, axis=1), np.diff(columns, axis=0)
        found[name] = rows, columns
    square = cv2.filter2D(values, -1, _SQUARE)
    return found | {"square": (square, square)}


def _codes(residual: Residual, step: float, axis: int) -> NDArray[np.uint8]:
    """Three neighbours along an axis as one number below 125; axis 0 goes along the rows."""
    levels = (residual > 1.5 * step).view(np.uint8) + (residual > 0.5 * step).view(np.uint8)
    levels += (residual >= -0.5 * step).view(np.uint8)
    levels += (residual >= -1.5 * step).view(np.uint8)
    if axis:
        first, second, third = levels[:-2], levels[1:-1], levels[2:]
    else:
        first, second, third = levels[:, :-2], levels[:, 1:-1], levels[:, 2:]
    codes = first * np.uint8(_LEVELS**2)
    codes += second * np.uint8(_LEVELS)
    codes += third
    return codes


def _counts(codes: NDArray[np.uint8], boxes: NDArray[np.intp]) -> NDArray[np.float64]:
    counts = np.empty((len(boxes), _CODES))
    for row, (left, top, right, bottom) in zip(counts, boxes, strict=True):
        inside = np.ascontiguousarray(codes[top:bottom, left:right])
        row[:] = np.ravel(cv2.calcHist([inside], [0], None, [_CODES], [0, _CODES]))
    return counts


def _fold() -> NDArray[np.float64]:
    """(125, 39): the code of each triple to that of its class under reversal and change of sign."""
    top = _LEVELS - 1
    classes: dict[tuple[int, ...], int] = {}
    places = []
    for triple in itertools.product(range(_LEVELS), repeat=3):
        signed = tuple(top - value for value in triple)
        least = min(triple, triple[::-1], signed, signed[::-1])
        places.append(classes.setdefault(least, len(classes)))
    return np.eye(len(classes))[places]


_FOLD = _fold()
