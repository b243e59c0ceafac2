"""The note of a progress line: images a second, and the time left."""

import time
from datetime import timedelta


class Pace:
    """Counts images from the first note on, so that the start of processes is no part of the rate."""

    def __init__(self, total: int):
        """``total`` images are to be scored."""
        self._total, self._done = total, 0
        self._first: tuple[float, int] | None = None  # when the first images were done, and how many

    def note(self, advance: int) -> str:
        """Such as ``44.1 images/s, 0:03:20 left``, after ``advance`` more images."""
        self._done += advance
        now = time.monotonic()
        if self._first is None:
            self._first = now, self._done
        start, before = self._first
        if now <= start or self._done <= before:
            return ""
        rate = (self._done - before) / (now - start)
        return f"{rate:.1f} images/s, {timedelta(seconds=round((self._total - self._done) / rate))} left"
