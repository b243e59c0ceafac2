"""Corrected labels: the CSV that the review page exports, and the set of photographs with its labels applied."""

import csv
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fakefaces.base.errors import DataError, ImageError
from fakefaces.base.files import atomic_write
from fakefaces.data import images
from fakefaces.data.faces import FAKE, REAL
from fakefaces.data.photographs import find_faces

COLUMNS = ("path", "label")  # required; other columns are ignored
_LABELS = {"real": REAL, "fake": FAKE}


@dataclass(frozen=True)
class Correction:
    """An image with the label that a person gave it."""

    path: Path
    label: int  # 0 real, 1 fake


def read_corrections(table: Path) -> list[Correction]:
    """Read the CSV and check every image that it names.

    Args:
        table: its columns are ``path`` (relative to its folder, or absolute) and ``label`` (``real`` or ``fake``).

    Raises:
        DataError: no such file, a missing column, an invalid label, an invalid image, an image with two labels, or
            no row; each fault with its line.
    """
    corrections, faults, labels = [], [], dict[str, int]()
    for line, row in read_rows(table):
        label = _LABELS.get(row["label"].strip().lower())
        path = table.parent / Path(row["path"])
        if label is None:
            faults.append(f"line {line}: label: '{row['label']}' is neither real nor fake")
            continue
        try:
            data = images.read(path)
            images.decode(data, str(path))
        except ImageError as error:
            faults.append(f"line {line}: {error}")
            continue
        if labels.setdefault(hashlib.sha256(data).hexdigest(), label) != label:
            faults.append(f"line {line}: {row['path']}: the same image is labelled real and fake")
        corrections.append(Correction(path, label))
    if faults:
        raise DataError("\n  ".join([f"{table}: nothing was imported:", *faults]))
    if not corrections:
        raise DataError(f"{table}: no row in it; the review page writes one for each labelled image")
    return corrections


def merge_corrections(corrections: Iterable[Correction], data: Path, folder: Path) -> Path:
    """Write a set of photographs: those of ``data``, and the corrected ones with their new labels.

    An image that is already in ``data``, which may be missing, moves to the folder of its new label; it is not
    duplicated. Replaces ``folder`` if it exists, and returns it.
    """
    with atomic_write(folder) as partial:
        folders = {REAL: "training_real", FAKE: "training_fake"}
        present: dict[str, Path] = {}
        if data.is_dir():
            shutil.copytree(data, partial, copy_function=_link_or_copy)
            faces = find_faces(partial)
            present = {_digest(partial / image): partial / image for image in faces["image"]}
            for label in folders:
                first = faces.loc[faces["label"] == label, "image"].iloc[0]
                folders[label] = Path(first).parent.as_posix()
        for correction in corrections:
            digest = _digest(correction.path)
            target = partial / folders[correction.label]
            target.mkdir(parents=True, exist_ok=True)
            old = present.get(digest)
            if old is not None and old.is_relative_to(target):
                continue
            name = (old or correction.path).name
            if (target / name).exists():
                name = f"{Path(name).stem}_{digest[:8]}{Path(name).suffix}"
            if old is None:
                shutil.copyfile(correction.path, target / name)
            else:
                old.rename(target / name)
            present[digest] = target / name
    return folder


def read_rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of the CSV with their line numbers; a DataError if it is no CSV or a column is missing."""
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = reader.fieldnames or ()
            for row in reader:
                rows.append((reader.line_num, {str(key): str(value) for key, value in row.items() if key}))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a CSV in UTF-8 ({error})") from None
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise DataError(f"{table}: no column {' and no column '.join(missing)}; path and label are required")
    return rows


def write_corrections(table: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the CSV: ``path``, ``label``, and the other keys of the rows."""
    rows = list(rows)
    names = [*COLUMNS, *sorted({key for row in rows for key in row} - set(COLUMNS))]
    with atomic_write(table) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _link_or_copy(source: str, target: str) -> None:
    """Hard link a file, so that a large set takes no space twice, or copy it where links are impossible."""
    try:
        os.link(Path(source).resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
