"""One step of a forgetting: what is taken out of where, and how."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fakefaces.base.files import atomic_write
from fakefaces.ingest.replacing import remove
from fakefaces.maintenance.forgetting.photographs import Marks


@dataclass(frozen=True)
class Removal:
    """A step; doing it again does nothing."""

    place: str  # such as "data" or "DVC's cache"
    what: str  # a path, or what of it
    do: Callable[[], object]


def of_file(place: str, path: Path, root: Path) -> Removal:
    """Remove a file or a folder."""
    return Removal(place, shown(path, root), partial(remove, path))


def of_rows(place: str, table: Path, root: Path, marks: Marks) -> Removal | None:
    """Remove the rows of photographs from a table; None where it has none."""
    rows = _rows(table)
    gone = sum(marks.in_row(row) for row in rows)
    if not gone:
        return None
    return Removal(place, f"{shown(table, root)}: {gone} row{'s' * (gone > 1)}", partial(_drop_rows, table, marks))


def of_lines(place: str, log: Path, root: Path, marks: Marks) -> Removal | None:
    """Remove the lines of photographs from a log of JSON; None where it has none."""
    gone = sum(map(marks.in_text, log.read_bytes().splitlines()))
    if not gone:
        return None
    return Removal(place, f"{shown(log, root)}: {gone} line{'s' * (gone > 1)}", partial(_drop_lines, log, marks))


def shown(path: Path, root: Path) -> str:
    """A path as people read it: below the project's folder where it is."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _rows(table: Path) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(table.read_text(encoding="utf-8"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _drop_lines(log: Path, marks: Marks) -> None:
    kept = [line for line in log.read_bytes().splitlines(keepends=True) if not marks.in_text(line)]
    with atomic_write(log) as temporary:
        temporary.write_bytes(b"".join(kept))


def _drop_rows(table: Path, marks: Marks) -> None:
    """Write the table without the rows; the bytes of the others stay as they are, where no cell has a line break."""
    text = table.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not marks.in_row(next(csv.reader([line.rstrip("\r\n")]), []))]
    if len(lines) != len(_rows(table)):  # a cell with a line break
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(row for row in _rows(table) if not marks.in_row(row))
        kept = [buffer.getvalue()]
    with atomic_write(table) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8", newline="")
