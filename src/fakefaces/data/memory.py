"""A budget of memory that all threads of a process share."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """Bytes that may be held at a time; who asks for more than is left waits, in the order of asking.

    A thread that holds some must not ask again, as it might wait for itself.
    """

    def __init__(self, total: int):
        self.total = total
        self._left = total
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def reserve(self, size: int) -> None:
        """Take ``size`` bytes of the total for good, for what stays in memory beside the images."""
        with self._changed:
            self.total -= size
            self._left -= size
            self._changed.notify_all()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes within the block; more than the total count as the total, so that it is held alone."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                # The first in the queue waits even where a smaller one would fit: else a large one might wait forever.
                self._changed.wait_for(lambda: self._waiting[0] is turn and self._left >= min(size, self.total))
                size = min(size, self.total)
                self._left -= size
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._left += size
                self._changed.notify_all()
