"""``corrections.csv``: the labels that people corrected, for git, so that a clone makes the same ``data/``.

A table of labelled images names files of one machine. What was made of it is recorded here by content, beside
``data.dvc``: a clone that has the sample but no cache of DVC's applies the record to it.
"""

import csv
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write
from fakefaces.data.faces import FAKE, REAL
from fakefaces.data.photographs import find_faces
from fakefaces.ingest.collection import sha256
from fakefaces.ingest.corrections import Correction, merge_corrections

_COLUMNS = ("sha256", "label", "image", "reviewers", "at", "sure")  # the name is for people
_LABELS = {"real": REAL, "fake": FAKE}
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Recorded:
    """What is recorded of one content."""

    label: int  # 0 real, 1 fake
    image: str  # the name of the file that it was labelled in
    reviewers: str = ""  # who gave the label; "" where that is not known
    at: str = ""  # when, ISO 8601
    sure: str = ""  # yes or no


def record_file(root: Path) -> Path:
    """The record in a project's folder."""
    return root / "corrections.csv"


def record_labels(root: Path, corrections: Iterable[Correction]) -> Path:
    """Add labels to the record, which keeps one for each content; returns the file.

    Raises:
        DataError: the record that is there cannot be read.
    """
    rows = recorded_labels(root) | {
        row.sha256: Recorded(row.label, row.path.name, row.reviewers, row.at, row.sure) for row in corrections
    }
    names = {label: name for name, label in _LABELS.items()}
    with atomic_write(record_file(root)) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for digest, row in sorted(rows.items()):
            writer.writerow((digest, names[row.label], row.image, row.reviewers, row.at, row.sure))
    return record_file(root)


def forget_labels(root: Path) -> bool:
    """Remove the record, whose photographs were replaced; returns whether there was one."""
    there = record_file(root).is_file()
    record_file(root).unlink(missing_ok=True)
    return there


def corrected(root: Path, photographs: Path, folder: Path) -> Path | None:
    """Write ``folder``: the photographs with the recorded labels.

    Args:
        root: the project's folder.
        photographs: the folder of a set, which stays as it is.
        folder: of the corrected set; replaced if it exists.

    Returns:
        ``folder``; None where nothing is recorded, or for an image that is not among the photographs.

    Raises:
        DataError: the record cannot be read.
    """
    rows = recorded_labels(root)
    if not rows:
        return None
    present = {sha256(photographs / image): photographs / image for image in find_faces(photographs)["image"]}
    if not rows.keys() <= present.keys():
        return None
    copy = folder.with_name(f"{folder.name}.uncorrected")
    shutil.rmtree(copy, ignore_errors=True)
    try:
        shutil.copytree(photographs, copy)  # a collection links the files that it begins with
        labels = [Correction(present[digest], row.label, "", digest) for digest, row in sorted(rows.items())]
        return merge_corrections(labels, copy, folder)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def recorded_labels(root: Path) -> dict[str, Recorded]:
    """What is recorded, by sha256; empty where there is no record. One of an earlier release says nobody's name.

    Raises:
        DataError: it cannot be read.
    """
    path = record_file(root)
    if not path.exists():
        return {}
    rows = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file, restval=""), 2):
                digest, label = row.get("sha256") or "", row.get("label") or ""
                if not _DIGEST.fullmatch(digest) or label not in _LABELS:
                    raise DataError(
                        f"corrections.csv: line {number}: not a sha256 with the label real or fake; restore the file "
                        "with: git checkout corrections.csv"
                    )
                said = (row.get(name) or "" for name in _COLUMNS[2:])
                rows[digest] = Recorded(_LABELS[label], *said)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"corrections.csv: cannot be read ({error}); restore it: git checkout corrections.csv"
        ) from None
    return rows
