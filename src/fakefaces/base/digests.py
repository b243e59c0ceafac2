"""Digests of files, folders and settings."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def digest_of(paths: Iterable[Path], settings: object = None) -> str:
    """Sixteen hexadecimal digits for the contents of files and folders, and settings that JSON can write.

    Names count within folders only, not those of ``paths`` themselves, whose order counts.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        for file in inside if path.is_dir() else [path]:
            digest.update(f"\n{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode())
            with file.open("rb") as opened:
                hashlib.file_digest(opened, lambda: digest)
    return digest.hexdigest()[:16]
