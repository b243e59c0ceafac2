"""Atomic writes: a file or folder is complete, or it is not there."""

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FULL = 2**20  # free bytes of a disk, below which a write that failed without a reason failed for want of space


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling path for a file or folder, and rename it to ``path`` at the end.

    On any error the sibling is removed and ``path`` stays as it was. An OSError that names no file gets its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _remove(temporary)
    try:
        yield temporary
        if path.is_dir():
            _remove(path)
        temporary.replace(path)
    except OSError as error:
        if type(error) is not OSError or error.filename or (number := _number(error, path)) is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        _remove(temporary)


def _number(error: OSError, path: Path) -> int | None:
    """The number of an error; of a full disk where it has none, as where numpy could not write all of an array."""
    full = errno.ENOSPC if shutil.disk_usage(path.parent).free < _FULL else None
    return error.errno or full


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write indented JSON, atomically; a ValueError for NaN or infinity."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_regular(path: Path, limit: int) -> bytes:
    """Read at most ``limit`` bytes, and one more where there are more, of a regular file.

    The size that the file system states is a hint only, and no pipe or device is read, which might never end.

    Raises:
        OSError: it is no regular file, or cannot be read.
        ValueError: a name that no file can have.
    """
    _require_regular(path, path.stat())
    # Without O_NONBLOCK the opening would wait, should a pipe have taken the file's place meanwhile.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        _require_regular(path, status)
        pieces, left = list[bytes](), limit + 1
        while left and (piece := file.read(min(left, max(status.st_size + 1, 2**16)))):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
