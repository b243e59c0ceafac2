"""A worker process of the local engine: it reads images ahead in threads, and decodes and scores them in one."""

import os
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import NamedTuple, Protocol

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.inference.file_facts import FileFacts, file_facts
from fakefaces.inference.score import Score
from fakefaces.scoring.addresses import public
from fakefaces.scoring.ahead import ReadAhead
from fakefaces.scoring.reading import Input
from fakefaces.scoring.rows import Row, to_row


class Scorer(Protocol):
    """A :class:`fakefaces.inference.detector.Detector`, or a stand-in for it."""

    def score(self, name: str, read: Callable[[], bytes]) -> Score:
        """Score one image."""
        ...


class Chunk(NamedTuple):
    """Images of one part, next to each other."""

    part: int
    offset: int  # of the first one in the part
    images: list[Input]
    attempt: int = 0  # how often an image by itself has been given to a worker


class Rows(NamedTuple):
    """The rows of a chunk."""

    part: int
    offset: int
    rows: list[Row]


class Failure(NamedTuple):
    """The detector could not be loaded."""

    message: str


READY = "ready"


def work(connection: Connection, load: Callable[[], Scorer], content: str | None) -> None:
    """Score the chunks that come through ``connection`` and send their rows, until it closes.

    Args:
        connection: sends :data:`READY` or a Failure once, then Rows; receives Chunks.
        load: loads the detector.
        content: the column of bytes of a table of images.
    """
    environment.use_one_thread()
    received: SimpleQueue[Chunk] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, received), daemon=True).start()
    try:
        scorer = load()
    except FakefacesError as error:
        connection.send(Failure(str(error)))
        return
    connection.send(READY)
    chunks: deque[Chunk] = deque()
    rows: list[Row] = []
    with ReadAhead(content) as ahead:
        while True:
            while not received.empty() or not ahead:
                chunks.append(received.get())
                ahead.add(chunks[-1].images)
            image, read = ahead.take()
            rows.append(score_row(scorer, image, read))
            if len(rows) == len(chunks[0].images):
                connection.send(Rows(chunks[0].part, chunks[0].offset, rows))
                chunks.popleft()
                rows = []


def score_row(scorer: Scorer, image: Input, read: Callable[[], bytes]) -> Row:
    """The row of one image, whose bytes are read once, for its facts and its score."""
    name = public(image.key)
    facts: FileFacts | None = None

    def read_once() -> bytes:
        nonlocal facts
        data = read()
        facts = file_facts(data)
        return data

    try:
        score = scorer.score(name, read_once)
    except Exception as error:  # one image must not end the job; what is wrong with it is not known
        detail = f"{name}: its scoring failed ({type(error).__name__}: {error})"
        score = Score(path=name, problem="crashed", problem_detail=detail[:500])
    return to_row(score, image.key, facts)


def _receive(connection: Connection, chunks: "SimpleQueue[Chunk]") -> None:
    """Receive apart from scoring, so that neither side can wait for the other's sending, and the end is noticed."""
    try:
        while True:
            chunks.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)  # the engine has ended, even if it was killed
