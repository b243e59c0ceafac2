"""Progress on standard error: a bar on a terminal, a line every few seconds in a log file."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from fakefaces.base.names import on_one_line
from fakefaces.base.secrets import masked

_LOG_INTERVAL = 5.0  # seconds between two lines
_PATIENCE = 1.0  # seconds until a user is told what is waited for

_bars = True  # whether a terminal may be drawn on

T = TypeVar("T")
Step = Callable[[int, str], None]


def echo(message: str) -> None:
    """Print a plain message to standard error, with its secrets masked and without control characters."""
    # In one piece with its line's end, so that no line of another process, or of a log in the same file, comes between.
    sys.stderr.write(on_one_line(masked(message), keep="\n") + "\n")
    sys.stderr.flush()


def without_bars() -> None:
    """Print lines on a terminal, too: of processes side by side each would draw its bar over the others'."""
    global _bars
    _bars = False


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Say what is waited for, where the block takes more than a second."""
    timer = threading.Timer(_PATIENCE, echo, [f"waiting for {what}"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def progress(description: str, total: int) -> Iterator[Step]:
    """Show the progress of ``total`` steps; yields a function that is called as ``step(advance, note)``."""
    if not _bars or not sys.stderr.isatty():
        yield _lines(description, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),  # moves within a long step, too
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        "{task.fields[note]}",
    )
    with Progress(*columns, console=Console(stderr=True, highlight=False, soft_wrap=True)) as bar:
        task = bar.add_task(description, total=total, note="")
        yield lambda advance, note: bar.update(task, advance=advance, note=note)


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield ``items`` and show how many of ``total`` are done."""
    with progress(description, total) as step:
        for item in items:
            yield item
            step(1, "")


def _lines(description: str, total: int) -> Step:
    completed, last = 0, time.monotonic()

    def step(advance: int, note: str) -> None:
        nonlocal completed, last
        completed += advance
        now = time.monotonic()
        if now - last >= _LOG_INTERVAL or (completed == total and total > 1):
            last = now
            echo(f"{description}: {completed}/{total} {note}".rstrip())

    return step
