"""The worker processes of the local engine: started, fed, replaced when they die, and ended with the engine."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import Self

from fakefaces.base.errors import ModelError
from fakefaces.base.progress import echo
from fakefaces.scoring.worker import READY, Chunk, Failure, Rows, Scorer, work

_STARTS = 3  # in a row that may end before a worker is ready
_PATIENCE = 5.0  # seconds for a worker to end, before it is killed


class Worker:
    """A process, and the chunks that it has been given and has not answered."""

    def __init__(self, number: int, load: Callable[[], Scorer], content: str | None):
        # A new interpreter: what a library of this process has started, such as threads, is not copied.
        context = multiprocessing.get_context("spawn")
        self.number, self.chunks, self.is_ready = number, list[Chunk](), False
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, load, content), daemon=True)
        with _without_interrupts():
            self.process.start()
        theirs.close()

    @property
    def is_testing(self) -> bool:
        """Whether it scores an image that may end it."""
        return any(chunk.attempt for chunk in self.chunks)

    def give(self, chunk: Chunk) -> None:
        """Send it a chunk."""
        self.chunks.append(chunk)
        with suppress(OSError):  # it has ended, which waiting for it will show
            self.connection.send(chunk)

    def end(self) -> str:
        """End the process; says how it ended."""
        self.connection.close()
        self.process.join(0.2)  # so that one that is ending by itself is asked how
        self.process.terminate()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Pool:
    """Workers with one detector each."""

    def __init__(self, jobs: int, load: Callable[[], Scorer], content: str | None):
        """``load`` and ``content`` are those of :func:`fakefaces.scoring.worker.work`."""
        self._arguments = (load, content)
        self._jobs, self._failed_starts = jobs, 0
        self.workers: list[Worker] = []

    def __enter__(self) -> Self:
        try:
            for number in range(self._jobs):
                self.workers.append(Worker(number, *self._arguments))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def wait(self) -> tuple[list[Rows], list[tuple[list[Chunk], str]]]:
        """Wait for workers.

        Returns:
            Rows that are done; and of each worker that died its chunks, with how it ended. It has been replaced.

        Raises:
            ModelError: the detector cannot be loaded.
        """
        done: list[Rows] = []
        lost: list[tuple[list[Chunk], str]] = []
        by_connection: dict[object, Worker] = {worker.connection: worker for worker in self.workers}
        for connection in wait([worker.connection for worker in self.workers]):
            worker = by_connection[connection]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                lost.append((worker.chunks, self._replace(worker)))
                continue
            if message == READY:
                worker.is_ready, self._failed_starts = True, 0
            elif isinstance(message, Failure):
                raise ModelError(message.message)
            else:
                worker.chunks = [c for c in worker.chunks if (c.part, c.offset) != (message.part, message.offset)]
                done.append(message)
        return done, lost

    def _replace(self, worker: Worker) -> str:
        reason = worker.end()
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise ModelError(
                    f"{_STARTS} workers ended before they had loaded the detector ({reason}); if memory is short, "
                    "use fewer with --jobs"
                )
        echo(f"a worker ended ({reason}); another takes its place")
        place = self.workers.index(worker)
        self.workers[place] = Worker(worker.number, *self._arguments)
        return reason

    def _end(self) -> None:
        for worker in self.workers:
            worker.process.terminate()  # all at once, and then one by one
        for worker in self.workers:
            worker.end()
        self.workers = []


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process inherit that it does not react to ^C: the engine ends it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
