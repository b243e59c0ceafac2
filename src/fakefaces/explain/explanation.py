"""Explanation of one image: the score, where the model sees evidence of a forgery, and the suspected parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.explain.ground_truth import SIDE, box_mask
from fakefaces.explain.heatmaps import detector_heatmaps, resize_heatmap
from fakefaces.inference import predict
from fakefaces.inference.score import Score

_MIN_RELATIVE_HEAT = 1.25  # of the mean heat of all parts; a part is suspected from there on
_MIN_PART_SCORE = 0.5  # of a detector that scores parts itself


@dataclass(frozen=True)
class Explanation:
    """Explanation of a detector's score of one image."""

    score: Score  # the detector's; with a problem where the image was refused
    heatmap: NDArray[np.float32] | None = None  # (h, w), 0 to 1; None where there is none
    parts: tuple[str, ...] = ()  # suspected parts, the most suspected first


def explain_images(
    detector: ExplainedDetector, files: Sequence[tuple[str, bytes]], *, threads: int
) -> list[Explanation]:
    """Score image files, given by name and bytes, and explain the scores, all in one batch and in their order."""
    sources = ((name, lambda data=data: data) for name, data in files)
    scores = list(predict.score(detector, sources, threads=threads))
    readable = [k for k, score in enumerate(scores) if not score.problem]
    return explain_scores(detector, scores, [detector.read(files[k][1], files[k][0]) for k in readable])


def explain_scores(
    detector: ExplainedDetector, scores: Sequence[Score], features: Sequence[NDArray[Any]]
) -> list[Explanation]:
    """Explain scores, in their order; ``features`` are those of the images without a problem."""
    readable = [k for k, score in enumerate(scores) if not score.problem]
    explanations = [Explanation(score, None, _suspected(score.parts or {}, _MIN_PART_SCORE)) for score in scores]
    if not readable:
        return explanations
    try:
        heatmaps = detector_heatmaps(detector, np.stack(features))
    except ModelError:  # no convolution: the score stands alone
        return explanations
    for k, heatmap in zip(readable, heatmaps, strict=True):
        heat = relative_heat(resize_heatmap(heatmap, SIDE, SIDE))
        parts = explanations[k].parts or _suspected(heat, _MIN_RELATIVE_HEAT)
        explanations[k] = Explanation(scores[k], heatmap, parts)
    return explanations


def relative_heat(heatmap: NDArray[np.float32]) -> dict[str, float]:
    """Heat of each part relative to the others, in a heatmap of (SIDE, SIDE).

    Returns:
        By part, the mean heat in its box over the mean of the four boxes' means: 0 to 4, 1 for a part like the
        others. All 0 where no box has any heat.
    """
    means = {name: float(heatmap[box_mask([name])].mean()) for name in PARTS}
    mean = sum(means.values()) / len(means)
    return {name: value / mean if mean > 0 else 0.0 for name, value in means.items()}


def _suspected(values: Mapping[str, float], minimum: float) -> tuple[str, ...]:
    """The parts of at least ``minimum``, the most suspected first."""
    return tuple(sorted((part for part, v in values.items() if v >= minimum), key=lambda part: -values[part]))
