"""The engine ``local``: worker processes on this machine, which are fed in chunks and replaced when they die."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from fakefaces.base.progress import Step
from fakefaces.inference.score import Score
from fakefaces.scoring.addresses import public
from fakefaces.scoring.job import Job
from fakefaces.scoring.pace import Pace
from fakefaces.scoring.pool import Pool
from fakefaces.scoring.reading import Input
from fakefaces.scoring.rows import Row, to_row
from fakefaces.scoring.worker import Chunk, Rows, Scorer

_CHUNK = 32  # images, at most
_ATTEMPTS = 2  # of an image by itself, before it is given up


def run(job: Job, remaining: list[int], step: Step, *, load: Callable[[], Scorer], jobs: int) -> None:
    """Score parts of a job.

    Args:
        job: the job.
        remaining: the numbers of its parts that are to be scored.
        step: is called with a number of images and a note of the pace.
        load: loads the detector in a worker; it is pickled.
        jobs: number of workers.

    Raises:
        ModelError: the detector cannot be loaded, or workers end again and again before they have scored anything.
    """
    plan = _Plan(job, remaining, jobs)
    pace = Pace(sum(map(job.size, remaining)))
    with Pool(jobs, load, job.frozen.content) as pool:
        while plan.unfinished:
            for worker in (worker for worker in pool.workers if worker.is_ready):
                # An image that may have ended a worker is given to one that has nothing else.
                while len(worker.chunks) < (1 if plan.suspects or worker.is_testing else 2):
                    chunk = plan.next(worker.number, suspect=not worker.chunks)
                    if chunk is None:
                        break
                    worker.give(chunk)
            done, lost = pool.wait()
            for rows in done:
                plan.put(rows)
                step(len(rows.rows), pace.note(len(rows.rows)))
            for chunks, reason in lost:
                for rows in plan.retry(chunks, reason):
                    plan.put(rows)
                    step(1, pace.note(1))


def processors() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Part:
    """A part in work."""

    images: list[Input]
    rows: list[Row | None]
    given: int = 0  # images, from the first one on, that a worker has been given
    done: int = 0  # images that have a row


class _Plan:
    """Which chunk comes next, and the rows of the parts that are in work: one part for each worker."""

    def __init__(self, job: Job, remaining: list[int], jobs: int):
        self._job, self._jobs, self._fresh = job, jobs, list(reversed(remaining))
        self._left = sum(map(job.size, remaining))  # images that no worker has been given
        self.unfinished = set(remaining)
        self.suspects: list[Chunk] = []  # images one by one, of chunks that ended a worker
        self._again: list[Chunk] = []
        self._parts: dict[int, _Part] = {}
        self._part_of: dict[int, int] = {}  # by worker: a table is read forward, so each reads its own part of it

    def next(self, worker: int, *, suspect: bool) -> Chunk | None:
        """The next chunk for a worker; None if all are given. ``suspect``: whether it may be one of these."""
        if self.suspects:
            return self.suspects.pop() if suspect else None
        if self._again:
            return self._again.pop()
        number = self._part_of.get(worker, -1)
        if not self._rest(number) and self._fresh:
            self._part_of[worker] = number = self._fresh.pop()
            images = self._job.inputs(number)
            self._parts[number] = _Part(images, [None] * len(images))
        if not self._rest(number):  # help another worker
            number = max(self._parts, key=self._rest, default=-1)
        return self._cut(number) if self._rest(number) else None

    def put(self, rows: Rows) -> None:
        """Take the rows of a chunk; a part with all its rows is written."""
        part = self._parts[rows.part]
        part.rows[rows.offset : rows.offset + len(rows.rows)] = rows.rows
        part.done += len(rows.rows)
        if part.done == len(part.images):
            self._job.write(rows.part, [row for row in part.rows if row is not None])
            del self._parts[rows.part]
            self.unfinished.discard(rows.part)

    def retry(self, chunks: list[Chunk], reason: str) -> list[Rows]:
        """Plan the chunks of a worker that ended; returns rows of images that are given up.

        The first chunk is the one that was scored: its images are tried one by one.
        """
        given_up = []
        for chunk in chunks[:1]:
            if chunk.attempt == _ATTEMPTS:
                given_up.append(Rows(chunk.part, chunk.offset, [self._crashed(chunk, reason)]))
                continue
            self.suspects += [
                Chunk(chunk.part, chunk.offset + k, [image], chunk.attempt + 1) for k, image in enumerate(chunk.images)
            ]
        self._again += chunks[1:]
        return given_up

    def _rest(self, number: int) -> int:
        """The number of a part's images that no worker has been given."""
        part = self._parts.get(number)
        return len(part.images) - part.given if part else 0

    def _cut(self, number: int) -> Chunk:
        """A chunk of a part; smaller ones in the end, so that all workers end at about the same time."""
        part = self._parts[number]
        size = min(_CHUNK, self._rest(number), max(1, self._left // (4 * self._jobs)))
        chunk = Chunk(number, part.given, part.images[part.given : part.given + size])
        part.given += size
        self._left -= size
        return chunk

    def _crashed(self, chunk: Chunk, reason: str) -> Row:
        (image,) = chunk.images
        detail = f"{public(image.key)}: its scoring ended the process that did it, each of {_ATTEMPTS} times ({reason})"
        version = self._job.frozen.model.version
        return to_row(Score(path=image.key, problem="crashed", problem_detail=detail, model_version=version), image.key)
