"""What was computed of each image in earlier runs, by its content: one more photograph costs one photograph.

Each stage that works on images one by one keeps its results in a file of its own below ``.computed/``, beside the
outputs, which stay as DVC knows them. A result counts as long as the code, the settings and the libraries that it was
computed by are the same (``version``); all results are read from the file, those of this run too, so that an output
does not depend on which were there before. Whoever deletes the file loses time and nothing else.
"""

import io
import platform
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.digests import digest_of
from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.data.contents import read_content

Values = tuple[NDArray[Any], ...]

_FORMAT = 1
_BATCH = 16  # images a thread, from one commit to the next: what a killed stage loses
_LIBRARIES = ("keras", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "simplejpeg", "tensorflow")


def version_of(layout: Layout, stage: str, settings: object) -> str:
    """A digest of all that decides what a stage computes of an image: code, settings, libraries and kind of machine."""
    code = [path for path in layout.code(stage) if path.exists()]
    libraries = [metadata.version(name) for name in _LIBRARIES]
    return digest_of(code, [_FORMAT, settings, libraries, platform.machine()])


class Computed:
    """Results by content on disk; a context manager, for one thread."""

    def __init__(self, path: Path | None = None, version: str = "") -> None:
        """Open the results in a file, or a temporary file without one; those of another version are removed."""
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _opened(path, version)
        except sqlite3.DatabaseError as error:
            if path is None or isinstance(error, sqlite3.OperationalError):
                raise self._unusable(error) from None
            path.unlink()  # not a database, or a damaged one
            self._database = _opened(path, version)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def each(
        self,
        root: Path,
        contents: Mapping[str, str],
        compute: Callable[[bytes, str], Values],
        *,
        threads: int,
        description: str,
    ) -> Iterator[Values]:
        """Compute what is not there yet, remove what is of no image any more, and yield the results in order.

        Args:
            root: the data folder.
            contents: the sha256 of each image by its path below ``root``.
            compute: from the bytes of a file and its path to arrays, which may depend on the bytes only; called from
                several threads.
            threads: images that are worked on at a time.
            description: of the progress.

        Raises:
            DataError: a file has changed since its sha256 was computed, or the disk is full.
        """
        try:
            self._keep(set(contents.values()))
            kept = {key for (key,) in self._database.execute("SELECT key FROM results")}
            missing = {digest: name for name, digest in contents.items() if digest not in kept}

            def computed(item: tuple[str, str]) -> tuple[str, Values]:
                digest, name = item
                return digest, compute(read_content(root, name, digest), name)

            remaining = iter(missing.items())
            with ThreadPoolExecutor(threads) as pool:
                done = iter(lambda: list(pool.map(computed, islice(remaining, _BATCH * threads))), [])
                results = (result for batch in done for result in self._added(batch))
                for _ in track(results, description, len(missing)):
                    pass
            for name, digest in contents.items():
                yield self._read(digest) or compute(read_content(root, name, digest), name)
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from None

    def once(self, key: str, compute: Callable[[], Values], *, keep: Callable[[Values], bool]) -> Values:
        """What does not depend on an image, computed where it is not there yet, and kept where ``keep`` says so."""
        try:
            values = self._read(f"once {key}")
            if values is None:
                values = compute()
                if keep(values):
                    self._added([(f"once {key}", values)])
            return values
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from None

    def _added(self, results: list[tuple[str, Values]]) -> list[tuple[str, Values]]:
        """Add results by key, all or none; returns them."""
        rows = [(key, zlib.crc32(data), data) for key, data in ((key, _packed(values)) for key, values in results)]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows)
        return results

    def _read(self, key: str) -> Values | None:
        """A result; None where there is none, or one that was damaged."""
        row = self._database.execute("SELECT checksum, data FROM results WHERE key = ?", (key,)).fetchone()
        return _unpacked(row[1]) if row and zlib.crc32(row[1]) == row[0] else None

    def _keep(self, keys: set[str]) -> None:
        """Remove the results of all other images."""
        stored = [key for (key,) in self._database.execute("SELECT key FROM results WHERE key NOT LIKE 'once %'")]
        with self._database:
            self._database.executemany("DELETE FROM results WHERE key = ?", [(k,) for k in stored if k not in keys])

    def _unusable(self, error: sqlite3.Error) -> DataError:
        return DataError(f"{self._path}: cannot be used ({error}); it can be deleted, and costs time to compute again")


def _opened(path: Path | None, version: str) -> sqlite3.Connection:
    """A connection to a database of this version; "" is a temporary file."""
    database = sqlite3.connect(path or "", timeout=60)
    try:
        database.execute("PRAGMA auto_vacuum = FULL")  # what is removed leaves the file
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS about (version TEXT)")
            database.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, checksum INTEGER, data BLOB)")
            if database.execute("SELECT version FROM about").fetchall() != [(version,)]:
                database.execute("DELETE FROM results")
                database.execute("DELETE FROM about")
                database.execute("INSERT INTO about VALUES (?)", (version,))
    except sqlite3.Error:
        database.close()
        raise
    return database


def _packed(values: Values) -> bytes:
    with closing(io.BytesIO()) as buffer:
        for array in values:
            np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
        return buffer.getvalue()


def _unpacked(data: bytes) -> Values:
    buffer, arrays = io.BytesIO(data), []
    while buffer.tell() < len(data):
        arrays.append(np.lib.format.read_array(buffer, allow_pickle=False))
    return tuple(arrays)
