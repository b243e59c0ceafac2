"""Queue of photographs under review: scored on arrival, sorted, labelled by a person, exported."""

import hashlib
import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakefaces.base.files import atomic_write
from fakefaces.data.formats import SUFFIXES
from fakefaces.data.images import decoded, limited
from fakefaces.explain.explanation import Explanation
from fakefaces.explain.heatmaps import overlay_heatmap
from fakefaces.ingest.corrections import read_rows, write_corrections

ORDERS = ("highest score", "lowest score", "least sure", "as added")


@dataclass(frozen=True)
class Item:
    """One photograph under review, with the champion's scores."""

    key: str  # sha256 of its bytes
    name: str  # of its file where it came from
    p_fake: float
    predicted: str  # real or fake
    unsure: bool | None  # whether the score lies in the abstention band; None where the champion has none
    parts: tuple[str, ...]  # suspected parts, the most suspected first
    heatmap: NDArray[np.float32] | None  # float32 (h, w), 0 to 1
    label: str | None = None  # a person's: real, fake or None


@dataclass
class Queue:
    """Photographs under review, and files that were refused. Methods may be called from several threads."""

    explain: Callable[[Sequence[tuple[str, bytes]]], list[Explanation]]  # scores files, given as names and bytes
    folder: Path  # an empty folder for the bytes of the photographs
    threshold: float = 0.5  # the champion's; scores near it are the least sure
    refused: list[tuple[str, str]] = field(default_factory=list)  # names and reasons
    version: int = 0  # number of changes, so that a page knows when to redraw
    _items: dict[str, Item] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Score files that are not in the queue yet; files that are no images go to ``refused``."""
        fresh = {hashlib.sha256(data).hexdigest(): (name, data) for name, data in files}
        fresh = {key: file for key, file in fresh.items() if key not in self._items}
        explanations = self.explain(list(fresh.values())) if fresh else []
        with self._lock:
            for (key, (name, data)), explanation in zip(fresh.items(), explanations, strict=True):
                score = explanation.score
                if score.problem or score.p_fake is None or score.label is None:
                    self.refused.append(
                        (name, (score.problem_detail or "").removeprefix(f"{name}: ") or "it could not be scored")
                    )
                    continue
                (self.folder / key).write_bytes(data)
                self._items[key] = Item(
                    key, name, score.p_fake, score.label, score.unsure, explanation.parts, explanation.heatmap
                )
            self.version += 1

    def refuse(self, name: str, reason: str) -> None:
        """Record a file that was not read."""
        with self._lock:
            self.refused.append((name, reason))
            self.version += 1

    def item(self, key: str) -> Item | None:
        """The photograph with this key, or None."""
        return self._items.get(key)

    def data(self, key: str) -> bytes:
        """The bytes of a photograph."""
        return (self.folder / key).read_bytes()

    def set_label(self, key: str, label: str | None) -> None:
        """Set or remove a person's label of a photograph."""
        with self._lock:
            self._items[key] = replace(self._items[key], label=label)
            self.version += 1

    def sorted(self, order: str) -> list[Item]:
        """All photographs in one of ``ORDERS``; ties in the order in which they were added."""
        items = list(self._items.values())
        if order == "highest score":
            return sorted(items, key=lambda item: -item.p_fake)
        if order == "lowest score":
            return sorted(items, key=lambda item: item.p_fake)
        if order == "least sure":
            return sorted(items, key=lambda item: (item.unsure is not True, abs(item.p_fake - self.threshold)))
        return items

    def export(self, folder: Path) -> tuple[Path, int]:
        """Add the labelled photographs to ``images/`` and ``corrections.csv``; return the CSV and its row count."""
        table = folder / "corrections.csv"
        rows = {row["path"]: row for _, row in (read_rows(table) if table.is_file() else [])}
        for item in self._items.values():
            if item.label is None:
                continue
            path = f"images/{item.key[:12]}_{_safe_name(item.name)}"
            with atomic_write(folder / path) as temporary:
                temporary.write_bytes(self.data(item.key))
            details = {"p_fake": f"{item.p_fake:.6f}", "predicted": item.predicted, "name": item.name}
            # The same image may have had another name in an earlier review.
            rows = {key: row for key, row in rows.items() if not key.startswith(f"images/{item.key[:12]}_")}
            rows[path] = {"path": path, "label": item.label} | details
        write_corrections(table, rows.values())
        return table, len(rows)


def webp_preview(data: bytes, heatmap: NDArray[np.float32] | None, max_side: int) -> bytes:
    """Scale an image file down, with its heatmap over it if there is one, and encode it as WebP."""
    with decoded(data, "photograph") as pixels:
        small = limited(pixels, max_side)
    preview = Image.fromarray(small if heatmap is None else overlay_heatmap(small, heatmap))
    encoded = io.BytesIO()
    preview.save(encoded, "WEBP", quality=85)
    return encoded.getvalue()


def _safe_name(name: str) -> str:
    """The last component of a name, with only characters that are safe on every file system."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in path.stem)[:60]
    suffix = path.suffix.lower()
    return f"{stem or 'image'}{suffix if suffix in SUFFIXES else '.jpg'}"
