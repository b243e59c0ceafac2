"""``corrections.csv``: the labels that people corrected, for git, so that a clone makes the same ``data/``.

A table of labelled images names files of one machine. What was made of it is recorded here by content, beside
``data.dvc``: a clone that has the sample but no cache of DVC's applies the record to it.
"""

import csv
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write
from fakefaces.data.faces import FAKE, REAL
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest.collection import sha256
from fakefaces.ingest.corrections import Correction, merge_corrections

_COLUMNS = ("sha256", "label", "image")  # the name is for people
_LABELS = {"real": REAL, "fake": FAKE}
_DIGEST = re.compile(r"[0-9a-f]{64}")


def record_file(root: Path) -> Path:
    """The record in a project's folder."""
    return root / "corrections.csv"


def record_labels(root: Path, corrections: Iterable[Correction]) -> Path:
    """Add labels to the record, which keeps one for each content; returns the file.

    Raises:
        DataError: the record that is there cannot be read.
    """
    rows = _read(root) | {row.sha256: (row.label, row.path.name) for row in corrections}
    names = {label: name for name, label in _LABELS.items()}
    with atomic_write(record_file(root)) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows((digest, names[label], image) for digest, (label, image) in sorted(rows.items()))
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
    rows = _read(root)
    if not rows:
        return None
    present = {sha256(photographs / image): photographs / image for image in list_photographs(photographs)["image"]}
    if not rows.keys() <= present.keys():
        return None
    copy = folder.with_name(f"{folder.name}.uncorrected")
    shutil.rmtree(copy, ignore_errors=True)
    try:
        shutil.copytree(photographs, copy)  # a collection links the files that it begins with
        labels = [Correction(present[digest], label, "", digest) for digest, (label, _) in sorted(rows.items())]
        return merge_corrections(labels, copy, folder)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _read(root: Path) -> dict[str, tuple[int, str]]:
    """Label and name by sha256; empty where there is no record."""
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
                rows[digest] = (_LABELS[label], row.get("image") or "")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"corrections.csv: cannot be read ({error}); restore it: git checkout corrections.csv"
        ) from None
    return rows
