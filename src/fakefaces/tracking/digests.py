"""DVC's digests, computed as DVC does: what a run made is known by them, here and in ``dvc.lock``."""

import hashlib
import json
from pathlib import Path

_CHUNK = 1 << 20


def digest(path: Path) -> str:
    """The md5 that DVC gives a file, or a folder (``....dir``).

    A folder's is the md5 of a JSON list of its files, each with its md5 and its path, in the order of the
    paths.
    """
    if not path.is_dir():
        return _md5(path)
    files = sorted((file.relative_to(path).parts, file) for file in path.rglob("*") if file.is_file())
    listing = [{"md5": _md5(file), "relpath": "/".join(parts)} for parts, file in files]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    sum_ = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sum_.update(chunk)
    return sum_.hexdigest()
