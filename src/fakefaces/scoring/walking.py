"""The files of a folder or a glob at any depth, in a fixed order, with memory for one folder at a time."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import printable
from fakefaces.scoring.addresses import filesystem

HIDDEN, LINKED, SPECIAL = "hidden files and folders", "links to folders", "files that are not regular"


def walk(folder: str, skipped: Counter[str], *, without: Path | None = None, depth: int | None = None) -> Iterator[str]:
    """Yield the paths of a local folder's files, each folder's in the order of their names.

    Args:
        folder: the folder; what is yielded starts with it.
        skipped: counts what is not yielded, by kind.
        without: a folder inside that is not entered.
        depth: how many levels are entered; None for all.

    Raises:
        DataError: a folder cannot be listed.
    """
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"{printable(folder)}: the folder cannot be listed ({error.strerror or error}); allow it or leave it out"
        ) from None
    for entry in entries:
        if entry.name.startswith("."):
            skipped[HIDDEN] += 1
        elif entry.is_dir(follow_symlinks=False):
            if (depth is None or depth > 1) and not (without and _same(entry.path, without)):
                deeper = None if depth is None else depth - 1
                yield from walk(entry.path, skipped, without=without, depth=deeper)
        elif Path(entry.path).is_dir():
            skipped[LINKED] += 1
        # A link that dangles, or leads to itself, is an input that is missing; for the latter, entry.is_file() fails.
        elif Path(entry.path).is_file() or not Path(entry.path).exists():
            yield entry.path
        else:
            skipped[SPECIAL] += 1


def expand(pattern: str, skipped: Counter[str], *, without: Path | None = None) -> Iterator[str]:
    """Yield the files that a local glob matches; ``**`` matches any number of folders."""
    from fsspec.utils import glob_translate

    parts = pattern.split("/")
    fixed = next(k for k, part in enumerate(parts) if is_glob(part))
    start = "/".join(parts[:fixed]) or ("/" if fixed else ".")
    depth = None if "**" in parts[fixed:] else len(parts) - fixed
    matches = re.compile(glob_translate("/".join(parts[fixed:])))
    if not Path(start).is_dir():
        raise DataError(f"{printable(start)}: there is no such folder, in {printable(pattern)}")
    prefix = "" if start == "." else start.rstrip("/") + "/"
    for path in walk(start, skipped, without=without, depth=depth):
        relative = path[len(start.rstrip("/")) + 1 :]
        if matches.match(relative):
            yield prefix + relative


def is_glob(text: str) -> bool:
    """Whether a path or address is a pattern."""
    return any(character in text for character in "*?[")


def walk_remote(address: str, skipped: Counter[str]) -> Iterator[str]:
    """Yield the addresses of the files below an address of fsspec, each folder's in order."""
    files, path = filesystem(address)
    for folder, folders, names in files.walk(path, on_error="raise"):
        skipped[HIDDEN] += sum(name.startswith(".") for name in (*folders, *names))
        folders[:] = sorted(name for name in folders if not name.startswith("."))  # in which order it goes on
        for name in sorted(name for name in names if not name.startswith(".")):
            yield str(files.unstrip_protocol(f"{folder.rstrip('/')}/{name}"))


def expand_remote(pattern: str) -> Iterator[str]:
    """Yield the addresses that a glob of fsspec matches, in order."""
    files, path = filesystem(pattern)
    yield from (str(files.unstrip_protocol(found)) for found in sorted(files.glob(path)))


def _same(path: str, other: Path) -> bool:
    try:
        return other.samefile(path)
    except OSError:
        return False
