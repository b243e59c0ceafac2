"""Export of a review: corrections that ``fakefaces data`` imports, and a table of who labelled what and when."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from fakefaces.base.files import atomic_write
from fakefaces.data.formats import SUFFIXES
from fakefaces.ingest.corrections import read_rows, write_corrections
from fakefaces.review.labels import Event, Labels, agreed
from fakefaces.review.queue import Queue

_DIGITS = 12  # of a photograph's sha256, which its exported name begins with


@dataclass(frozen=True)
class Export:
    """What an export wrote, and left out."""

    table: Path  # corrections.csv
    rows: int  # of the table, those of earlier exports included
    disagreeing: int  # labelled photographs on which people disagree
    absent: int  # labelled photographs that are neither in the queue nor exported before


def export(queue: Queue, labels: Labels, folder: Path) -> Export:
    """Write ``corrections.csv`` with the photographs in ``images/``, and ``labels.csv``, the journal.

    ``corrections.csv`` has a row for each photograph on which all who labelled it agree: ``path``, ``label``, ``name``,
    ``p_fake`` and ``predicted``. Rows of earlier exports stay, unless the labels of their photograph have changed.

    Raises:
        DataError: there is a ``corrections.csv`` that is none.
        ImageError: the file of a labelled photograph has gone or has changed.
    """
    table = folder / "corrections.csv"
    rows = {_digits(row["path"]): row for _, row in (read_rows(table) if table.is_file() else [])}
    disagreeing = absent = 0
    for key, given in labels.all().items():
        label, photograph, earlier = agreed(given), queue.get(key), rows.pop(key[:_DIGITS], None)
        if label is None:
            disagreeing += bool(given)
        elif photograph is not None:
            path = f"images/{key[:_DIGITS]}_{_safe_name(photograph.name)}"
            with atomic_write(folder / path) as temporary:
                temporary.write_bytes(queue.data(photograph))
            rows[key[:_DIGITS]] = {
                "path": path,
                "label": label,
                "name": photograph.name,
                "p_fake": f"{photograph.p_fake:.6f}",
                "predicted": photograph.predicted,
            }
        elif earlier is not None:
            rows[key[:_DIGITS]] = earlier | {"label": label}
        else:
            absent += 1
    write_corrections(table, rows.values())
    _write_journal(folder / "labels.csv", labels.events())
    return Export(table, len(rows), disagreeing, absent)


def _digits(path: str) -> str:
    """The digits that an exported name begins with; the whole path of another."""
    folder, _, name = path.partition("/")
    return name[:_DIGITS] if folder == "images" and name[_DIGITS : _DIGITS + 1] == "_" else path


def _write_journal(table: Path, events: list[Event]) -> None:
    names = [field.name for field in fields(Event)]
    with atomic_write(table) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(event, name) for name in names] for event in events)


def _safe_name(name: str) -> str:
    """The last component of a name, with only characters that are safe on every file system."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in path.stem)[:60]
    suffix = path.suffix.lower()
    return f"{stem or 'image'}{suffix if suffix in SUFFIXES else '.jpg'}"
