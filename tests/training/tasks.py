"""What processes of a test do; apart from the test, for each of them imports this."""

import os
import signal
import time
from pathlib import Path

from fakefaces.base.errors import DataError


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{path.name} never came")


def meet(folder: Path, task: tuple[str, str]) -> str:
    """Ends only if the other task runs, too."""
    own, other = task
    (folder / own).touch()
    wait_for(folder / other)
    return own


def process_of(task: int) -> tuple[int, int]:
    return task, os.getpid()


def do(folder: Path, task: str) -> str:
    try:
        (folder / f"{task}-{os.getpid()}").touch()
        if task == "fault":
            raise DataError("no such photograph")
        if task == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    finally:  # a signal may come as soon as the task has begun
        if task == "long":
            (folder / "ended by a signal").touch()
    return task
