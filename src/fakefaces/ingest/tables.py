"""Tables of labelled images as people have them: delimiters, encodings, names of columns, Windows paths."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.data.attributes import Attributes
from fakefaces.data.faces import FAKE, REAL
from fakefaces.ingest.attributes import PHOTOGRAPH, further_columns
from fakefaces.ingest.delimited import Delimited, choose_column, read_delimited
from fakefaces.ingest.layouts import class_of, split_of

SUFFIXES = (".csv", ".tsv", ".txt")
_PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img", "img_path")
_LABELS = ("label", "class", "target", "is_fake", "fake", "is_real", "real", "category", "label_str", "ground_truth")
_SPLITS = ("split", "subset", "partition", "set")
_KNOWN = {*_PATHS, *_LABELS, *_SPLITS} - {"class", "category", "set"}  # no attributes; the three may be
_NUMBERS = {"0", "1", "0.0", "1.0", "false", "true"}


@dataclass(frozen=True)
class Dialect:
    """What a person says about a table; "" where the table is to tell."""

    path_column: str = ""
    label_column: str = ""
    split_column: str = ""
    fake_label: str = ""  # the value that means fake


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    line: int  # in the file, from 1
    path: str  # as written
    label: int | None  # 0 real, 1 fake, None where its value says neither
    written: str  # the label as written
    split: str  # train, validation, test or ""
    cells: dict[str, str] = field(default_factory=dict)  # of all columns, as written
    attributes: Attributes = field(default_factory=dict)  # of further columns


@dataclass(frozen=True)
class Table:
    """A table that was understood."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)  # how, where it was not plain


def read_table(path: Path, dialect: Dialect | None = None) -> Table:
    """Read a table with a header line.

    Labels are ``real`` and ``fake`` or words for them in any case, or two other values of which ``fake_label`` is one,
    or 0 and 1: 1 is fake, as everywhere here, but in a column named ``real`` or ``is_real``.

    Raises:
        DataError: it cannot be read; a column is missing or several could be meant; labels that say nothing.
    """
    dialect = dialect or Dialect()
    file = read_delimited(path, "path,label")
    names, lines = file.names, file.rows
    path_column = choose_column(path, names, "path", dialect.path_column, _PATHS)
    label_column = choose_column(path, names, "label", dialect.label_column, _LABELS)
    split_column = _split_column(path, names, dialect.split_column)
    meanings = _meanings(path, label_column, [row[label_column] for _, row in lines], dialect.fake_label)
    if not dialect.fake_label:
        _refuse_contradictions(path, label_column, [row for _, row in lines], meanings)
    if not dialect.label_column:
        _refuse_other_labels(path, label_column, [row for _, row in lines], meanings)
    used = {path_column, split_column} | {name for name in names if name.strip().lower() in _KNOWN}
    further = further_columns(names, [row for _, row in lines], used | {label_column})
    rows = [
        Row(
            line=line,
            path=row[path_column],
            label=meanings.get(row[label_column].strip().lower()),
            written=row[label_column],
            split=split_of(row[split_column]) if split_column else "",
            cells=row,
            attributes=further.of(row),
        )
        for line, row in lines
    ]
    notes = _notes(file, (path_column, label_column, split_column), meanings) + further.notes
    rest = [name for name in names if name.strip().lower() in PHOTOGRAPH]
    if rest:
        notes.append(f"the column {rest[0]} is not used: images of one photograph are found by their content")
    return Table(rows, notes)


def find_image(written: str, folder: Path) -> Path:
    """The file that a row means: relative to the table's folder, absolute, or a Windows path that ends in one of it."""
    written = written.strip()
    plain = folder / Path(written).expanduser() if written else folder / "(no path)"
    if plain.is_file() or "\\" not in written:
        return plain
    parts = [part for part in PureWindowsPath(written).parts if part not in ("..", "/", "\\")]
    for start in range(len(parts)):
        if (path := folder.joinpath(*parts[start:])).is_file():
            return path
    return plain


def _split_column(path: Path, names: Sequence[str], wanted: str) -> str:
    if wanted and wanted not in names:
        raise DataError(f"{shown(path)}: --split-column {wanted}: no such column; there are: {', '.join(names)}")
    return wanted or next((name for name in names if name.strip().lower() in _SPLITS), "")


def _meanings(path: Path, column: str, written: Iterable[str], fake_label: str) -> dict[str, int]:
    """The label of each value, in lower case; a value without one is left to the row's error."""
    values = sorted({value.strip().lower() for value in written} - {""})
    if fake_label:
        fake = fake_label.strip().lower()
        if fake not in values or len(values) != 2:
            raise DataError(
                f"{shown(path)}: --fake-label {fake_label}: the column {column} has the values "
                f"{', '.join(values[:10])}; one of two has to be it"
            )
        return {value: FAKE if value == fake else REAL for value in values}
    if values and set(values) <= _NUMBERS:
        one = REAL if column.strip().lower() in ("real", "is_real") else FAKE
        return {value: one if value in ("1", "1.0", "true") else 1 - one for value in values}
    meanings = {value: label for value in values if (label := class_of(value)) is not None}
    if values and not meanings:
        raise DataError(
            f"{shown(path)}: the column {column} has the values {', '.join(values[:10])}, neither real nor fake. "
            "Say which means fake: --fake-label VALUE; or name another column: --label-column NAME"
        )
    return meanings


def _refuse_contradictions(path: Path, column: str, rows: list[dict[str, str]], meanings: dict[str, int]) -> None:
    """Refuse numbers that mean the opposite of the words beside them: folders of the path, values of other columns."""
    if not set(meanings) <= _NUMBERS:
        return
    agree = disagree = 0
    for row in rows:
        label = meanings.get(row[column].strip().lower())
        words = (part for name, value in row.items() if name != column for part in re.split(r"[\\/]", value))
        told = {class_of(word) for word in words} - {None}
        if label is not None and len(told) == 1:
            agree += told == {label}
            disagree += told != {label}
    if disagree > agree:
        raise DataError(
            f"{shown(path)}: by the words beside them, 1 is real in the column {column}, and here 1 is fake; "
            "say which means fake: --fake-label 0, or --fake-label 1"
        )


def _refuse_other_labels(path: Path, column: str, rows: list[dict[str, str]], meanings: dict[str, int]) -> None:
    """Refuse a column of labels of which another one says the opposite; folders of the path may, as in corrections."""
    for name in dict.fromkeys(name for row in rows for name in row if name.strip().lower() in _LABELS):
        told = [(meanings.get(row[column].strip().lower()), _told(name, row.get(name, ""))) for row in rows]
        agree = sum(label == other for label, other in told if None not in (label, other))
        disagree = sum(label != other for label, other in told if None not in (label, other))
        if name != column and disagree > agree:
            raise DataError(
                f"{shown(path)}: the columns {column} and {name} contradict each other in {disagree} rows; "
                "say which has the labels: --label-column NAME"
            )


def _told(column: str, value: str) -> int | None:
    """The label that a value of a column means by its word or by the column's name; None where neither tells."""
    name, word = column.strip().lower(), value.strip().lower()
    if word in _NUMBERS and name in ("real", "is_real", "fake", "is_fake"):
        return FAKE if (word in ("1", "1.0", "true")) == name.endswith("fake") else REAL
    return class_of(word)


def _notes(file: Delimited, columns: tuple[str, str, str], meanings: dict[str, int]) -> list[str]:
    notes = [note] if (note := file.note()) else []
    path, label, split = columns
    if (path, label) != ("path", "label"):
        notes.append(f"paths are in the column {path}, labels in {label}")
    if set(meanings) - {"real", "fake"}:
        told = "; ".join(f"{value} is {'fake' if label else 'real'}" for value, label in sorted(meanings.items()))
        notes.append(f"{told} (otherwise: --fake-label VALUE)")
    if split:
        notes.append(f"splits are in the column {split}")
    return notes
