"""The HTTP server's log: one JSON object a line, written by a thread, so that no reader of it holds a request up.

A line holds no image, no name of a photograph, no path but those of the server's own routes, and no client's address.
"""

import json
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

from fakefaces.base.secrets import masked

_MAX_WAITING = 10_000  # lines; where nobody reads them, further ones are lost


class Log:
    """Lines on their way to a stream."""

    def __init__(self, stream: IO[str] | None = None, lost: Callable[[], None] = lambda: None):
        """Log to a stream, by default standard output; ``lost`` is called for each line that is dropped."""
        self._stream, self._lost = stream, lost
        self._waiting: queue.Queue[str | None] = queue.Queue(_MAX_WAITING)

    def write(self, event: str, **fields: Any) -> None:
        """Add a line; returns at once."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        try:
            self._waiting.put_nowait(masked(json.dumps({"at": at, "event": event} | fields)))
        except queue.Full:
            self._lost()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write the lines in a thread of its own until the end of the block, and those that wait then."""
        thread = threading.Thread(target=self._run, name="log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            try:
                self._waiting.put(None, timeout=1)
                thread.join(1)
            except queue.Full:  # nobody reads
                pass

    def _run(self) -> None:
        stream = self._stream or sys.stdout
        while (line := self._waiting.get()) is not None:
            try:
                stream.write(f"{line}\n")
                stream.flush()
            except (OSError, ValueError):  # a full disk, a reader that has gone
                self._lost()
