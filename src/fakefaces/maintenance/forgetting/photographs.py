"""What is forgotten: photographs by their content, with the names that they have or had, and their masks."""

import csv
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fakefaces.base.errors import DataError
from fakefaces.base.files import read_json, write_json

_DIGEST = re.compile(r"[0-9a-f]{64}")
# Below the project's folder, where photographs may lie as files.
_PLACES = ("data", "samples", "data.aside", "reviews", ".unfinished")
_JOURNAL = ".unfinished/forget.json"


@dataclass(frozen=True)
class Photograph:
    """One photograph, by its content."""

    sha256: str
    md5: str  # by which DVC knows it
    blob: str  # by which git knows it
    names: tuple[str, ...]  # below data/, with /; sorted
    masks: tuple[tuple[str, str], ...]  # names and md5 of the masks of what was forged in it

    @property
    def md5s(self) -> frozenset[str]:
        """Of the photograph and its masks."""
        return frozenset({self.md5, *(md5 for _, md5 in self.masks)})


class Marks:
    """What gives photographs away in the text of tables, pages and listings."""

    def __init__(self, photographs: Sequence[Photograph]):
        self.photographs = photographs
        names = [name for p in photographs for name in (*p.names, *(mask for mask, _ in p.masks))]
        self.cells = frozenset([*names, *(d for p in photographs for d in (p.sha256, *p.md5s))])
        self._text = _pattern([*self.cells, *(name.replace("/", "\\/") for name in names)])
        self._page = _pattern([*self.cells, *(Path(name).name for name in names)])
        self._stems = {Path(name).stem for p in photographs for name in p.names} | {p.sha256[:12] for p in photographs}

    def in_text(self, data: bytes) -> bool:
        """Whether a name below ``data/``, or a digest, stands in a text."""
        return self._text.search(data) is not None

    def in_page(self, data: bytes) -> bool:
        """Whether a page of ours names one, as pages leave out the folder."""
        return self._page.search(data) is not None

    def in_row(self, cells: Iterable[str]) -> bool:
        """Whether a row of a table is one's: a cell is its name or its digest, or begins with the digest's digits."""
        for cell in cells:
            name = cell.removeprefix("images/")
            if cell in self.cells or any(name.startswith(f"{p.sha256[:12]}_") for p in self.photographs):
                return True
        return False

    def in_name(self, path: Path) -> bool:
        """Whether a file that was made of one photograph has the name of it."""
        return any(re.search(rf"(?<!\w){re.escape(stem)}(?![A-Za-z0-9-])", path.stem) for stem in self._stems)


def find(root: Path, named: Sequence[str], listings: Mapping[str, Mapping[str, str]]) -> list[Photograph]:
    """The photographs that a person names, and those that an interrupted forgetting was about.

    Args:
        root: the project's folder.
        named: paths, or sha256.
        listings: of every state of ``data/`` that DVC's cache knows, by their digests: md5 by path.

    Raises:
        DataError: there is no such file, or no file with this content.
    """
    earlier = {p.sha256: p for p in _journal(root)}
    wanted: dict[str, bytes | None] = {}
    for name in named:
        path = Path(name)
        if path.is_file():
            data = path.read_bytes()
            wanted[hashlib.sha256(data).hexdigest()] = data
        elif _DIGEST.fullmatch(name):
            wanted.setdefault(name)
        elif not any(name.removeprefix("data/") in p.names for p in earlier.values()):
            raise DataError(f"{name}: no such file, and no sha256 of 64 digits; name a photograph by one of them")
    for path in _files(root) if any(d is None and k not in earlier for k, d in wanted.items()) else ():
        data = path.read_bytes()
        if wanted.get(digest := hashlib.sha256(data).hexdigest(), b"") is None:
            wanted[digest] = data
    missing = [digest for digest, data in wanted.items() if data is None and digest not in earlier]
    if missing:
        raise DataError(
            f"{missing[0]}: no photograph of this project has this sha256, in {', '.join(_PLACES)}; nothing was removed"
        )
    known = [_known(root, data, listings) for data in wanted.values() if data is not None]
    return [*(p for p in earlier.values() if p.sha256 not in {k.sha256 for k in known}), *known]


def begin(root: Path, photographs: Sequence[Photograph], states: Collection[str]) -> None:
    """Note what is forgotten, and the states of ``data/`` that held it: after a kill it goes on without the files."""
    write_json(root / _JOURNAL, {"photographs": [asdict(p) for p in photographs], "states": sorted(states)})


def end(root: Path) -> None:
    """Remove the note."""
    (root / _JOURNAL).unlink(missing_ok=True)


def is_unfinished(root: Path) -> bool:
    """Whether a forgetting was interrupted."""
    return (root / _JOURNAL).is_file()


def interrupted_states(root: Path) -> set[str]:
    """The states of ``data/`` that an interrupted forgetting was about."""
    try:
        return set(read_json(root / _JOURNAL)["states"])
    except (OSError, ValueError, LookupError, TypeError):
        return set()


def _journal(root: Path) -> list[Photograph]:
    try:
        entries: list[dict[str, Any]] = read_json(root / _JOURNAL)["photographs"]
        return [
            Photograph(**e | {"names": tuple(e["names"]), "masks": tuple((n, m) for n, m in e["masks"])})
            for e in entries
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _known(root: Path, data: bytes, listings: Mapping[str, Mapping[str, str]]) -> Photograph:
    md5 = _md5(data)
    names = {name for listing in listings.values() for name, other in listing.items() if other == md5}
    for folder in (root / "data", root / "samples"):
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
                names.add(path.relative_to(folder).as_posix())
    masks = set()
    for folder in (root / "data", root / "samples"):
        for name in _masks_of(folder / "manifest.csv", names):
            digests = {listing[name] for listing in listings.values() if name in listing}
            digests |= {_md5((folder / name).read_bytes())} if (folder / name).is_file() else set()
            masks |= {(name, digest) for digest in digests}
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return Photograph(hashlib.sha256(data).hexdigest(), md5, blob, tuple(sorted(names)), tuple(sorted(masks)))


def _masks_of(manifest: Path, names: Iterable[str]) -> set[str]:
    """The masks that the table of the drawn faces names."""
    wanted = set(names)
    try:
        with manifest.open(encoding="utf-8", newline="") as file:
            return {row["mask"] for row in csv.DictReader(file) if row.get("image") in wanted and row.get("mask")}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def _files(root: Path) -> Iterable[Path]:
    for place in _PLACES:
        yield from (path for path in (root / place).rglob("*") if path.is_file() and not path.is_symlink())


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _pattern(words: Iterable[str]) -> re.Pattern[bytes]:
    listed = b"|".join(re.escape(word.encode()) for word in sorted(set(words), key=len, reverse=True))
    return re.compile(rb"(?<![\w.-])(?:" + listed + rb")(?![\w-])")
