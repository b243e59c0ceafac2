"""Digests of files and folders as DVC computes them, so that outputs are identified as in ``dvc.lock``."""

import hashlib
import json
from pathlib import Path


def digest(path: Path, *, without: str = "") -> str:
    """The md5 of a file; of a folder, that of the JSON list of its files' md5 sums and paths, with ``.dir`` added.

    ``without`` is the path of a file in the folder that is left out.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    files = sorted((file.relative_to(path).parts, file) for file in path.rglob("*") if file.is_file())
    names = [(file, "/".join(parts)) for parts, file in files]
    listing = [{"md5": digest(file), "relpath": name} for file, name in names if name != without]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
