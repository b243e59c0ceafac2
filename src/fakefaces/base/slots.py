"""How much runs at a time in a project: at most ``jobs`` stages and trainings, whichever processes start them.

A slot is a locked file, so that it is free again when its process ends, whatever ends it.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ConfigDict

from fakefaces.base import environment
from fakefaces.base.schema import Count, Schema, read


class Slot:
    """One of the slots of a project, held until it is released."""

    def __init__(self, descriptor: int | None = None):
        self._descriptor = descriptor  # None: another process holds it for this one

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Slots:
    """The slots of the project in ``root``; as many as ``count`` are taken at a time."""

    def __init__(self, root: Path, count: int):
        self.count = count
        self._folder = root / ".unfinished"

    @classmethod
    def of_stage(cls, root: Path) -> "Slots":
        """As ``fakefaces repro`` was told, where it has started this process; else as ``params.yaml`` says.

        No stage declares ``jobs`` to DVC: nothing is made anew because of it.
        """
        return cls(root, environment.jobs() or read(_Jobs, root / "params.yaml").jobs)

    def of_this_process(self) -> Slot:
        """The slot that a stage runs in: it is held already by ``fakefaces repro``, and nobody waits for one."""
        return (None if environment.jobs() else self.take()) or Slot()

    def take(self) -> Slot | None:
        """A free slot; None where there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.count):
            descriptor = os.open(self._folder / f"slot{number}", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return Slot(descriptor)
        return None


class _Jobs(Schema):
    model_config = ConfigDict(extra="ignore")

    jobs: Count = 1
