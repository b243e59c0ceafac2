"""Explanation of one image: the score, where the model sees evidence of a forgery, and the suspected parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.explain.heatmaps import detector_heatmaps
from fakefaces.explain.part_outlines import Outlines, outlines_in
from fakefaces.inference import predict
from fakefaces.inference.score import Score


@dataclass(frozen=True)
class Explanation:
    """Explanation of a detector's score of one image."""

    score: Score  # the detector's; with a problem where the image was refused
    heatmap: NDArray[np.float32] | None = None  # (h, w), 0 to 1; None where there is none
    parts: tuple[str, ...] = ()  # suspected parts, the most suspected first
    no_heatmap: str = ""  # why there is none of an image that was scored


def draw(
    detector: ExplainedDetector, features: Sequence[NDArray[Any]], outlines: Sequence[Outlines]
) -> Sequence[NDArray[np.float32]]:
    """The heatmaps of images by their features and the outlines of their parts; a ModelError where there can be none.

    One at a time: each is the same alone as among others, and the layers' outputs of EfficientNetB4 for sixteen images
    would take 0.2 GB.
    """
    return [
        detector_heatmaps(detector, image[None], outlines=outline[None])[0]
        for image, outline in zip(features, outlines, strict=True)
    ]


Draw = Callable[
    [ExplainedDetector, Sequence[NDArray[Any]], Sequence[Outlines]], Sequence[NDArray[np.float32]]
]  # as the function above


def explain_images(
    detector: ExplainedDetector, files: Sequence[tuple[str, bytes]], *, threads: int, draw: Draw = draw
) -> list[Explanation]:
    """Score image files, given by name and bytes, and explain the scores, in their order."""
    sources = ((name, lambda data=data: data) for name, data in files)
    scores = list(predict.score(detector, sources, threads=threads))
    readable = [k for k, score in enumerate(scores) if not score.problem]
    features = [detector.read(files[k][1], files[k][0]) for k in readable]
    outlines = [outlines_in(files[k][1], files[k][0]) for k in readable]
    return explain_scores(detector, scores, features, outlines, draw)


def explain_scores(
    detector: ExplainedDetector,
    scores: Sequence[Score],
    features: Sequence[NDArray[Any]],
    outlines: Sequence[Outlines],
    draw: Draw = draw,
) -> list[Explanation]:
    """Explain scores, in their order; features, and the outlines of parts, are those of images without a problem.

    A part is suspected where its own score reaches its own threshold, which validation gave. A heatmap has a warmest
    place in every photograph, so it is no reason. Without heatmaps the scores stand alone, with the reason.
    """
    readable = [k for k, score in enumerate(scores) if not score.problem]
    suspected = [detector.metadata.suspected_parts(score.parts or {}) for score in scores]
    explanations = [Explanation(score, None, parts) for score, parts in zip(scores, suspected, strict=True)]
    if not readable:
        return explanations
    try:
        heatmaps = draw(detector, features, outlines)
    except ModelError as error:
        for k in readable:
            explanations[k] = replace(explanations[k], no_heatmap=str(error))
        return explanations
    for k, heatmap in zip(readable, heatmaps, strict=True):
        explanations[k] = replace(explanations[k], heatmap=heatmap)
    return explanations
