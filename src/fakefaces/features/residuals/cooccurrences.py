"""Co-occurrences of neighbouring residuals in each region: the traces of cameras, filters and interpolation.

After J. Fridrich & J. Kodovský, "Rich Models for Steganalysis of Digital Images", IEEE Transactions on Information
Forensics and Security 7 (2012), and D. Cozzolino, G. Poggi & L. Verdoliva, "Splicebuster: a new blind image splicing
detector", WIFS 2015.
"""

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import pixel_boxes

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

    Triples that are equal up to their order and sign share a bin, so that a mirrored face has equal features. Roots of
    relative frequencies are returned: Euclidean distances between them are Hellinger distances.

    Args:
        planes: uint8 (height, width) each, of equal sizes.
        chroma: whether the planes are chroma, which is smoother: two kinds of residual suffice instead of eight.

    Returns:
        float32 (regions, features): 312 features a luma plane, 78 a chroma plane.
    """
    boxes = pixel_boxes(*planes[0].shape)
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    local = boxes - [left, top, left, top]
    histograms = []
    for plane in planes:
        residuals = _residuals(plane[top:bottom, left:right])
        for name, step in _CHROMA if chroma else _LUMA:
            counts = sum(_counts(_codes(residuals[name][axis], step, axis), local) for axis in (0, 1))
            folded = counts @ _FOLD
            histograms.append(np.sqrt(folded / np.maximum(folded.sum(axis=1, keepdims=True), 1)))
    return np.concatenate(histograms, axis=1).astype(np.float32)


def _residuals(plane: NDArray[np.uint8]) -> dict[str, tuple[Residual, Residual]]:
    """Differences of a plane by name, each along rows and along columns."""
    values = plane.astype(np.int16)
    residuals: dict[str, tuple[Residual, Residual]] = {}
    rows = columns = values
    for name in ("first", "second", "third"):
        rows, columns = np.diff(rows, axis=1), np.diff(columns, axis=0)
        residuals[name] = rows, columns
    square = np.asarray(cv2.filter2D(values, -1, _SQUARE), dtype=np.int16)
    return residuals | {"square": (square, square)}


def _codes(residual: Residual, step: float, axis: int) -> NDArray[np.uint8]:
    """Three quantised neighbours as one number below 125; axis 0 runs along the rows."""
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
    """One-hot (125, 39): the class of each triple under reversal and change of sign."""
    classes: dict[tuple[int, ...], int] = {}
    class_of_code = []
    for triple in itertools.product(range(_LEVELS), repeat=3):
        negated = tuple(_LEVELS - 1 - value for value in triple)
        representative = min(triple, triple[::-1], negated, negated[::-1])
        class_of_code.append(classes.setdefault(representative, len(classes)))
    return np.eye(len(classes))[class_of_code]


_FOLD = _fold()
