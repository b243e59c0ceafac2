"""A set of photographs under construction: identified by content, under names that are unique."""

import hashlib
import os
import shutil
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.data.faces import FAKE, REAL
from fakefaces.data.photographs import list_photographs


class Collection:
    """Photographs in the two class folders of a folder; equal contents are one photograph.

    A photograph whose name is taken by another content, in any case, lies in a folder named by the first eight digits
    of its sha256, so that what a fake's name says is still read. Names that tables, DVC or other systems cannot hold
    (control characters, no UTF-8, over 200 bytes) become the first sixteen digits.
    """

    def __init__(self, root: Path):
        self.root = root
        self.copies = 0  # photographs that were there already, with the same label
        self.renamed = 0  # photographs whose name was taken, or is not plain
        self._folders = {REAL: root / "training_real", FAKE: root / "training_fake"}
        self._present: dict[str, Path] = {}  # by sha256
        self._taken: set[str] = set()

    @classmethod
    def of(cls, data: Path, root: Path) -> "Collection":
        """Begin with the photographs of ``data``, or with none where that folder is missing.

        ``root`` must not exist; files are linked where that is possible, so ``data`` must be ours.
        """
        collection = cls(root)
        if not data.is_dir():
            return collection
        shutil.copytree(data, root, copy_function=_link_or_copy)
        faces = list_photographs(root)
        for label in (REAL, FAKE):
            first = str(faces.loc[faces["label"] == label, "image"].iloc[0])
            names = {"training_real", "training_fake", "real", "fake"}
            depth = next(k for k, part in enumerate(Path(first).parts) if part.lower() in names)
            collection._folders[label] = root.joinpath(*Path(first).parts[: depth + 1])
        for image in faces["image"]:
            collection._present.setdefault(sha256(root / image), root / image)
        collection._taken = {path.relative_to(root).as_posix().lower() for path in root.rglob("*") if path.is_file()}
        return collection

    def __contains__(self, digest: str) -> bool:
        return digest in self._present

    def label(self, digest: str) -> int | None:
        """The label of a content; None where it is not there."""
        path = self._present.get(digest)
        return None if path is None else FAKE if path.is_relative_to(self._folders[FAKE]) else REAL

    def add(self, path: Path, label: int) -> Path | None:
        """Copy a photograph; returns where it lies, None where its content is there already.

        Raises:
            DataError: its content is there with the other label.
        """
        digest = sha256(path)
        known = self.label(digest)
        if known is None:
            return self.put(path, label, digest)
        if known != label:
            other = self._present[digest].relative_to(self.root)
            names = ("real", "fake")
            raise DataError(
                f"{shown(path)}: the same image as {shown(other)}, but that one is {names[known]} and this one "
                f"{names[label]}; remove one, or import a CSV with the columns path and label that says which it is"
            )
        self.copies += 1
        return None

    def put(self, path: Path, label: int, digest: str) -> Path:
        """Copy a photograph, or move it to the folder of its label if its content is there already."""
        old, folder = self._present.get(digest), self._folders[label]
        if old is not None and old.is_relative_to(folder):
            return old
        target = self._free(folder, (old or path).name, digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        if old is None:
            shutil.copyfile(path, target)
        else:
            old.rename(target)
        self._present[digest] = target
        return target

    def _free(self, folder: Path, name: str, digest: str) -> Path:
        plain = _is_plain(name)
        self.renamed += not plain
        name = name if plain else digest[:16] + "".join(filter(_is_plain, Path(name).suffix[:10]))
        target, length = folder / name, 8
        while target.relative_to(self.root).as_posix().lower() in self._taken:
            target = folder / digest[:length] / name
            self.renamed += length == 8
            length += 8
        self._taken.add(target.relative_to(self.root).as_posix().lower())
        return target


def _is_plain(name: str) -> bool:
    return name.isprintable() and "\\" not in name and len(name.encode(errors="replace")) <= 200


def sha256(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link_or_copy(source: str, target: str) -> None:
    """Hard link a file, so that a large set takes no space twice, or copy it where links are impossible."""
    try:
        os.link(Path(source).resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
