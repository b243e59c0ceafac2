"""Score image files with a detector, in batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from fakefaces.inference.detector import Detector

_CHUNK = 64  # images in memory at a time


@dataclass(frozen=True)
class Score:
    """The score of one image.

    Attributes:
        name: of the image.
        p_fake: probability of fake, 0 to 1; None if the image could not be read.
        label: ``fake`` or ``real``; None if the image could not be read.
        problem: why the image could not be read, or an empty string.
        unsure: whether the score is in the abstention band; None if the detector has no operating point.
        parts: the score of each of :data:`fakefaces.data.faces.PARTS`; None if the detector does not score parts.
    """

    name: str
    p_fake: float | None
    label: str | None
    problem: str = ""
    unsure: bool | None = None
    parts: dict[str, float] | None = None


def p_fakes(scores: Iterable[Score]) -> list[float]:
    """The probabilities of fake, 0 to 1, of images that must all be readable.

    Raises:
        ImageError: with a line for each image that could not be read.
    """
    scores = list(scores)
    problems = [score.problem for score in scores if score.p_fake is None]
    if problems:
        raise ImageError("\n".join(problems))
    return [score.p_fake for score in scores if score.p_fake is not None]


def score_files(detector: Detector, paths: Sequence[Path], *, threads: int) -> Iterator[Score]:
    """Score files in their order; a file that is not an image gives a score with a problem, not an error."""
    return score(detector, ((str(path), partial(images.read, path)) for path in paths), threads=threads)


def score(detector: Detector, sources: Iterable[tuple[str, Callable[[], bytes]]], *, threads: int) -> Iterator[Score]:
    """Score anything that has a name and provides bytes.

    Args:
        detector: to score with.
        sources: a name, and a function that returns an image file's bytes, called in a thread.
        threads: number of images that are decoded at a time.

    Yields:
        A score for each source, in their order.
    """

    def read(source: tuple[str, Callable[[], bytes]]) -> tuple[str, NDArray[Any] | str]:
        """The name of a source, and its features or why it could not be read."""
        name, read_bytes = source
        try:
            return name, detector.read(read_bytes(), name)
        except ImageError as error:
            return name, str(error)

    remaining = iter(sources)
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(remaining, _CHUNK)):
            results = list(pool.map(read, chunk))
            readable = [result for _, result in results if not isinstance(result, str)]
            outputs = iter(detector.outputs(np.stack(readable)) if readable else ())
            for name, result in results:
                yield (
                    Score(name, None, None, result)
                    if isinstance(result, str)
                    else _score(detector, name, next(outputs))
                )


def _score(detector: Detector, name: str, outputs: NDArray[np.float64]) -> Score:
    """The score of an image from its row of outputs."""
    p, metadata = float(outputs[0]), detector.metadata
    return Score(name, p, metadata.label(p), unsure=metadata.unsure(p), parts=detector.parts(outputs))
