"""Limits of the HTTP server: what a request may hold, and how long a slow client may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fakefaces.data.images import MAX_BYTES


@dataclass(frozen=True)
class Limits:
    """What one request, and all together, may take."""

    body: int = MAX_BYTES * 4 // 3 + 2**16  # bytes: one image of the largest size, as base64
    images: int = 256
    pixels: int = 200_000_000  # of all its images
    requests: int = 64  # that are scored or wait for it; more are answered 503
    header_seconds: float = 10  # until the header of a request is complete
    body_seconds: float = 30  # until its body is
    stop_seconds: int = 4  # for requests that are being answered when the server is told to stop


class ByteBudget:
    """Bytes of bodies in memory at a time, of all requests.

    Small and large bodies have a share each: a few large ones that come slowly must not keep the small ones waiting.
    """

    _SMALL = 4 * 2**20  # bytes

    def __init__(self, limits: Limits):
        self._free = {"small": 64 * 2**20, "large": 2 * limits.body}
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def reserve(self, n: int) -> AsyncIterator[None]:
        """Hold ``n`` bytes, once they are free."""
        share = "small" if n <= self._SMALL else "large"
        async with self._changed:
            await self._changed.wait_for(lambda: self._free[share] >= n)
            self._free[share] -= n
        try:
            yield
        finally:
            async with self._changed:
                self._free[share] += n
                self._changed.notify_all()
