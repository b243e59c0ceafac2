"""The photographs under review: scored as they come, sorted, labelled by a person, exported."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.files import write_bytes
from fakefaces.data.images import SUFFIXES
from fakefaces.explain.explanation import Look
from fakefaces.ingest.corrections import read_rows, write_corrections

ORDERS = ("highest score", "lowest score", "least sure", "as added")
Looking = Callable[[Sequence[tuple[str, bytes]]], list[Look]]


@dataclass(frozen=True)
class Item:
    """One photograph under review.

    Attributes:
        key: of its bytes.
        name: as it was called where it came from.
        p_fake: the champion's score.
        label: ``real`` or ``fake``, as the champion says.
        unsure: whether the score lies in the unsure band; None where the champion has none.
        parts: suspected, the likeliest first.
        heat: float32 (h, w), 0 to 1, or None.
        given: the label that a person gave: ``real``, ``fake`` or None.
    """

    key: str
    name: str
    p_fake: float
    label: str
    unsure: bool | None
    parts: tuple[str, ...]
    heat: NDArray[np.float32] | None
    given: str | None = None


@dataclass
class Queue:
    """Photographs under review, and those that were refused.

    Attributes:
        looking: scores and explains files.
        kept: an empty folder for the bytes of the photographs.
        middle: the score at which the champion is least sure.
        refused: name and reason.
        version: counts changes, so that a page knows when to draw itself again.
    """

    looking: Looking
    kept: Path
    middle: float = 0.5
    refused: list[tuple[str, str]] = field(default_factory=list)
    version: int = 0
    _items: dict[str, Item] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Score files; what is no image goes to ``refused``, and what is there already stays as it is."""
        fresh = {hashlib.sha256(data).hexdigest(): (name, data) for name, data in files}
        fresh = {key: file for key, file in fresh.items() if key not in self._items}
        looks = self.looking(list(fresh.values())) if fresh else []
        with self._lock:
            for (key, (name, data)), look in zip(fresh.items(), looks, strict=True):
                score = look.score
                if score.problem or score.p_fake is None or score.label is None:
                    self.refused.append((name, score.problem.removeprefix(f"{name}: ") or "it could not be scored"))
                    continue
                self._path(key).write_bytes(data)
                item = Item(key, name, score.p_fake, score.label, score.unsure, look.parts, look.heat)
                self._items[key] = item
            self.version += 1

    def refuse(self, name: str, reason: str) -> None:
        """Note a file that was not even read."""
        with self._lock:
            self.refused.append((name, reason))
            self.version += 1

    def item(self, key: str) -> Item | None:
        """The photograph with this key; None if there is none."""
        return self._items.get(key)

    def data(self, key: str) -> bytes:
        """Its bytes."""
        return self._path(key).read_bytes()

    def label(self, key: str, given: str | None) -> None:
        """Give a photograph a label, or take it back."""
        with self._lock:
            self._items[key] = replace(self._items[key], given=given)
            self.version += 1

    def sorted(self, order: str) -> list[Item]:
        """All photographs, in one of ``ORDERS``; of equal ones the earlier first."""
        items = list(self._items.values())
        if order == "highest score":
            return sorted(items, key=lambda one: -one.p_fake)
        if order == "lowest score":
            return sorted(items, key=lambda one: one.p_fake)
        if order == "least sure":
            return sorted(items, key=lambda one: (one.unsure is not True, abs(one.p_fake - self.middle)))
        return items

    def export(self, folder: Path) -> tuple[Path, int]:
        """Write the labelled photographs and their CSV, beside those of earlier reviews.

        Args:
            folder: gets ``corrections.csv`` and ``images/``.

        Returns:
            The CSV, and how many photographs it names.
        """
        table = folder / "corrections.csv"
        rows = {row["path"]: row for row in (read_rows(table) if table.is_file() else [])}
        for item in self._items.values():
            if item.given is None:
                continue
            path = f"images/{item.key[:12]}_{_plain(item.name)}"
            write_bytes(folder / path, self.data(item.key))
            said = {"p_fake": f"{item.p_fake:.6f}", "said": item.label, "name": item.name}
            # The same image may have had another name in an earlier review.
            rows = {key: row for key, row in rows.items() if not key.startswith(f"images/{item.key[:12]}_")}
            rows[path] = {"path": path, "label": item.given} | said
        write_corrections(table, rows.values())
        return table, len(rows)

    def _path(self, key: str) -> Path:
        return self.kept / key


def _plain(name: str) -> str:
    """The last part of a name from elsewhere, with nothing in it that a file system could take amiss."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in path.stem)[:60]
    suffix = path.suffix.lower()
    return f"{stem or 'image'}{suffix if suffix in SUFFIXES else '.jpg'}"
