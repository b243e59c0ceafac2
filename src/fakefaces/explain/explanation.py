"""One photograph as a person is shown it: the score, where the model sees the forgery, and which parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data import images
from fakefaces.explain.heat import detector_heat
from fakefaces.explain.pictures import overlaid, smooth
from fakefaces.explain.regions import suspected
from fakefaces.explain.truth import SIDE
from fakefaces.inference import predict as scoring
from fakefaces.inference.detector import Detector
from fakefaces.inference.predict import Score

_LEAST = 1.25  # times the other parts' mean heat, from which on a part is suspected
_HALF = 0.5  # score of a part, from which on it is


@dataclass(frozen=True)
class Look:
    """What is shown of one image.

    Attributes:
        score: of the detector; with a problem where the image was refused.
        heat: float32 (h, w), 0 to 1; None where there is none.
        parts: the suspected parts, the likeliest first.
    """

    score: Score
    heat: NDArray[np.float32] | None = None
    parts: tuple[str, ...] = ()


def look(detector: Detector, files: Sequence[tuple[str, bytes]], *, threads: int) -> list[Look]:
    """Score image files and explain the scores, all in one batch.

    Args:
        detector: loaded.
        files: names and bytes.
        threads: images decoded at a time.

    Returns:
        One look a file, in their order. A file that is no image has a problem in its score.
    """
    sources = ((name, lambda data=data: data) for name, data in files)
    scores = list(scoring.score(detector, sources, threads=threads))
    good = [k for k, score in enumerate(scores) if not score.problem]
    looks = [Look(score) for score in scores]
    if not good:
        return looks
    try:
        maps = detector_heat(detector, np.stack([detector.read(files[k][1], files[k][0]) for k in good]))
    except ModelError:  # no convolution: the score stands alone
        return [Look(score, None, _told(score)) for score in scores]
    for k, heat in zip(good, maps, strict=True):
        looks[k] = Look(scores[k], heat, _told(scores[k]) or _warm(heat))
    return looks


def shown(data: bytes, name: str, heat: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """An image with its heat over it, or as it is: uint8 (height, width, 3).

    Raises:
        ImageError: the bytes are no image that can be taken.
    """
    pixels = images.decode(data, name)
    return pixels if heat is None else overlaid(pixels, heat)


def _told(score: Score) -> tuple[str, ...]:
    """The parts that the detector itself scores above a half."""
    known = score.parts or {}
    return tuple(sorted((part for part, p in known.items() if p >= _HALF), key=lambda part: -known[part]))


def _warm(heat: NDArray[np.float32]) -> tuple[str, ...]:
    """The parts on which more heat lies than on the others."""
    found = suspected(smooth(heat, SIDE, SIDE))
    return tuple(sorted((part for part, warm in found.items() if warm >= _LEAST), key=lambda part: -found[part]))
