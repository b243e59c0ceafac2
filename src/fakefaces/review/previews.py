"""Pictures of photographs for the page: scaled down on demand, with a bounded memory of those that were made."""

import threading
from collections import OrderedDict
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.images import BUDGET, decoded, encode_jpeg, limited
from fakefaces.explain.heatmaps import overlay_heatmap, resize_heatmap
from fakefaces.review.queue import Photograph, Queue

THUMBNAIL, FIT, ZOOMED = SIDES = (96, 1000, 4000)  # pixels of the longer side, at most
_QUALITY = 92  # of JPEG, which takes a twentieth of WebP's time
_ROWS = 128
_REMEMBERED = 32 * 2**20  # bytes of encoded pictures
# Of a picture while it is drawn: its own, the floats of its heatmap and those before they are clipped, the encoder's.
_BYTES_PER_PIXEL = 14
_LARGE_FILE = 8 * 2**20  # bytes from which on a file is read only once the one before is drawn


class Previews:
    """JPEG pictures of the photographs of a queue. Methods may be called from several threads."""

    def __init__(self, queue: Queue):
        self.queue = queue
        self._pictures: OrderedDict[tuple[str, bool, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._large_file = threading.Lock()

    def picture(self, photograph: Photograph, *, heatmap: bool, side: int) -> bytes:
        """A JPEG of at most ``side`` pixels, one of ``SIDES``, a side; with its heatmap over it where it has one.

        Raises:
            ImageError: its file has gone or has changed.
        """
        wanted = (photograph.key, heatmap and photograph.heatmap is not None, side)
        with self._lock:
            if wanted in self._pictures:
                self._pictures.move_to_end(wanted)
                return self._pictures[wanted]
        with self._large_file if _size(photograph.path) > _LARGE_FILE else nullcontext():
            jpeg = jpeg_preview(self.queue.data(photograph), photograph.heatmap if wanted[1] else None, side)
        with self._lock:
            if wanted not in self._pictures:
                self._pictures[wanted] = jpeg
                self._size += len(jpeg)
            while self._size > _REMEMBERED:
                self._size -= len(self._pictures.popitem(last=False)[1])
        return jpeg


def _size(path: Path) -> int:
    """Bytes of a file; 0 where it has gone, which reading it will say."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def jpeg_preview(data: bytes, heatmap: NDArray[np.uint8] | None, max_side: int) -> bytes:
    """Scale an image file down, with its heatmap (uint8, 0 to 255) over it if there is one, and encode it as JPEG."""
    small = _shrunk(data, max_side)
    with BUDGET.hold(small.shape[0] * small.shape[1] * _BYTES_PER_PIXEL):
        if heatmap is not None:
            _overlay(small, heatmap.astype(np.float32) / np.float32(255))
        return encode_jpeg(small, _QUALITY)


def _shrunk(data: bytes, max_side: int) -> NDArray[np.uint8]:
    """The pixels at that size; the photograph's own are gone before anything is drawn."""
    with decoded(data, "photograph") as pixels:
        return limited(pixels, max_side)


def _overlay(pixels: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> None:
    """:func:`overlay_heatmap` in place, a few rows at a time: its floats take thirty times the memory of the pixels."""
    height, width = pixels.shape[:2]
    heat = resize_heatmap(heatmap, height, width)
    for rows in (slice(top, top + _ROWS) for top in range(0, height, _ROWS)):
        pixels[rows] = overlay_heatmap(pixels[rows], heat[rows])
