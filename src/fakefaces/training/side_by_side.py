"""Independent trainings side by side, in processes of their own, as far as slots and memory allow.

Each process computes with the threads that one after another would, so that its results have the same bytes.
"""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any, TypeVar

import psutil

from fakefaces.base.errors import ModelError
from fakefaces.base.free_memory import free_memory
from fakefaces.base.progress import without_bars
from fakefaces.base.secrets import mask_output
from fakefaces.base.slots import Slot, Slots

MEMORY = 3 * 2**30  # bytes that a training takes, at most (docs/scaling.md)
_POLL = 1.0  # seconds after which slots and memory are looked at again
_PATIENCE = 10.0  # seconds for a process to close its run, before it is killed

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], tasks: Sequence[T], slots: Slots) -> list[R]:
    """Do each of the tasks; the results are in their order.

    Args:
        work: a function of a module, as processes find it by its name.
        tasks: that do not need each other; they and their results can be pickled.
        slots: of the project.

    Raises:
        ModelError: a process was killed.
        Exception: what ``work`` raised first. The others are ended then.
    """
    results: dict[int, R] = {}
    waiting = deque(enumerate(tasks))
    with _workers() as workers, slots.of_this_process() as own:
        while len(results) < len(tasks):
            while waiting and (slot := _free_slot(workers, own, slots)):
                idle = next((worker for worker in workers if worker.slot is None), None)
                if idle is None:
                    workers.append(idle := _Worker(work))
                idle.give(*waiting.popleft(), slot)
            busy: dict[object, _Worker] = {worker.connection: worker for worker in workers if worker.slot}
            for connection in wait([worker.connection for worker in busy.values()], timeout=_POLL if waiting else None):
                number, result = busy[connection].finish(own)
                results[number] = result
    return [results[number] for number in range(len(tasks))]


def _free_slot(workers: "Sequence[_Worker]", own: Slot, slots: Slots) -> Slot | None:
    """The slot of this process, or another one where there is memory for a training more."""
    busy = [worker for worker in workers if worker.slot]
    if not any(worker.slot is own for worker in busy):
        return own
    promised = sum(max(0, MEMORY - worker.memory) for worker in busy)
    return slots.take() if free_memory() - promised >= MEMORY else None


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class _Worker:
    """A process that does one task after another."""

    def __init__(self, work: Callable[[Any], Any]):
        # A new interpreter: what a library of this process has started, such as threads, is not copied.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self.slot: Slot | None = None  # while it works
        self._number = 0  # of its task
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # ^C: this process ends it
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    @property
    def memory(self) -> int:
        """Bytes that it has now."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def give(self, number: int, task: object, slot: Slot) -> None:
        self._number, self.slot = number, slot
        self.connection.send(task)

    def finish(self, own: Slot) -> tuple[int, Any]:
        """The number of its task, and the result, for which it was waited; ``own`` is not released by a worker."""
        try:
            result = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(_PATIENCE)
            raise ModelError(
                f"a training's process was ended (exit code {self.process.exitcode}); if memory is short, lower jobs "
                "in params.yaml. Run the same command again to go on"
            ) from None
        if self.slot is not own and self.slot:
            self.slot.release()
        self.slot = None
        if isinstance(result, _Failure):
            raise result.error
        return self._number, result

    def end(self) -> None:
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        if self.slot:
            self.slot.release()


@contextmanager
def _workers() -> Iterator[list[_Worker]]:
    """A list of workers, which end with the block."""
    workers: list[_Worker] = []
    try:
        yield workers
    finally:
        for worker in workers:
            worker.connection.close()  # all at once, and then one by one
        for worker in workers:
            worker.end()


def _serve(connection: Connection, work: Callable[[Any], Any]) -> None:
    """Do the tasks that come through ``connection``, until it closes: then this process ends by a signal."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # an exception closes runs
    mask_output()
    without_bars()
    tasks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    while True:
        task = tasks.get()
        try:
            result = work(task)
        except Exception as error:
            error.add_note(traceback.format_exc())
            result = _Failure(error)
        connection.send(result)


def _receive(connection: Connection, tasks: "SimpleQueue[Any]") -> None:
    """Receive apart from the work, so that the end is noticed during it, even if the other side was killed."""
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
