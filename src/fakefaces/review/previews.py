"""Pictures of photographs for the page: scaled down on demand, with a bounded memory of those that were made."""

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.images import decoded, encode_jpeg, limited
from fakefaces.data.memory import Budget
from fakefaces.explain.heatmaps import overlay_heatmap, resize_heatmap
from fakefaces.review.queue import Photograph, Queue

THUMBNAIL, FIT, ZOOMED = SIDES = (96, 1000, 4000)  # pixels of the longer side, at most
_QUALITY = 92  # of JPEG, which takes a twentieth of WebP's time
_ROWS = 128
_REMEMBERED = 32 * 2**20  # bytes of encoded pictures
_BYTES_PER_PIXEL = (
    14  # of a picture while it is drawn: its own, the floats of its heatmap, both together, the encoder's
)
_DRAWN = Budget(FIT**2 * _BYTES_PER_PIXEL * 4)  # four of that size, or one to zoom into


class Previews:
    """JPEG pictures of the photographs of a queue. Methods may be called from several threads."""

    def __init__(self, queue: Queue):
        self.queue = queue
        self._pictures: OrderedDict[tuple[str, bool, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

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
        jpeg = jpeg_preview(self.queue.data(photograph), photograph.heatmap if wanted[1] else None, side)
        with self._lock:
            if wanted not in self._pictures:
                self._pictures[wanted] = jpeg
                self._size += len(jpeg)
            while self._size > _REMEMBERED:
                self._size -= len(self._pictures.popitem(last=False)[1])
        return jpeg


def jpeg_preview(data: bytes, heatmap: NDArray[np.uint8] | None, max_side: int) -> bytes:
    """Scale an image file down, with its heatmap (uint8, 0 to 255) over it if there is one, and encode it as JPEG."""
    with _DRAWN.hold(max_side**2 * _BYTES_PER_PIXEL), decoded(data, "photograph") as pixels:
        small = limited(pixels, max_side)
        if heatmap is not None:
            small = _overlaid(small, heatmap.astype(np.float32) / np.float32(255))
        return encode_jpeg(small, _QUALITY)


def _overlaid(pixels: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """:func:`overlay_heatmap` a few rows at a time: its floats take thirty times the memory of the pixels."""
    height, width = pixels.shape[:2]
    heat, overlaid = resize_heatmap(heatmap, height, width), np.empty_like(pixels)
    for rows in (slice(top, top + _ROWS) for top in range(0, height, _ROWS)):
        overlaid[rows] = overlay_heatmap(pixels[rows], heat[rows])
    return overlaid
