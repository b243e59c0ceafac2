"""The engine ``local``: worker processes on this machine, which are fed in chunks and replaced when they die."""

import os
from collections import Counter
from collections.abc import Callable

from fakefaces.base.progress import Step
from fakefaces.inference.score import Score
from fakefaces.scoring.addresses import public
from fakefaces.scoring.job import Job
from fakefaces.scoring.pace import Pace
from fakefaces.scoring.pool import Pool
from fakefaces.scoring.rows import Row, to_row
from fakefaces.scoring.worker import Chunk, Rows, Scorer

_CHUNK = 32  # images
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
    plan = _Plan(job, remaining)
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


class _Plan:
    """Which chunk comes next, and the rows of the parts that are in work: one part for each worker."""

    def __init__(self, job: Job, remaining: list[int]):
        self._job, self._fresh = job, list(reversed(remaining))
        self.unfinished = set(remaining)
        self.suspects: list[Chunk] = []  # images one by one, of chunks that ended a worker
        self._again: list[Chunk] = []
        self._chunks: dict[int, list[Chunk]] = {}  # by part, those not given yet, the first one last
        self._rows: dict[int, list[Row | None]] = {}  # by part
        self._missing: Counter[int] = Counter()  # number of rows by part
        self._part_of: dict[int, int] = {}  # by worker: a table is read forward, so each reads its own part of it

    def next(self, worker: int, *, suspect: bool) -> Chunk | None:
        """The next chunk for a worker; None if all are given. ``suspect``: whether it may be one of these."""
        if self.suspects:
            return self.suspects.pop() if suspect else None
        if self._again:
            return self._again.pop()
        part = self._part_of.get(worker, -1)
        if not self._chunks.get(part) and self._fresh:
            self._part_of[worker] = part = self._fresh.pop()
            self._open(part)
        if not self._chunks.get(part):
            part = max(self._chunks, key=lambda number: len(self._chunks[number]), default=-1)
        return self._chunks[part].pop() if self._chunks.get(part) else None

    def put(self, rows: Rows) -> None:
        """Take the rows of a chunk; a part with all its rows is written."""
        known = self._rows[rows.part]
        known[rows.offset : rows.offset + len(rows.rows)] = rows.rows
        self._missing[rows.part] -= len(rows.rows)
        if not self._missing[rows.part]:
            self._job.write(rows.part, [row for row in known if row is not None])
            for records in (self._rows, self._chunks, self._missing):
                del records[rows.part]
            self.unfinished.discard(rows.part)

    def retry(self, chunks: list[Chunk], reason: str) -> list[Rows]:
        """Plan the chunks of a worker that ended; returns rows of images that are given up.

        The first chunk is the one that was scored: its images are tried one by one.
        """
        given_up = []
        for chunk in chunks[:1]:
            if len(chunk.images) == 1 and chunk.attempt + 1 > _ATTEMPTS:
                given_up.append(Rows(chunk.part, chunk.offset, [self._crashed(chunk, reason)]))
                continue
            self.suspects += [
                Chunk(chunk.part, chunk.offset + k, [image], chunk.attempt + 1) for k, image in enumerate(chunk.images)
            ]
        self._again += chunks[1:]
        return given_up

    def _open(self, part: int) -> None:
        images = self._job.inputs(part)
        starts = range(0, len(images), _CHUNK)
        self._chunks[part] = [Chunk(part, start, images[start : start + _CHUNK]) for start in reversed(starts)]
        self._rows[part], self._missing[part] = [None] * len(images), len(images)

    def _crashed(self, chunk: Chunk, reason: str) -> Row:
        (image,) = chunk.images
        detail = f"{public(image.key)}: its scoring ended the process that did it, each of {_ATTEMPTS} times ({reason})"
        version = self._job.frozen.model.version
        return to_row(Score(path=image.key, problem="crashed", problem_detail=detail, model_version=version), image.key)
