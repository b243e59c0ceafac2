"""Files on their way into the queue: uploads of the page, and files that the command line names."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from starlette.requests import ClientDisconnect

from fakefaces.base.errors import FakefacesError
from fakefaces.base.names import on_one_line, printable
from fakefaces.data.images import MAX_BYTES
from fakefaces.review.queue import Arrival, Queue

_BATCH_SIZE = 16  # photographs scored at a time
_BATCH_BYTES = 16 * 2**20  # from which on a batch takes no more photographs
_MAX_WAITING = 64  # uploads; a browser that sends faster has to wait
_SILENCE = 60  # seconds without a byte, after which an upload counts as broken off
_NAME = 300  # characters of a name that are kept


class UploadError(FakefacesError):
    """An upload that was not taken; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class Arrivals:
    """What waits to be scored. Its methods belong to one event loop."""

    def __init__(self, queue: Queue, files: Sequence[Path] = ()):
        """Score into a queue; ``files`` are the user's own, read where they lie, after the uploads."""
        self.queue = queue
        self._files = deque(files)
        self._uploads: asyncio.Queue[Arrival] = asyncio.Queue(_MAX_WAITING)
        self._numbers = itertools.count()
        self._in_work = 0

    @property
    def waiting(self) -> int:
        """Files that are not scored yet."""
        return len(self._files) + self._uploads.qsize() + self._in_work

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Take an upload, which waits on the disk, and nothing of one that is broken off.

        Raises:
            UploadError: it is too large, was broken off, or cannot be written.
        """
        name = on_one_line(name)[:_NAME] or "photograph"
        path = self.queue.folder / f".upload-{next(self._numbers)}"
        try:
            await self._write(path, chunks)
            await self._uploads.put(Arrival(name, path, owned=True))
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, (TimeoutError, ClientDisconnect)):
                raise UploadError("the upload was broken off", 400) from None
            if isinstance(error, asyncio.CancelledError):  # uvicorn's, when it stops
                raise UploadError("the page stops", 503) from None
            if isinstance(error, OSError):
                error = UploadError(f"it cannot be written to {path.parent} ({error.strerror or error})", 507)
            if isinstance(error, UploadError):
                self.queue.refuse(name, str(error))
            raise error from None

    async def score(self) -> None:
        """Score what arrives, until it is cancelled."""
        while True:
            batch = await self._batch()
            self._in_work = len(batch)
            try:
                await asyncio.to_thread(self.queue.add, batch)
            except Exception as error:  # one batch must not end the page
                for arrival in batch:
                    self.queue.refuse(
                        arrival.name, f"it could not be scored ({on_one_line(' '.join(str(error).split()))[:200]})"
                    )
            finally:
                self._in_work = 0

    async def _write(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        with path.open("wb") as file:
            while True:
                async with asyncio.timeout(_SILENCE):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                file.write(chunk)
                if file.tell() > MAX_BYTES:
                    raise UploadError(f"more than {MAX_BYTES:,} bytes", 413)

    async def _batch(self) -> list[Arrival]:
        """The next files, of which there is at least one: uploads first, since a person waits for them."""
        batch: list[Arrival] = []
        if not self._files:
            batch.append(await self._uploads.get())
        size = _size(batch[0]) if batch else 0
        while len(batch) < _BATCH_SIZE and size < _BATCH_BYTES:
            if not self._uploads.empty():
                batch.append(self._uploads.get_nowait())
            elif self._files:
                path = self._files.popleft()
                batch.append(Arrival(on_one_line(printable(path))[-_NAME:], path, owned=False))
            else:
                break
            size += _size(batch[-1])
        return batch


def _size(arrival: Arrival) -> int:
    """Bytes of a file; 0 where it has gone, which reading it will say."""
    try:
        return arrival.path.stat().st_size
    except OSError:
        return 0
