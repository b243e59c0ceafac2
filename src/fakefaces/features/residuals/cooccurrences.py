"""Co-occurrences of neighbouring residuals in each region: the traces of cameras, filters and interpolation.

After J. Fridrich & J. Kodovský, "Rich Models for Steganalysis of Digital Images", IEEE Transactions on Information
Forensics and Security 7 (2012), and D. Cozzolino, G. Poggi & L. Verdoliva, "Splicebuster: a new blind image splicing
detector", WIFS 2015.

They quantise a residual to five levels. The fine and the coarse quantisation of luma share a threshold here: triples of
seven levels are counted once and folded to both.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8] | NDArray[np.int16]
P = TypeVar("P", bound=NDArray[np.integer])
Residual = NDArray[np.int16]
Codes = NDArray[np.uint8]
Boxes = NDArray[np.intp]
Levels = tuple[Codes, Codes]  # the levels of positive residuals, and the magnitudes of those of negative ones; else 0

# The level of a residual is the number of these that its magnitude exceeds, with its sign. The first two are the fine
# quantisation, the last two the coarse one.
_THRESHOLDS = {"first": (0, 1, 4), "second": (0, 2, 6), "third": (1, 3, 9), "square": (1, 3, 9)}
_SECOND = np.array([-1, 2, -1], dtype=np.float32)


def cooccurrences(planes: Sequence[Plane], boxes: Boxes, *, chroma: bool = False) -> NDArray[np.float32]:
    """Histograms of three neighbouring residuals, along rows and columns together.

    Triples that are equal up to their order and sign share a bin, so that a mirrored face has equal features. Roots of
    relative frequencies are returned: Euclidean distances between them are Hellinger distances.

    Args:
        planes: uint8 or int16 (height, width) each, of equal sizes; -4095 to 4095, of which the thresholds are units.
        boxes: intp (regions, 4), pixels: left, top, right, bottom.
        chroma: whether the planes are chroma, which is smoother: two kinds of residual suffice instead of eight.

    Returns:
        float32 (regions, features): 312 features a luma plane, 78 a chroma plane.
    """
    kind = _CHROMA if chroma else _LUMA
    counts = np.stack([_plane_counts(plane, boxes, kind) for plane in planes], axis=1)
    histograms = np.stack([counts @ fold for fold in kind.folds], axis=2)  # region, plane, fold, residual, class
    shares = histograms / np.maximum(histograms.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.sqrt(shares).reshape(len(boxes), -1), np.float32)


@dataclass(frozen=True)
class _Kind:
    """What is counted of a plane."""

    residuals: tuple[str, ...]
    highest: int  # level, and number of thresholds
    folds: tuple[NDArray[np.float64], ...]  # (codes, classes) each


def _plane_counts(plane: Plane, boxes: Boxes, kind: _Kind) -> NDArray[np.float64]:
    """How often each triple occurs: (regions, residuals, codes)."""
    counts = np.zeros((len(boxes), len(kind.residuals), len(kind.folds[0])))
    filtered = cv2.sepFilter2D(plane, cv2.CV_16S, _SECOND, -_SECOND)
    square = _levels(np.asarray(filtered, np.int16), _THRESHOLDS["square"][: kind.highest])
    # Rows are counted as columns of the transposed plane, where neighbours are whole rows of contiguous memory apart.
    along_rows = _transposed(plane), (_transposed(square[0]), _transposed(square[1])), boxes[:, [1, 0, 3, 2]]
    for values, of_square, places in ((plane, square, boxes), along_rows):
        differences = _differences(values)
        for index, name in enumerate(kind.residuals):
            thresholds = _THRESHOLDS[name][: kind.highest]
            levels = of_square if name == "square" else _levels(differences[name], thresholds)
            counts[:, index] += _histograms(_codes(levels, kind.highest), places, counts.shape[-1])
    return counts


def _transposed(plane: P) -> P:
    return cast(P, cv2.transpose(plane))


def _differences(plane: Plane) -> dict[str, Residual]:
    """The differences of rows, by their order."""
    values = plane.astype(np.int16)
    first = values[1:] - values[:-1]
    second = first[1:] - first[:-1]
    return {"first": first, "second": second, "third": second[1:] - second[:-1]}


def _levels(residual: Residual, thresholds: tuple[int, ...]) -> Levels:
    above, below = (residual > thresholds[0]).view(np.uint8), (residual < -thresholds[0]).view(np.uint8)
    for threshold in thresholds[1:]:
        above += (residual > threshold).view(np.uint8)
        below += (residual < -threshold).view(np.uint8)
    return above, below


def _codes(levels: Levels, highest: int) -> Codes:
    """Three neighbours of a column as one number, the same for a triple and its negative.

    It is the magnitude of the number whose digits are the levels: below 172 where they are up to 3, below 63 up to 2.
    """
    base = np.uint8(2 * highest + 1)
    above, below = (_number(digits, base) for digits in levels)
    return np.asarray(cv2.absdiff(above, below), np.uint8)


def _number(digits: Codes, base: np.uint8) -> Codes:
    number = digits[:-2] * base
    number += digits[1:-1]
    number *= base
    number += digits[2:]
    return number


def _histograms(codes: Codes, boxes: Boxes, number: int) -> NDArray[np.float64]:
    """Counts of the codes below ``number`` in each box, (regions, number)."""
    # Pixels side by side are mostly equal in smooth planes, and raising a bin waits for the last time it was raised:
    # they are counted in bins of their own as far as 8 bits allow.
    copies = 256 // number
    if copies > 1:
        codes += (np.arange(codes.shape[1]) % copies * number).astype(np.uint8)
    size = copies * number
    counts = [
        cv2.calcHist([codes[top:bottom, left:right]], [0], None, [size], [0, size])
        for left, top, right, bottom in boxes.tolist()
    ]
    return np.asarray(np.reshape(counts, (len(boxes), copies, number)).sum(axis=1, dtype=np.float64))


def _fold(highest: int, quantise: Callable[[int], int]) -> NDArray[np.float64]:
    """One-hot (codes, 39): the class of a triple, quantised to -2 … 2, under reversal and change of sign."""
    classes: dict[tuple[int, ...], int] = {}
    for triple in itertools.product(range(-2, 3), repeat=3):
        classes.setdefault(_representative(triple), len(classes))
    base = 2 * highest + 1
    fold = np.zeros(((base**3 + 1) // 2, len(classes)))
    for first, second, third in itertools.product(range(-highest, highest + 1), repeat=3):
        quantised = quantise(first), quantise(second), quantise(third)
        fold[abs(first * base**2 + second * base + third), classes[_representative(quantised)]] = 1
    return fold


def _representative(triple: tuple[int, ...]) -> tuple[int, ...]:
    negative = tuple(-level for level in triple)
    return min(triple, triple[::-1], negative, negative[::-1])


def _fine(level: int) -> int:
    return max(-2, min(level, 2))


def _coarse(level: int) -> int:
    return level - (level > 0) + (level < 0)


_LUMA = _Kind(("first", "second", "third", "square"), 3, (_fold(3, _fine), _fold(3, _coarse)))
_CHROMA = _Kind(("second", "square"), 2, (_fold(2, _fine),))
