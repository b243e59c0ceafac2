"""Commands as processes that are watched, and small disks, for the tests of ``make torture``."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT

MAX_MEMORY = 1_500_000_000  # bytes, of a command with its workers, whatever it is given


def scaled(count: int) -> int:
    """A number of files or kills; TORTURE=0.1 takes a tenth of it."""
    return max(1, round(count * float(os.environ.get("TORTURE", "1"))))


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str
    peak: int  # bytes of memory, of the process and those that it started, at most

    def last_line(self) -> str:
        return self.err.strip().splitlines()[-1]

    def errors(self) -> list[str]:
        """The lines that begin with ERROR."""
        return [line for line in self.err.splitlines() if line.startswith("ERROR")]


def environ(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_"))}
    return clean | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONUTF8": "1"} | more


def fakefaces(*arguments: object, cwd: Path, **more: str) -> Done:
    """Run a command of ours in a folder; no traceback may come of it, nor too much memory."""
    done = python("-m", "fakefaces.cli", *arguments, cwd=cwd, **more)
    assert done.peak < MAX_MEMORY, f"{done.peak:,} bytes: {arguments}"
    return done


def python(*arguments: object, cwd: Path, **more: str) -> Done:
    """Run Python with the project's packages; no traceback may come of it."""
    command = [sys.executable, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=cwd, env=environ(**more), **pipes) as process:
        watch = _Watch(process.pid)
        while True:
            try:
                out, err = process.communicate(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                watch.look()
    done = Done(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"), watch.peak)
    assert "Traceback" not in done.out + done.err, done.err[-3000:]
    return done


class _Watch:
    """The largest memory of a process and its children so far."""

    def __init__(self, pid: int):
        self.process, self.peak = psutil.Process(pid), 0

    def look(self) -> None:
        total = 0
        try:
            for process in (self.process, *self.process.children(recursive=True)):
                total += process.memory_info().rss
        except psutil.NoSuchProcess:
            return
        self.peak = max(self.peak, total)


class Disk:
    """A small disk, mounted at a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def leave(self, size: int) -> None:
        """Make it so large that ``size`` bytes are free, or one page, since a size of nothing is no bound."""
        status = os.statvfs(self.folder)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        _mount("-o", f"remount,size={max(used + size, status.f_frsize)}", str(self.folder))


@pytest.fixture
def disk() -> Iterator[Callable[[Path], Disk]]:
    """Small disks for a test, mounted at folders that need not exist."""
    mounted: list[Path] = []

    def mount(folder: Path) -> Disk:
        folder.mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder))
        mounted.append(folder)
        return Disk(folder)

    yield mount
    for folder in reversed(mounted):
        _mount_program("umount", "--lazy", str(folder))


def _mount(*arguments: str) -> None:
    reason = "there is no such program"
    if shutil.which("mount"):
        reason = _mount_program("mount", *arguments)
    if reason:
        pytest.skip(f"a disk cannot be mounted here, which takes Linux and root: {reason}")


def _mount_program(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""
