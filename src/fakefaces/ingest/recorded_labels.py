"""``corrections.csv``: the labels and attributes that tables gave, for git, so that a clone makes the same ``data/``.

A table of labelled images names files of one machine. What was made of it is recorded here by content, beside
``data.dvc``: a clone that has the sample but no cache of DVC's applies the record to it.
"""

import csv
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write
from fakefaces.data.attributes import Attributes, is_plain_name, is_plain_value
from fakefaces.data.faces import FAKE, REAL
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest.attributes import ATTRIBUTION
from fakefaces.ingest.collection import sha256
from fakefaces.ingest.corrections import Correction, merge_corrections

# The name is for people; further columns are attributes.
_COLUMNS = ("sha256", "label", "image", *ATTRIBUTION)
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
    attributes: Attributes = field(default_factory=dict)


def record_file(root: Path) -> Path:
    """The record in a project's folder."""
    return root / "corrections.csv"


def record_labels(root: Path, corrections: Iterable[Correction]) -> Path:
    """Add labels and attributes to the record, which keeps one row for each content; returns the file.

    Raises:
        DataError: the record that is there cannot be read.
    """
    rows = recorded_labels(root)
    for given in corrections:
        earlier = rows[given.sha256].attributes if given.sha256 in rows else {}
        said = (given.reviewers, given.at, given.sure)
        rows[given.sha256] = Recorded(given.label, given.path.name, *said, earlier | given.attributes)
    names = {label: name for name, label in _LABELS.items()}
    further = sorted({name for row in rows.values() for name in row.attributes})
    with atomic_write(record_file(root)) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_COLUMNS, *further])
        for digest, row in sorted(rows.items()):
            own = (digest, names[row.label], row.image, row.reviewers, row.at, row.sure)
            writer.writerow([*own, *(row.attributes.get(name, "") for name in further)])
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
    present = {sha256(photographs / image): photographs / image for image in list_photographs(photographs)["image"]}
    if not rows.keys() <= present.keys():
        return None
    copy = folder.with_name(f"{folder.name}.uncorrected")
    shutil.rmtree(copy, ignore_errors=True)
    try:
        shutil.copytree(photographs, copy)  # a collection links the files that it begins with
        labels = [
            Correction(present[digest], row.label, "", digest, attributes=row.attributes)
            for digest, row in sorted(rows.items())
        ]
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
                attributes = {str(k): v for k, v in row.items() if k not in _COLUMNS and isinstance(v, str) and v}
                plain = all(is_plain_name(name) and is_plain_value(value) for name, value in attributes.items())
                if not _DIGEST.fullmatch(digest) or label not in _LABELS or not plain:
                    raise DataError(
                        f"corrections.csv: line {number}: not a sha256 with the label real or fake, and attributes of "
                        "one line; restore the file with: git checkout corrections.csv"
                    )
                image, reviewers, at, sure = (row.get(name) or "" for name in _COLUMNS[2:])
                rows[digest] = Recorded(_LABELS[label], image, reviewers, at, sure, attributes)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"corrections.csv: cannot be read ({error}); restore it: git checkout corrections.csv"
        ) from None
    return rows
