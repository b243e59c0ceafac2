"""A budget of memory that all threads of a process share."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fakefaces.base.freed_memory import give_back_freed

# Bytes from which on what was freed before is given back to the system first: the C library keeps it in parts, one for
# each thread, up to 0.7 GB after large pictures in six threads, and would take more for this one.
_LARGE = 100_000_000


@dataclass(eq=False)
class _Turn:
    """What waits for memory, or holds some."""

    size: int
    give_way: Callable[[], None] | None


class Budget:
    """Bytes that may be held at a time; who asks for more than is left waits, in the order of asking.

    A thread that holds some must not ask again, as it might wait for itself.
    """

    def __init__(self, total: int):
        self.total = total
        self._left = total
        self._waiting: deque[_Turn] = deque()
        self._kept: list[_Turn] = []  # turns that hold memory and can give way
        self._changed = threading.Condition()

    def reserve(self, size: int) -> None:
        """Take ``size`` bytes of the total for good, for what stays in memory beside the images."""
        with self._changed:
            self.total -= size
            self._left -= size
            self._changed.notify_all()

    @contextmanager
    def hold(self, size: int, give_way: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold ``size`` bytes within the block; more than the total count as the total, so that it is held alone.

        Args:
            size: bytes.
            give_way: of what is kept in memory only because it is dear to start: called, maybe more than once and by
                any thread, when another waits for memory that it cannot have before the end of this block. It returns
                at once.
        """
        turn = _Turn(size, give_way)
        with self._changed:
            self._waiting.append(turn)
            try:
                self._make_room()
                # The first in the queue waits even where a smaller one would fit: else a large one might wait forever.
                self._changed.wait_for(lambda: self._waiting[0] is turn and self._left >= min(size, self.total))
                turn.size = min(size, self.total)
                self._left -= turn.size
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
            if give_way:
                self._kept.append(turn)
                self._make_room()
        try:
            if size >= _LARGE:
                give_back_freed()
            yield
        finally:
            with self._changed:
                if give_way:
                    self._kept.remove(turn)
                self._left += turn.size
                self._changed.notify_all()

    def _make_room(self) -> None:
        """Ask what is kept to give way, if anybody who waits could not go on beside it."""
        room = self.total - sum(turn.size for turn in self._kept)
        if any(min(turn.size, self.total) > room for turn in self._waiting):
            for turn in self._kept:
                if turn.give_way:
                    turn.give_way()
