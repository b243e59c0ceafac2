"""The note of a progress line: images a second, and the time left."""

import time
from datetime import timedelta


class Pace:
    """Counts images from its making on."""

    def __init__(self, total: int):
        """``total`` images are to be scored."""
        self._total, self._done, self._start = total, 0, time.monotonic()

    def note(self, advance: int) -> str:
        """Such as ``44.1 images/s, 0:03:20 left``, after ``advance`` more images."""
        self._done += advance
        rate = self._done / max(time.monotonic() - self._start, 1e-9)
        left = timedelta(seconds=round((self._total - self._done) / rate)) if rate else "?"
        return f"{rate:.1f} images/s, {left} left"
