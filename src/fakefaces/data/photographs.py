"""The photographs of a data folder, with labels from their folders and names."""

import hashlib
import re
from pathlib import Path

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.data import formats
from fakefaces.data.faces import FAKE, PARTS, REAL, parts_of

COLUMNS = ("image", "label", "difficulty", *PARTS)

_REAL_FOLDERS = ("training_real", "real")
_FAKE_FOLDERS = ("training_fake", "fake")
_IGNORED_NAMES = {"thumbs.db", "desktop.ini"}  # written by file managers
_EXAMPLES = 5  # names that a message has
_EXPECTED_LAYOUT = (
    "expected the folders training_real/ and training_fake/ (as CIPLAB's) or real/ and fake/ in it, "
    "at any depth. Import photographs with: fakefaces data FOLDER"
)


def list_photographs(root: Path) -> pd.DataFrame:
    """List the photographs under ``root`` with their labels, sorted by ``image``.

    The folders ``training_real`` and ``training_fake``, or ``real`` and ``fake`` in any case, may lie at any depth; of
    several pairs the shallowest is taken, if it holds the contents of all the others (the Kaggle archive unpacks to
    the same set twice). Files that are no images, by suffix and by content, are left out.

    Returns:
        A row a photograph: ``image``, the path below ``root`` with ``/``; ``label``, 0 real, 1 fake; ``difficulty``,
        ``easy``, ``mid`` or ``hard``, empty for reals and where the name does not follow CIPLAB's convention; and for
        each of :data:`fakefaces.data.faces.PARTS` (``Int64``) 1 where it was replaced, 0 where not, missing where a
        fake's name does not tell.

    Raises:
        DataError: no such folders, one class empty, two different sets in one folder, or names that are not UTF-8.
    """
    if not root.is_dir():
        raise DataError(f"{shown(root)}: there is no such folder; {_EXPECTED_LAYOUT}")
    reals, fakes = _class_folders(root)
    rows = [_row(path, root, REAL) for path in _files(reals)] + [_row(path, root, FAKE) for path in _files(fakes)]
    for folder, label in ((reals, REAL), (fakes, FAKE)):
        if not any(row[1] == label for row in rows):
            raise DataError(f"{shown(folder)}: no photograph in it; both classes are needed; {_EXPECTED_LAYOUT}")
    _require_unicode([str(row[0]) for row in rows], root)
    faces = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("image", ignore_index=True)
    return faces.astype(dict.fromkeys(PARTS, "Int64"))


def other_files(root: Path) -> list[str]:
    """The files beside the photographs in the folders of the two classes, by their paths below ``root``, sorted."""
    return sorted(
        path.relative_to(root).as_posix()
        for folder in _class_folders(root)
        for path in folder.rglob("*")
        if path.is_file() and not is_litter(path.name) and not is_photograph(path)
    )


def is_photograph(path: Path) -> bool:
    """Whether a regular file has an image's suffix, or begins as an image does; it may be broken all the same."""
    if not path.is_file():
        return False
    if path.suffix.lower() in formats.SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return bool(formats.sniff(file.read(formats.HEAD)))
    except OSError:
        return False


def is_litter(name: str) -> bool:
    """Whether file managers and archivers write files or folders of this name."""
    return name.startswith(".") or name.lower() in _IGNORED_NAMES


def _class_folders(root: Path) -> tuple[Path, Path]:
    folders = [root, *sorted(path for path in root.rglob("*") if path.is_dir())]
    pairs = []
    for parent in sorted(folders, key=lambda path: (len(path.parts), path.as_posix())):
        inner = {path.name.lower(): path for path in sorted(parent.iterdir(), reverse=True) if path.is_dir()}
        for real, fake in zip(_REAL_FOLDERS, _FAKE_FOLDERS, strict=True):
            if real in inner and fake in inner:
                pairs.append((inner[real], inner[fake]))
            elif real in inner or fake in inner:
                missing = parent / (fake if real in inner else real)
                raise DataError(f"{shown(missing)}: this folder is missing, so one class is absent; {_EXPECTED_LAYOUT}")
    if not pairs:
        raise DataError(f"{shown(root)}: no photographs found; {_EXPECTED_LAYOUT}")
    first, *others = pairs
    for other in others:
        for ours, theirs in zip(first, other, strict=True):
            extra = _contents(theirs) - _contents(ours)
            if extra:
                sets = f"{shown(ours.parent)} and {shown(theirs.parent)} ({len(extra)} photographs only in the second)"
                raise DataError(
                    f"{shown(root)}: two sets of photographs, {sets}; keep one, or import the folder, which takes "
                    "both: fakefaces data FOLDER"
                )
    return first


def _require_unicode(names: list[str], root: Path) -> None:
    """Refuse names that no table can hold: the file system gives bytes that are no UTF-8 as surrogates."""
    other = [name for name in names if not name.isascii() and re.search("[\ud800-\udfff]", name)]
    if other:
        named = ", ".join(shown(name) for name in other[:_EXAMPLES])
        more = f" and {len(other) - _EXAMPLES} more" if len(other) > _EXAMPLES else ""
        raise DataError(f"{shown(root)}: names that are not UTF-8: {named}{more}; rename these files")


def _contents(folder: Path) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(folder)}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not is_litter(path.name) and is_photograph(path))


def _row(path: Path, root: Path, label: int) -> tuple[object, ...]:
    difficulty, parts = parts_of(path.name) if label == FAKE else ("", (0,) * len(PARTS))
    return (path.relative_to(root).as_posix(), label, difficulty, *parts)
