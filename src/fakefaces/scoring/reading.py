"""Reading the bytes of one input: a local file, an address, or a row of a Parquet table."""

import stat
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from fakefaces.scoring.addresses import HTTP, filesystem, is_url, local_path, public

if TYPE_CHECKING:
    from requests import Response, Session

_CONNECT, _READ, _TOTAL = 5.0, 20.0, 120.0  # seconds: to connect, between two packets, for one image
_RETRIES = 3  # of an HTTP request, half a second after the first, then twice as long
_MISSING = (404, 410)
_TABLE_BATCH = 16  # rows of a table that are decoded at a time


class Input(NamedTuple):
    """One image of the list."""

    key: str  # the path or address, as the list of inputs gives it; unique in the list
    address: str  # an absolute path or a URL: of the image, or of the table that holds it
    row: int | None = None  # its row in a table of images


class Reader:
    """Reads inputs; several threads may call it at once."""

    def __init__(self, content: str | None = None):
        """``content`` is the column of bytes of a table of images."""
        self._threads = threading.local()
        self._table = _TableReader(content) if content else None

    def read(self, source: Input) -> bytes:
        """The bytes of an image file, at most :data:`fakefaces.data.images.MAX_BYTES`; an ImageError for any fault."""
        name = public(source.address)
        if self._table and source.row is not None:
            return self._table.read(source)
        if not is_url(source.address):
            return _read_file(source.address)
        if source.address.startswith(HTTP):
            return self._read_http(source.address, name)
        return _read_fsspec(source.address, name)

    def _read_http(self, address: str, name: str) -> bytes:
        import requests

        if not hasattr(self._threads, "session"):
            self._threads.session = _session()
        ends = time.monotonic() + _TOTAL
        try:
            with self._threads.session.get(address, stream=True, timeout=(_CONNECT, _READ)) as response:
                return _body(response, name, ends)
        except requests.RequestException as error:  # its text would hold the whole address
            raise ImageError(f"{name}: cannot be had ({type(error).__name__})", "unreadable") from None


def _session() -> "Session":
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(_RETRIES, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
    session = requests.Session()
    for protocol in HTTP:
        session.mount(protocol, HTTPAdapter(max_retries=retry))
    return session


def _body(response: "Response", name: str, ends: float) -> bytes:
    if not response.ok:
        problem = "missing" if response.status_code in _MISSING else "unreadable"
        raise ImageError(f"{name}: the server answers {response.status_code} {response.reason}", problem)
    data = bytearray()
    for piece in response.iter_content(2**16):
        data += piece
        if len(data) > images.MAX_BYTES:
            raise _too_large(name)
        if time.monotonic() > ends:
            raise ImageError(f"{name}: not received within {_TOTAL:.0f} seconds", "unreadable")
    return bytes(data)


def _read_file(address: str) -> bytes:
    path = local_path(address)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        regular = True  # the decoder's reader says what is wrong
    if not regular:
        raise ImageError(f"{path}: it is not a regular file", "unreadable")
    try:
        return images.read(path)
    except ValueError as error:  # a null byte in the path
        raise ImageError(f"{path!r}: cannot be read ({error})", "missing") from None


def _read_fsspec(address: str, name: str) -> bytes:
    try:
        files, path = filesystem(address)
        if (files.size(path) or 0) > images.MAX_BYTES:
            raise _too_large(name)
        return bytes(files.cat_file(path))
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name}: there is no such file", "missing") from None
    except Exception as error:  # each file system has its own; their texts may hold the address
        raise ImageError(f"{name}: cannot be read ({type(error).__name__})", "unreadable") from None


def _too_large(name: str) -> ImageError:
    return ImageError(f"{name}: more than the {images.MAX_BYTES:,} bytes that are read", "too_large")


class _TableReader:
    """Reads one column of bytes forward, since rows are asked for in their order, or nearly."""

    def __init__(self, column: str):
        self._column = column
        self._lock = threading.Lock()
        self._at: tuple[str, int] = ("", 0)  # the table and the row that comes next
        self._rows: Iterator[bytes | None] = iter(())

    def read(self, source: Input) -> bytes:
        name = f"{public(source.address)} row {source.row}"
        row = source.row or 0
        with self._lock:
            try:
                if self._at[0] != source.address or row < self._at[1]:
                    self._open(source.address, row)
                for _ in range(row - self._at[1]):
                    next(self._rows)
                data = next(self._rows)
                self._at = (source.address, row + 1)
            except FileNotFoundError:
                raise ImageError(f"{name}: there is no such table", "missing") from None
            except StopIteration:
                self._at = ("", 0)
                raise ImageError(f"{name}: the table has no such row any more", "missing") from None
            except Exception as error:  # Arrow's and those of file systems
                self._at = ("", 0)
                raise ImageError(f"{name}: the table cannot be read ({type(error).__name__})", "unreadable") from None
        return data or b""

    def _open(self, address: str, row: int) -> None:
        """Start at the row group of ``row``."""
        table = open_table(address)
        start, first = 0, 0
        groups = table.metadata.num_row_groups
        while first < groups and start + (size := table.metadata.row_group(first).num_rows) <= row:
            start, first = start + size, first + 1
        batches = table.iter_batches(_TABLE_BATCH, row_groups=list(range(first, groups)), columns=[self._column])
        self._rows = (value.as_py() for batch in batches for value in batch.column(0))
        self._at = (address, start)


def open_table(address: str) -> Any:
    """A ``pyarrow.parquet.ParquetFile`` that is read page by page."""
    import pyarrow.parquet as pq

    if not is_url(address):
        return pq.ParquetFile(local_path(address), buffer_size=2**20)
    files, path = filesystem(address)
    return pq.ParquetFile(files.open(path, "rb"), buffer_size=2**20)
