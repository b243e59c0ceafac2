"""Where faces may be in an image: BlazeFace, a detector of eyes, nose, mouth and ears in boxes.

What its outputs mean is in MediaPipe's ``face_detection_short_range_common.pbtxt``, ``ssd_anchors_calculator.cc`` and
``tensors_to_detections_calculator.cc``.
"""

from dataclasses import dataclass
from functools import cache
from math import atan2

import numpy as np
from numpy.typing import NDArray

from fakefaces.faces.networks import network
from fakefaces.faces.square import Square

# Each with the pixels of a side that it reads. The one for near faces knows more kinds of them, and sees none of less
# than about a fifth of the image.
_NETWORKS = (("near.onnx", 128), ("far.onnx", 256))
_CELLS = ((16, 2), (8, 6))  # both: grids of so many cells a side, with so many guesses a cell
_OVERLAP = 0.3  # intersection over union above which two boxes are of one face
_AROUND = 1.5  # sides of the square that the mesh reads, by those of a detector's box


@dataclass(frozen=True)
class Detection:
    """Where a face may be."""

    square: Square  # around it, with the eyes in a row
    score: float  # 0 to 1


def detect(image: NDArray[np.uint8], angle: float, min_score: float) -> list[Detection]:
    """Look for faces in the whole image, the surest first; one face may be there twice.

    Args:
        image: uint8 (height, width, 3), RGB.
        angle: by which the image is turned before it is shown to the networks, in radians, anticlockwise: they know
            faces that are turned by up to about 60 degrees.
        min_score: below which nothing is returned.
    """
    height, width = image.shape[:2]
    view = Square(width / 2, height / 2, max(width, height), angle)
    detections = [
        Detection(_square(view, points), score)
        for name, size in _NETWORKS
        for points, score in _run(name, view.cut(image, size), min_score)
    ]
    return sorted(detections, key=lambda detection: -detection.score)


def _run(name: str, pixels: NDArray[np.uint8], min_score: float) -> list[tuple[NDArray[np.float64], float]]:
    """For each face in a square view its box and points, (8, 2), as shares of the view's sides, and its score."""
    outputs = network(name)(pixels / np.float32(127.5) - 1)
    scores = 1 / (1 + np.exp(-np.clip(outputs[:, 16], -80, 80, dtype=np.float64)))
    points = outputs[:, :16].reshape(-1, 8, 2) / np.float64(len(pixels))
    points[:, [0, 2, 3, 4, 5, 6, 7]] += _anchors()[:, None]  # the box's middle and six points; between them its size
    possible = (scores >= min_score) & (points[:, 1] > 0).all(axis=1)
    return _merged(points[possible], scores[possible])


@cache
def _anchors() -> NDArray[np.float64]:
    """The middle of each guess's cell, (guesses, 2), as shares of the sides."""
    middles = []
    for cells, guesses in _CELLS:
        y, x = np.divmod(np.arange(cells * cells), cells)
        middles.append(np.repeat((np.stack([x, y], axis=1) + 0.5) / cells, guesses, axis=0))
    return np.concatenate(middles)


def _merged(points: NDArray[np.float64], scores: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], float]]:
    """For each group of overlapping boxes the mean weighted by their scores, (8, 2), and the best score."""
    low, high = points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2
    area, waiting = np.prod(high - low, axis=1), np.ones(len(points), dtype=bool)
    merged = []
    for best in np.argsort(-scores, kind="stable"):
        if not waiting[best]:
            continue
        sides = np.clip(np.minimum(high, high[best]) - np.maximum(low, low[best]), 0, None)
        shared = np.prod(sides, axis=1)
        group = waiting & (shared > _OVERLAP * (area + area[best] - shared))
        waiting &= ~group
        merged.append((np.average(points[group], axis=0, weights=scores[group]), float(scores[best])))
    return merged


def _square(view: Square, points: NDArray[np.float64]) -> Square:
    middle, left_eye, right_eye = view.to_image(points[[0, 2, 3]])
    x, y = right_eye - left_eye
    return Square(float(middle[0]), float(middle[1]), float(_AROUND * points[1].max() * view.side), atan2(y, x))
