"""Photographs by their content: the sha256 of a file's bytes, whatever its name is."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from fakefaces.base.errors import DataError, ImageError
from fakefaces.base.progress import track
from fakefaces.data import images


def content_digests(root: Path, names: Sequence[str]) -> dict[str, str]:
    """The sha256 of each file by its path below ``root``; empty where it cannot be read, which validate reports."""
    return {name: _digest(root / name) for name in track(names, "reading files", len(names))}


def read_content(root: Path, name: str, digest: str) -> bytes:
    """Read a file whose sha256 is known, so that nothing is ever kept under the digest of something else.

    Raises:
        DataError: the file is another one, or gone, since its digest was computed.
    """
    try:
        data = images.read(root / name)
    except ImageError as error:
        raise DataError(f"{error}; it could be read a moment ago: run this again") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise DataError(f"{root / name}: changed since its stage began, or since `validate` ran: run dvc repro again")
    return data


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(images.read(path)).hexdigest()
    except ImageError:
        return ""
