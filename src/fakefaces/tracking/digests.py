"""Digests of files and folders as DVC computes them, so that outputs are identified as in ``dvc.lock``."""

import hashlib
import json
from pathlib import Path


def digest(path: Path) -> str:
    """The md5 by which DVC identifies a file or a folder.

    Args:
        path: an existing file or folder.

    Returns:
        The hexadecimal md5 of a file; of a folder, the md5 of the JSON list of its files' md5 sums and relative
        paths, sorted by path, with the suffix ``.dir``.
    """
    if not path.is_dir():
        return _md5(path)
    files = sorted((file.relative_to(path).parts, file) for file in path.rglob("*") if file.is_file())
    listing = [{"md5": _md5(file), "relpath": "/".join(parts)} for parts, file in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
