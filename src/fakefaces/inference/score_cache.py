"""A record of the inputs that scores were computed from, so that only what has changed is scored again."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from fakefaces.base.files import read_json, write_json


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


class ScoreCache:
    """Digests of inputs and outputs by model, in a JSON file that DVC does not remove before a stage (``persist``)."""

    def __init__(self, path: Path) -> None:
        """Read the file; one that cannot be read counts as empty."""
        self._path = path
        try:
            entries = read_json(path)
        except (OSError, ValueError):
            entries = {}
        self._entries: dict[str, list[str]] = entries if isinstance(entries, dict) else {}

    def is_current(self, name: str, inputs: str, outputs: Sequence[Path]) -> bool:
        """Whether the outputs are unchanged since they were computed from inputs of this digest."""
        exist = all(path.is_file() for path in outputs)
        return exist and self._entries.get(name) == [inputs, digest_of(outputs)]

    def record(self, name: str, inputs: str, outputs: Sequence[Path]) -> None:
        """Record that the outputs were computed from inputs of this digest."""
        self._entries[name] = [inputs, digest_of(outputs)]
        self._write()

    def remove_all_but(self, names: Sequence[str]) -> None:
        """Remove the entries of all other models."""
        self._entries = {name: self._entries[name] for name in names if name in self._entries}
        self._write()

    def _write(self) -> None:
        write_json(self._path, dict(sorted(self._entries.items())))
