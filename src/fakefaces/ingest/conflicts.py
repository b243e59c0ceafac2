"""``conflicts.csv``: photographs on which people disagree, with what each of them said, and a place for a decision.

The labels stay what they were, so that agreement can still be measured; a decision is a person's, beside them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fakefaces.base.errors import DataError, ImageError
from fakefaces.data import images
from fakefaces.data.faces import FAKE, REAL
from fakefaces.ingest.corrections import Correction, read_rows, write_rows

NAME = "conflicts.csv"
COLUMNS = ("path", "sha256", "name", "labels", "decision", "decided_by")
DECISIONS = ("real", "fake", "exclude")


@dataclass(frozen=True)
class Conflict:
    """A photograph on which people disagree."""

    path: str  # relative to the table's folder
    sha256: str
    name: str  # of the file where it came from
    labels: str  # what each person said and when; a decision stands as long as nobody says anything new
    decision: str = ""  # real, fake, exclude, or "" where nobody has decided
    decided_by: str = ""  # a person's name

    @property
    def row(self) -> dict[str, str]:
        """The row of the table."""
        return {name: str(getattr(self, name)) for name in COLUMNS}


def read_conflicts(folder: Path) -> list[Conflict]:
    """Read the conflicts of an exported review; none where there is no table.

    Raises:
        DataError: it is none, or a decision is not one of :data:`DECISIONS` or nobody's.
    """
    table = folder / NAME
    if not table.is_file():
        return []
    conflicts, faults = [], []
    for line, row in read_rows(table, COLUMNS):
        decision, person = row["decision"].strip().lower(), row["decided_by"].strip()
        if decision and decision not in DECISIONS:
            faults.append(f"line {line}: decision: '{row['decision']}' is none of {', '.join(DECISIONS)}, or empty")
        elif decision and not person:
            faults.append(f"line {line}: decided_by: whose decision is it? Name the person")
        conflicts.append(Conflict(row["path"], row["sha256"], row["name"], row["labels"], decision, person))
    if faults:
        raise DataError("\n  ".join([f"{table}: decisions that cannot be used:", *faults]))
    return conflicts


def write_conflicts(folder: Path, conflicts: Iterable[Conflict]) -> Path:
    """Write the table, an empty one where nobody disagrees; returns it."""
    write_rows(folder / NAME, [conflict.row for conflict in conflicts], COLUMNS)
    return folder / NAME


@dataclass(frozen=True)
class Decisions:
    """What the conflicts of a review come to."""

    corrections: list[Correction]  # decided to be real or fake
    excluded: int  # photographs that were decided to be left out
    undecided: int  # photographs that wait for a decision, and are left out until then

    def __str__(self) -> str:
        return f"{len(self.corrections)} are decided, {self.excluded} excluded, {self.undecided} wait for a decision"


def read_decisions(folder: Path) -> Decisions:
    """Read the decisions on the conflicts of an exported review, and check the photographs that they are of.

    Raises:
        DataError: as for :func:`read_conflicts`, or the photograph of a decision is missing, or another one.
    """
    conflicts = read_conflicts(folder)
    corrections, faults = [], []
    for conflict in conflicts:
        if conflict.decision not in ("real", "fake"):
            continue
        try:
            data = images.read(folder / conflict.path)
            images.decode(data, conflict.path)
        except ImageError as error:
            faults.append(f"{conflict.name}: {error}")
            continue
        digest, label = hashlib.sha256(data).hexdigest(), FAKE if conflict.decision == "fake" else REAL
        if digest != conflict.sha256:
            faults.append(f"{conflict.name}: {conflict.path} is another photograph than people labelled")
            continue
        person = f"{conflict.decided_by} (decision)"
        corrections.append(Correction(folder / conflict.path, label, "", digest, reviewers=person))
    if faults:
        raise DataError("\n  ".join([f"{folder / NAME}: decisions that cannot be used:", *faults]))
    decisions = [conflict.decision for conflict in conflicts]
    return Decisions(corrections, decisions.count("exclude"), decisions.count(""))
