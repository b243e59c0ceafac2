"""What the project's folder holds of a photograph: its files, rows of tables, labels, and what stages made of it."""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

from fakefaces.base import sqlite
from fakefaces.base.errors import DataError
from fakefaces.maintenance.forgetting.photographs import Marks
from fakefaces.maintenance.forgetting.removal import Removal, of_file, of_lines, of_rows, shown

# Outputs that hold nothing of a single photograph: weights, and numbers of many. They go only where they name one.
KEPT = (
    "outputs/augment",
    "outputs/candidate.json",
    "outputs/fetch.txt",
    "outputs/models",
    "outputs/score_cache.json",
    "outputs/tune",
    "reports/best.json",
    "reports/comparisons.csv",
    "reports/explanations.json",
    "reports/history",
    "reports/metrics",
    "reports/model_card.md",
    "reports/plots",
    "reports/precision_recall",
    "reports/promotion.json",
    "reports/results.csv",
    "reports/results.md",
    "reports/roc",
    "reports/tune.json",
    "reports/validation.json",
)
_TEXT = (".csv", ".json", ".html", ".md", ".txt", ".js", ".svg", ".jsonl")


def is_kept(path: str) -> bool:
    """Whether an output, by its path as DVC spells it, holds nothing of a single photograph."""
    return any(path == kept or path.startswith(f"{kept}/") for kept in KEPT)


def made_of(root: Path, outputs: Collection[str], marks: Marks) -> Iterator[Removal]:
    """What stages and commands made of photographs.

    Args:
        root: the project's folder.
        outputs: the paths of outputs that were made of a state of ``data/`` with them.
        marks: of the photographs.
    """
    gone = [root / output for output in sorted(outputs) if not is_kept(output) and (root / output).exists()]
    yield from (of_file("outputs", path, root) for path in gone)
    for folder in ("outputs", "reports", "explained", "dvc_plots", "pull_request"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not any(path.is_relative_to(other) for other in gone) and _shows(path, marks):
                yield of_file("outputs", path, root)


def computed(root: Path, marks: Marks) -> Iterator[Removal]:
    """What stages keep of single photographs, so that they need not be read again."""
    for results in sorted((root / ".computed").glob("*.sqlite")):
        if rows := _of_database(".computed", results, ("results", "key"), root, marks):
            yield rows


def reviewed(root: Path, marks: Marks) -> Iterator[Removal]:
    """The review page's exports and journal, in the folder that it writes to by default."""
    folder = root / "reviews"
    yield from _copies(folder, root, "reviews", marks)
    for table in sorted(folder.rglob("*.csv")):
        if rows := of_rows("reviews", table, root, marks):
            yield rows
    for journal in sorted(folder.rglob("*.db")):
        if events := _of_database("reviews", journal, ("events", "photograph"), root, marks):
            yield events


def originals(root: Path, marks: Marks) -> Iterator[Removal]:
    """The photographs themselves, their masks, and their rows in the tables beside them."""
    for folder in ("data.aside", ".unfinished"):
        yield from _copies(root / folder, root, folder, marks)
    for folder in ("samples", "data"):
        yield from _copies(root / folder, root, folder, marks)
        for table in sorted((root / folder).glob("*.csv")):
            if rows := of_rows(folder, table, root, marks):
                yield rows
    for table in sorted(root.glob("*.csv")):  # corrections.csv
        if rows := of_rows("labels", table, root, marks):
            yield rows
    for log in sorted(root.glob("*.jsonl")):  # of the server, and of a challenger in its shadow
        if lines := of_lines("logs", log, root, marks):
            yield lines


def _copies(folder: Path, root: Path, place: str, marks: Marks) -> Iterator[Removal]:
    """Files with the content of a photograph or of its mask, under any name."""
    sha256s = {p.sha256 for p in marks.photographs}
    masks = {root / base / name for p in marks.photographs for name, _ in p.masks for base in ("data", "samples")}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path in masks or _sha256(path) in sha256s):
            yield of_file(place, path, root)


def _shows(path: Path, marks: Marks) -> bool:
    """Whether a file has the name of a photograph, or names it in its text."""
    if marks.in_name(path):
        return True
    return path.suffix.lower() in _TEXT and marks.in_page(path.read_bytes())


def _of_database(place: str, file: Path, where: tuple[str, str], root: Path, marks: Marks) -> Removal | None:
    """Remove the rows of photographs from a SQLite file, by table and column of the sha256; None where it has none.

    Raises:
        DataError: it cannot be read, as while another program writes it.
    """
    table, column = where
    sha256s = [p.sha256 for p in marks.photographs]
    chosen = f"FROM {table} WHERE {column} IN ({', '.join('?' * len(sha256s))})"
    try:
        with closing(sqlite.open_file(file)) as connection:
            (n,) = connection.execute(f"SELECT count(*) {chosen}", sha256s).fetchone()
    except sqlite3.Error as error:
        if any(reason in str(error) for reason in ("no such table", "no such column", "not a database")):
            return None  # another program's
        raise DataError(
            f"{shown(file, root)}: {error}; nothing was removed: try again when no program uses it"
        ) from None
    if not n:
        return None

    def drop() -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            with connection:
                connection.execute(f"DELETE {chosen}", sha256s)
            connection.execute("VACUUM")

    return Removal(place, f"{shown(file, root)}: {n} row{'s' * (n > 1)}", drop)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
