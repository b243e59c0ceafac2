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
    """The score of one image."""

    name: str
    p_fake: float | None  # probability of fake, 0 to 1; None if the image could not be read
    label: str | None  # ``fake`` or ``real``; None if the image could not be read
    problem: str = ""  # why the image could not be read, or empty
    unsure: bool | None = None  # whether in the abstention band; None without an operating point
    parts: dict[str, float] | None = None  # of each of data.faces.PARTS; None if the detector does not score parts


def p_fakes(scores: Iterable[Score]) -> list[float]:
    """The probabilities of fake; an ImageError with a line for each image that could not be read."""
    scores = list(scores)
    problems = [score.problem for score in scores if score.p_fake is None]
    if problems:
        raise ImageError("\n".join(problems))
    return [score.p_fake for score in scores if score.p_fake is not None]


def score_files(detector: Detector, paths: Sequence[Path], *, threads: int) -> Iterator[Score]:
    """Score files in their order; a file that is not an image gives a score with a problem, not an error."""
    return score(detector, ((str(path), partial(images.read, path)) for path in paths), threads=threads)


def score(detector: Detector, sources: Iterable[tuple[str, Callable[[], bytes]]], *, threads: int) -> Iterator[Score]:
    """Score anything that has a name and a function that returns an image file's bytes, in the order of ``sources``.

    The functions are called in ``threads`` threads, which decode the images, too.
    """

    def read(source: tuple[str, Callable[[], bytes]]) -> tuple[str, NDArray[Any] | str]:
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
            outputs: Iterator[NDArray[np.float64]] = iter(detector.outputs(np.stack(readable)) if readable else ())
            for name, result in results:
                if isinstance(result, str):
                    yield Score(name, None, None, result)
                else:
                    row = next(outputs)
                    p_fake = float(row[0])
                    label, unsure = detector.metadata.label(p_fake), detector.metadata.unsure(p_fake)
                    yield Score(name, p_fake, label, unsure=unsure, parts=detector.parts(row))
