"""Commands as processes that are watched, and small disks, for the tests of ``make torture``."""

import os
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


def environ(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_"))}
    return clean | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONUTF8": "1"} | more


def fakefaces(*arguments: object, cwd: Path, **more: str) -> Done:
    """Run a command of ours in a folder; no traceback may come of it, nor too much memory."""
    return python("-m", "fakefaces.cli", *arguments, cwd=cwd, **more)


def python(*arguments: object, cwd: Path, **more: str) -> Done:
    """Run Python with the project's packages, held to what :func:`fakefaces` is held to."""
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
    assert done.peak < MAX_MEMORY, f"{done.peak:,} bytes: {command}"
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


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts for a test: ``mount(folder, "size=8m")`` a small disk, ``mount(folder, bind=True)`` a read-only folder."""
    mounted: list[Path] = []

    def do(folder: Path, options: str = "size=8m", *, bind: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        if bind:
            _mount("--bind", str(folder), str(folder))
            mounted.append(folder)
            _mount("-o", "remount,ro,bind", str(folder))
        else:
            _mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
            mounted.append(folder)
        return folder

    yield do
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a small disk cannot be mounted here: there is no program `mount`")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here, which takes root: {done.stderr.strip()}")
