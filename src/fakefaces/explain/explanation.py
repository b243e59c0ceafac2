"""Explanation of one image: the score, where the model sees evidence of a forgery, and the suspected parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.explain.ground_truth import SIDE
from fakefaces.explain.heatmaps import detector_heatmaps
from fakefaces.explain.overlay import resize_heatmap
from fakefaces.explain.regions import relative_heat
from fakefaces.inference import predict
from fakefaces.inference.detector import Detector
from fakefaces.inference.predict import Score

_MIN_RELATIVE_HEAT = 1.25  # of the mean heat of all parts; a part is suspected from there on
_MIN_PART_SCORE = 0.5


@dataclass(frozen=True)
class Explanation:
    """Explanation of a detector's score of one image.

    Attributes:
        score: the detector's; with a problem where the image was refused.
        heatmap: float32 (h, w), 0 to 1; None where there is none.
        parts: suspected parts, the most suspected first.
    """

    score: Score
    heatmap: NDArray[np.float32] | None = None
    parts: tuple[str, ...] = ()


def explain_images(detector: Detector, files: Sequence[tuple[str, bytes]], *, threads: int) -> list[Explanation]:
    """Score image files and explain the scores, all in one batch.

    Args:
        detector: loaded.
        files: names and bytes.
        threads: images decoded at a time.

    Returns:
        One explanation a file, in their order. A file that is no image has a problem in its score.
    """
    sources = ((name, lambda data=data: data) for name, data in files)
    scores = list(predict.score(detector, sources, threads=threads))
    readable = [k for k, score in enumerate(scores) if not score.problem]
    explanations = [Explanation(score, None, _parts_by_score(score)) for score in scores]
    if not readable:
        return explanations
    inputs = np.stack([detector.read(files[k][1], files[k][0]) for k in readable])
    try:
        heatmaps = detector_heatmaps(detector, inputs)
    except ModelError:  # no convolution: the score stands alone
        return explanations
    for k, heatmap in zip(readable, heatmaps, strict=True):
        parts = explanations[k].parts or _parts_by_heat(heatmap)
        explanations[k] = Explanation(scores[k], heatmap, parts)
    return explanations


def _parts_by_score(score: Score) -> tuple[str, ...]:
    """Parts that the detector itself scores at least 0.5."""
    scores = score.parts or {}
    return tuple(sorted((part for part, p in scores.items() if p >= _MIN_PART_SCORE), key=lambda part: -scores[part]))


def _parts_by_heat(heatmap: NDArray[np.float32]) -> tuple[str, ...]:
    """Parts that are hotter than the others."""
    heat = relative_heat(resize_heatmap(heatmap, SIDE, SIDE))
    return tuple(sorted((part for part, h in heat.items() if h >= _MIN_RELATIVE_HEAT), key=lambda part: -heat[part]))
