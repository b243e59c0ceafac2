"""Corrected labels: the CSV that the review page exports, and the set of photographs with its labels applied."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakefaces.base.errors import DataError, ImageError
from fakefaces.base.files import atomic_write
from fakefaces.base.progress import echo
from fakefaces.data import images
from fakefaces.data.attributes import Attributes, read_attributes, write_attributes
from fakefaces.ingest.attributes import ATTRIBUTION
from fakefaces.ingest.collection import Collection
from fakefaces.ingest.tables import Dialect, find_image, read_table

COLUMNS = ("path", "label")  # of the table that the review page writes, before reviewers, at, sure and others
SURE = ("yes", "no", "")


@dataclass(frozen=True)
class Correction:
    """An image with the label that a person gave it."""

    path: Path
    label: int  # 0 real, 1 fake
    split: str  # train, validation, test, or "" where the table says none
    sha256: str  # of the bytes
    reviewers: str = ""  # who gave it, several separated by "; "; "" where the table does not say
    at: str = ""  # when, ISO 8601; "" where the table does not say
    sure: str = ""  # yes or no; "" where nobody was asked
    attributes: Attributes = field(default_factory=dict)  # further columns of the table


def read_corrections(table: Path, dialect: Dialect | None = None, *, may_be_empty: bool = False) -> list[Correction]:
    """Read a table of labelled images and check every image that it names.

    Args:
        table: its columns are ``path`` (relative to its folder, or absolute) and ``label`` (``real`` or ``fake``), in
            one of the dialects of :func:`fakefaces.ingest.tables.read_table`. Where it has them, ``reviewers``, ``at``
            and ``sure`` say whose label it is, of when, and whether they are sure.
        dialect: what a person says of it.
        may_be_empty: where there are labels beside the table.

    Raises:
        DataError: no such file, a missing column, an invalid label, an invalid image, an image with two labels, or
            no row; each fault with its line.
    """
    corrections, faults, first = [], [], dict[str, Correction]()
    rows = read_table(table, dialect)
    for row in rows.rows:
        if row.label is None:
            faults.append(f"line {row.line}: label: '{row.written}' is neither real nor fake")
            continue
        path = find_image(row.path, table.parent)
        try:
            data = images.read(path)
            images.decode(data, str(path))
        except ImageError as error:
            faults.append(f"line {row.line}: {error}")
            continue
        said = {name: row.cells.get(name, "").strip() for name in ATTRIBUTION}
        if said["sure"] not in SURE:
            faults.append(f"line {row.line}: sure: '{said['sure']}' is neither yes nor no, nor empty")
            continue
        digest = hashlib.sha256(data).hexdigest()
        correction = Correction(path, row.label, row.split, digest, **said, attributes=row.attributes)
        other = first.setdefault(correction.sha256, correction)
        if other.label != row.label:
            faults.append(f"line {row.line}: {row.path}: the same image is labelled real and fake")
        corrections.append(correction)
    if faults:
        raise DataError("\n  ".join([f"{table}: nothing was imported:", *faults]))
    if not corrections and not may_be_empty:
        raise DataError(f"{table}: no row in it; the review page writes one for each labelled image")
    for note in rows.notes:
        echo(f"{table}: {note}")
    return corrections


def merge_corrections(corrections: Iterable[Correction], data: Path, folder: Path) -> Path:
    """Write a set of photographs: those of ``data``, and the corrected ones with their new labels.

    An image that is already in ``data``, which may be missing, moves to the folder of its new label; it is not
    duplicated. Replaces ``folder`` if it exists, and returns it.
    """
    corrections = list(corrections)
    with atomic_write(folder) as partial:
        collection = Collection.of(data, partial)
        for correction in corrections:
            collection.put(correction.path, correction.label, correction.sha256)
        keep_attributes(corrections, partial)
    return folder


def keep_attributes(corrections: Iterable[Correction], folder: Path) -> None:
    """Add the attributes of images to those that a set of photographs has; a new value replaces an old one."""
    attributes = read_attributes(folder)
    given = [correction for correction in corrections if correction.attributes]
    for correction in given:
        attributes[correction.sha256] = attributes.get(correction.sha256, {}) | correction.attributes
    if given:
        write_attributes(folder, attributes)


def read_rows(table: Path, columns: Sequence[str] = COLUMNS) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a table that the review page wrote, with their line numbers; a DataError if it is none."""
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = reader.fieldnames or ()
            for row in reader:
                rows.append((reader.line_num, {str(key): str(value) for key, value in row.items() if key}))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a CSV in UTF-8 ({error})") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise DataError(f"{table}: no column {' and no column '.join(missing)}; {' and '.join(columns)} are required")
    return rows


def write_rows(table: Path, rows: Iterable[dict[str, str]], columns: Sequence[str] = COLUMNS) -> None:
    """Write a CSV: the columns, then the other keys of the rows."""
    rows = list(rows)
    names = [*columns, *sorted({key for row in rows for key in row} - set(columns))]
    with atomic_write(table) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
