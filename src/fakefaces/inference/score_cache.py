"""What a stage made and of what, so that one which does the same for each of many repeats only what has changed."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fakefaces.base.files import read_json, write_json

_CHUNK = 1 << 20


def content(paths: Iterable[Path], settings: Any = None) -> str:
    """Sixteen hexadecimal digits that stand for files, folders with all that is in them, and settings.

    Args:
        paths: in any order that repeats; their names count in so far as they lie in a folder of these.
        settings: anything that JSON can write.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        for file in inside if path.is_dir() else [path]:
            digest.update(f"\n{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode())
            with file.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()[:16]


class Made:
    """The notes of a stage, in a JSON file that is one of its outputs, which DVC leaves it (``persist``).

    Args:
        path: of the file; notes that cannot be read are none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            known = read_json(path)
        except (OSError, ValueError):
            known = {}
        self._known: dict[str, list[str]] = known if isinstance(known, dict) else {}

    def holds(self, name: str, of: str, outputs: Sequence[Path]) -> bool:
        """Whether the outputs lie there as they were made, and of the same."""
        return all(path.is_file() for path in outputs) and self._known.get(name) == [of, content(outputs)]

    def note(self, name: str, of: str, outputs: Sequence[Path]) -> None:
        """Remember, on disk too, that the outputs are there now."""
        self._known[name] = [of, content(outputs)]
        self._write()

    def keep(self, names: Sequence[str]) -> None:
        """Forget all others."""
        self._known = {name: self._known[name] for name in names if name in self._known}
        self._write()

    def _write(self) -> None:
        write_json(self._path, dict(sorted(self._known.items())))
