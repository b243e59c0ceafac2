"""Reading ahead: the bytes of the next images are read while others are decoded and scored."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Self

from fakefaces.base.errors import ImageError
from fakefaces.scoring.addresses import is_url
from fakefaces.scoring.reading import Input, Reader

# Handing over an image costs up to a tenth of a millisecond, and a small network takes less than one: local files are
# read eight at a time by one thread. An address answers late and costs little: many threads wait for one each.
_BLOCK, _REMOTE_BLOCK = 8, 1  # images
_THREADS = 16
_LIMIT, _REMOTE_LIMIT = 16, 32  # images that are read and not taken


class ReadAhead:
    """A queue of images that are read in threads, in order; a context manager, to be used by one thread."""

    def __init__(self, content: str | None):
        """``content`` is the column of bytes of a table of images."""
        self._read = partial(_read_block, Reader(content))
        self._pool = ThreadPoolExecutor(1 if content else _THREADS)  # a table is read forward
        self._waiting: deque[Sequence[Input]] = deque()
        self._reading: deque[tuple[Sequence[Input], Future[list[bytes | ImageError]]]] = deque()
        self._read_already: deque[tuple[Input, bytes | ImageError]] = deque()
        self._begun = 0  # images that are read, or being read, and not taken

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __bool__(self) -> bool:
        return bool(self._waiting or self._reading or self._read_already)

    def add(self, images: Sequence[Input]) -> None:
        """Add images to the end of the queue."""
        size = _REMOTE_BLOCK if _is_remote(images) else _BLOCK
        self._waiting += [images[start : start + size] for start in range(0, len(images), size)]

    def take(self) -> tuple[Input, Callable[[], bytes]]:
        """The next image, if there is one, and a function that returns its bytes or raises an ImageError."""
        while self._waiting and self._begun < (_REMOTE_LIMIT if _is_remote(self._waiting[0]) else _LIMIT):
            block = self._waiting.popleft()
            self._reading.append((block, self._pool.submit(self._read, block)))
            self._begun += len(block)
        if not self._read_already:
            block, future = self._reading.popleft()
            self._read_already += zip(block, future.result(), strict=True)
        self._begun -= 1
        image, outcome = self._read_already.popleft()
        return image, partial(_outcome, outcome)


def _is_remote(images: Sequence[Input]) -> bool:
    return any(is_url(image.address) and image.row is None for image in images)


def _read_block(reader: Reader, block: Sequence[Input]) -> list[bytes | ImageError]:
    outcomes: list[bytes | ImageError] = []
    for image in block:
        try:
            outcomes.append(reader.read(image))
        except ImageError as error:
            outcomes.append(error)
    return outcomes


def _outcome(outcome: bytes | ImageError) -> bytes:
    if isinstance(outcome, ImageError):
        raise outcome
    return outcome
