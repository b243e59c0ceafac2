"""Export of a review: corrections that ``fakefaces data`` imports, conflicts, agreement, and who said what when."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath

from fakefaces.base.files import atomic_write
from fakefaces.data.formats import SUFFIXES
from fakefaces.ingest.conflicts import Conflict, read_conflicts, write_conflicts
from fakefaces.ingest.corrections import read_rows, write_rows
from fakefaces.review.agreement import agreement
from fakefaces.review.labels import Event, Given, Labels, agreed, pairs
from fakefaces.review.queue import Photograph, Queue

_DIGITS = 12  # of a photograph's sha256, which its exported name begins with


@dataclass(frozen=True)
class Export:
    """What an export wrote, and left out."""

    table: Path  # corrections.csv
    rows: int  # of the table, those of earlier exports included
    disagreeing: int  # labelled photographs on which people disagree
    absent: int  # labelled photographs that are neither in the queue nor exported before


def export(queue: Queue, labels: Labels, folder: Path) -> Export:
    """Write ``corrections.csv`` and ``conflicts.csv`` with the photographs in ``images/``, and who said what.

    ``corrections.csv`` has a row for each photograph on which all who labelled it agree: ``path``, ``label``, ``at``,
    when the last of them said so, ``name``, ``p_fake``, ``predicted``, ``reviewers``, and ``sure``, no where one of
    them is not. Rows of earlier exports stay, unless the labels of their photograph have changed. ``conflicts.csv`` has
    those on which people disagree; a decision that a person wrote there stays as long as the labels do.
    ``agreement.csv`` has Cohen's kappa of each two people, ``labels.csv`` the journal.

    Raises:
        DataError: there is a ``corrections.csv`` or ``conflicts.csv`` that is none.
        ImageError: the file of a labelled photograph has gone or has changed.
    """
    table = folder / "corrections.csv"
    rows = {_digits(row["path"]): row for _, row in (read_rows(table) if table.is_file() else [])}
    before = {conflict.sha256: conflict for conflict in read_conflicts(folder)}
    conflicts = [conflict for key, conflict in before.items() if key not in labels.all()]  # of another journal
    absent = 0
    for key, said in labels.all().items():
        label, photograph, earlier = agreed(said), queue.get(key), rows.pop(key[:_DIGITS], None)
        given = labels.given(key)
        if label is None:
            if said:
                path = _copied(queue, photograph, folder) if photograph else ""
                name = photograph.name if photograph else ""
                conflicts.append(_conflict(Conflict(path, key, name, _sentences(given)), before.get(key)))
        elif photograph is not None:
            rows[key[:_DIGITS]] = {
                "path": _copied(queue, photograph, folder),
                "label": label,
                "name": photograph.name,
                "p_fake": f"{photograph.p_fake:.6f}",
                "predicted": photograph.predicted,
            } | _attribution(given)
        elif earlier is not None:
            rows[key[:_DIGITS]] = earlier | {"label": label} | _attribution(given)
        else:
            absent += 1
    write_rows(table, rows.values())
    write_conflicts(folder, conflicts)
    _write_agreement(folder / "agreement.csv", labels)
    _write_journal(folder / "labels.csv", labels.events())
    return Export(table, len(rows), len(conflicts), absent)


def _attribution(given: Mapping[str, Given]) -> dict[str, str]:
    """Who gave a label, when the last of them did, and whether all are sure; "" where one was not asked."""
    certainties = {one.sure for one in given.values()}
    sure = "no" if False in certainties else "" if None in certainties else "yes"
    return {"reviewers": "; ".join(sorted(given)), "at": max(one.at for one in given.values()), "sure": sure}


def _sentences(given: Mapping[str, Given]) -> str:
    """What each person says of a photograph, and when."""
    doubts = {True: "", None: "", False: ", not sure"}
    return "; ".join(f"{name}: {one.label}{doubts[one.sure]}, {one.at}" for name, one in sorted(given.items()))


def _conflict(now: Conflict, earlier: Conflict | None) -> Conflict:
    """A conflict with what an earlier export knows of it: its file, and the decision if it was on the same labels."""
    if earlier is None:
        return now
    found = replace(now, path=now.path or earlier.path, name=now.name or earlier.name)
    if earlier.labels != now.labels:
        return found
    return replace(found, decision=earlier.decision, decided_by=earlier.decided_by)


def _copied(queue: Queue, photograph: Photograph, folder: Path) -> str:
    """Write a photograph's bytes, and return its path below the folder."""
    path = f"images/{photograph.key[:_DIGITS]}_{_safe_name(photograph.name)}"
    with atomic_write(folder / path) as temporary:
        temporary.write_bytes(queue.data(photograph))
    return path


def _digits(path: str) -> str:
    """The digits that an exported name begins with; the whole path of another."""
    folder, _, name = path.partition("/")
    return name[:_DIGITS] if folder == "images" and name[_DIGITS : _DIGITS + 1] == "_" else path


def _write_agreement(table: Path, labels: Labels) -> None:
    """A row for each two people who have labelled the same photographs."""
    rows = []
    for (first, second), both in sorted(pairs(labels.all().values()).items()):
        measured = {name: "" if value is None else value for name, value in vars(agreement(both)).items()}
        rows.append({"first": first, "second": second} | {name: str(value) for name, value in measured.items()})
    write_rows(table, rows, ("first", "second", "n", "same", "kappa", "low", "high"))


def _write_journal(table: Path, events: list[Event]) -> None:
    names = [field.name for field in fields(Event)]
    words = {True: "yes", False: "no"}
    with atomic_write(table) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for event in events:
            values = vars(event) | {"sure": None if event.sure is None else words[event.sure]}
            writer.writerow([values[name] for name in names])


def _safe_name(name: str) -> str:
    """The last component of a name, with only characters that are safe on every file system."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in path.stem)[:60]
    suffix = path.suffix.lower()
    return f"{stem or 'image'}{suffix if suffix in SUFFIXES else '.jpg'}"
