"""A record of the inputs that scores were computed from, so that only what has changed is scored again."""

from collections.abc import Sequence
from pathlib import Path

from fakefaces.base.digests import digest_of
from fakefaces.base.files import read_json, write_json


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
