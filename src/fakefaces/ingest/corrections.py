"""Labels that a person gave: the CSV that the review page writes, and the set of photographs that it makes of data/."""

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
from fakefaces.data.faces import FAKE, REAL, find_faces

COLUMNS = ("path", "label")  # those that must be there; others are passed over
_LABELS = {"real": REAL, "fake": FAKE}


@dataclass(frozen=True)
class Correction:
    """One image with the label that a person gave it.

    Attributes:
        path: of the image.
        label: 0 real, 1 fake.
    """

    path: Path
    label: int


def read_corrections(table: Path) -> list[Correction]:
    """Read the CSV, and look at every image that it names.

    Args:
        table: with the columns ``path`` (from the CSV's own folder on, or absolute) and ``label`` (``real`` or
            ``fake``).

    Raises:
        DataError: no such file, a column is lacking, a label is neither, an image cannot be taken, comes twice
            with two labels, or there is none; each fault with its line.
    """
    found, faults, labels = [], [], dict[str, int]()
    for line, row in _numbered(table):
        label = _LABELS.get(row["label"].strip().lower())
        path = table.parent / Path(row["path"])
        if label is None:
            faults.append(f"line {line}: label: '{row['label']}' is neither real nor fake")
            continue
        try:
            digest = _looked_at(path)
        except ImageError as error:
            faults.append(f"line {line}: {error}")
            continue
        if labels.setdefault(digest, label) != label:
            faults.append(f"line {line}: {row['path']}: the same image is labelled real and fake")
        found.append(Correction(path, label))
    if faults:
        raise DataError("\n  ".join([f"{table}: nothing was taken:", *faults]))
    if not found:
        raise DataError(f"{table}: no row in it; the review page writes one for each image that was labelled")
    return found


def merged(corrections: Iterable[Correction], data: Path, folder: Path) -> Path:
    """A set of photographs: those of ``data``, and the corrected ones as their new labels say.

    An image that is in ``data`` already changes its folder where its label changes, and is not there twice.

    Args:
        corrections: of :func:`read_corrections`.
        data: the photographs as they are; it may be missing.
        folder: the set's, replaced if it is there.

    Returns:
        ``folder``.
    """
    with atomic_write(folder) as aside:
        places = {REAL: "training_real", FAKE: "training_fake"}
        known: dict[str, Path] = {}
        if data.is_dir():
            shutil.copytree(data, aside, copy_function=_linked)
            faces = find_faces(aside)
            known = {_digest(aside / image): aside / image for image in faces["image"]}
            for label in places:
                first = faces.loc[faces["label"] == label, "image"].iloc[0]
                places[label] = Path(first).parent.as_posix()
        for correction in corrections:
            digest = _digest(correction.path)
            target = aside / places[correction.label]
            target.mkdir(parents=True, exist_ok=True)
            present = known.get(digest)
            if present is not None and present.is_relative_to(target):
                continue
            name = (present or correction.path).name
            if (target / name).exists():
                name = f"{Path(name).stem}_{digest[:8]}{Path(name).suffix}"
            if present is None:
                shutil.copyfile(correction.path, target / name)
            else:
                present.rename(target / name)
            known[digest] = target / name
    return folder


def read_rows(table: Path) -> list[dict[str, str]]:
    """The rows of the CSV, unchecked but for its columns.

    Raises:
        DataError: it cannot be read, or a column is lacking.
    """
    return [row for _, row in _numbered(table)]


def _numbered(table: Path) -> list[tuple[int, dict[str, str]]]:
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, restval="")
            names = reader.fieldnames or ()
            for row in reader:
                rows.append((reader.line_num, {str(key): str(value) for key, value in row.items() if key}))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as a CSV in UTF-8 ({error})") from None
    lacking = [name for name in COLUMNS if name not in names]
    if lacking:
        raise DataError(f"{table}: the column {' and the column '.join(lacking)} is lacking; path,label are needed")
    return rows


def write_corrections(table: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the CSV: ``path``, ``label``, and what else the rows hold."""
    rows = list(rows)
    names = [*COLUMNS, *sorted({key for row in rows for key in row} - set(COLUMNS))]
    with atomic_write(table) as aside, aside.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _looked_at(path: Path) -> str:
    data = images.read(path)
    images.decode(data, str(path))
    return hashlib.sha256(data).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _linked(source: str, target: str) -> None:
    """A hard link where that can be, so that a large set is not kept twice; else a copy."""
    try:
        os.link(Path(source).resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
