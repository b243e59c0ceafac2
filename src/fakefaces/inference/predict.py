"""Score image files with a detector, side by side."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from fakefaces.base.errors import ImageError
from fakefaces.base.names import printable
from fakefaces.data import images
from fakefaces.data.memory import Budget
from fakefaces.inference.detector import Detector
from fakefaces.inference.score import Score

T = TypeVar("T")
_FILES = Budget(2 * images.MAX_BYTES)  # bytes of the files that all threads together have in memory
Source = tuple[str, Callable[[], bytes]]  # a name, and a function that returns the bytes or raises an ImageError


def p_fakes(scores: Iterable[Score]) -> list[float]:
    """The probabilities of fake; an ImageError with a line for each image that could not be read."""
    scores = list(scores)
    problems = [score.problem_detail or "" for score in scores if score.p_fake is None]
    if problems:
        raise ImageError("\n".join(problems))
    return [score.p_fake for score in scores if score.p_fake is not None]


def score_files(detector: Detector, paths: Sequence[Path], *, threads: int) -> Iterator[Score]:
    """Score files in their order; a file that is not an image gives a score with a problem, not an error."""
    return _in_order(partial(_score_file, detector), paths, threads)


def score(detector: Detector, sources: Iterable[Source], *, threads: int) -> Iterator[Score]:
    """Score anything that has a name and a function that returns an image file's bytes, in the order of ``sources``.

    ``threads`` images are read, decoded and scored at a time; a score depends neither on their number nor on which
    they are.
    """
    return _in_order(lambda source: detector.score(*source), sources, threads)


def _score_file(detector: Detector, path: Path) -> Score:
    try:
        size = min(path.stat().st_size, images.MAX_BYTES)  # a hint, which only decides who waits
    except (OSError, ValueError):
        size = 0
    with _FILES.hold(size):
        return detector.score(printable(path), partial(images.read, path))


def _in_order(function: Callable[[T], Score], items: Iterable[T], threads: int) -> Iterator[Score]:
    """The scores that a function has for items, in their order, ``threads`` of them computed at a time."""
    if threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Score]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
