"""Score photographs with a detector: files, bytes, in batches, in the order given."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from fakefaces.inference.detector import Detector

_CHUNK = 64  # images decoded at a time: what bounds the memory


@dataclass(frozen=True)
class Score:
    """What a detector says of one image.

    Attributes:
        name: as given.
        p_fake: probability of fake, 0 to 1; None where the image could not be read.
        label: ``fake`` from the detector's threshold on, else ``real``; None likewise.
        problem: why not, or an empty string.
        unsure: whether a person should look at the image; None where the detector has no operating point.
        parts: what the detector can tell of each of :data:`fakefaces.data.faces.PARTS`; None where nothing.
    """

    name: str
    p_fake: float | None
    label: str | None
    problem: str = ""
    unsure: bool | None = None
    parts: dict[str, float] | None = None


def p_fakes(scores: Iterable[Score]) -> list[float]:
    """The scores as numbers, where every image must have one.

    Raises:
        ImageError: naming each image that could not be read.
    """
    seen = list(scores)
    broken = [score.problem for score in seen if score.p_fake is None]
    if broken:
        raise ImageError("\n".join(broken))
    return [score.p_fake for score in seen if score.p_fake is not None]


def score_files(detector: Detector, paths: Sequence[Path], *, threads: int) -> Iterator[Score]:
    """Score files one after another; a file that is no image gives a score with a problem, not an error."""
    return score(detector, ((str(path), lambda path=path: images.read(path)) for path in paths), threads=threads)  # type: ignore[misc]


def score(detector: Detector, sources: Iterable[tuple[str, Callable[[], bytes]]], *, threads: int) -> Iterator[Score]:
    """Score anything that has a name and gives bytes.

    Args:
        detector: loaded.
        sources: a name and a function that reads the bytes, called in a thread.
        threads: images decoded at a time.

    Yields:
        One score a source, in their order.
    """
    metadata = detector.metadata

    def view(source: tuple[str, Callable[[], bytes]]) -> tuple[str, np.ndarray | str]:
        name, read = source
        try:
            return name, detector.read(read(), name)
        except ImageError as error:
            return name, str(error)

    waiting = iter(sources)
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(waiting, _CHUNK)):
            seen = list(pool.map(view, chunk))
            good = [v for _, v in seen if not isinstance(v, str)]
            outputs: Iterator[np.ndarray] = iter(detector.outputs(np.stack(good)) if good else ())
            for name, v in seen:
                if isinstance(v, str):
                    yield Score(name, None, None, v)
                else:
                    told = next(outputs)
                    p = float(told[0])
                    yield Score(name, p, metadata.label(p), unsure=metadata.unsure(p), parts=detector.parts(told))
