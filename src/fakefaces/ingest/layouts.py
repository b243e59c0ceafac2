"""The photographs of a folder as people have them: which are real, which are fake, and in which split.

What is unambiguous is taken, and said; for the rest an error names the option that tells.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.data.faces import FAKE, REAL
from fakefaces.data.photographs import is_litter, is_photograph
from fakefaces.ingest.archives import MAX_FILE_BYTES

_REAL = frozenset(
    [
        "real",
        "reals",
        "original",
        "originals",
        "authentic",
        "genuine",
        "pristine",
        "untampered",
        "unaltered",
        "bonafide",
        "bona_fide",
    ]
)
_FAKE = frozenset(
    [
        "fake",
        "fakes",
        "manipulated",
        "forged",
        "tampered",
        "edited",
        "altered",
        "synthetic",
        "deepfake",
        "deepfakes",
        "generated",
        "ai_generated",
        "ai-generated",
        "spliced",
        "forgery",
        "forgeries",
    ]
)
_SPLITS = {
    "train": "train", "training": "train", "valid": "validation", "validation": "validation", "val": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip
_MASKS = frozenset(["mask", "masks", "gt", "groundtruth", "ground_truth", "annotations", "labels", "segmentation"])
_MASK_NAME = re.compile(r"(?P<stem>.+)[_-](mask|gt|edgemask)", re.IGNORECASE)
_LITTER = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "__pycache__"}
_MAX_FOLDERS = 10  # that a message names
TELL = "Say which they are: --real DIR --fake DIR"


@dataclass(frozen=True)
class Photograph:
    """A labelled file."""

    path: Path
    label: int  # 0 real, 1 fake
    split: str = ""  # train, validation or test, where its folder or its table says so


@dataclass
class Layout:
    """What a source holds."""

    photographs: list[Photograph]
    notes: list[str] = field(default_factory=list)  # what was understood, and what was not taken
    masks: dict[Path, Path] = field(default_factory=dict)  # of a fake, the mask in masks/ beside its class folder
    manifest: Path | None = None  # manifest.csv of a drawn set

    def summary(self) -> str:
        """The numbers of both classes."""
        fakes = sum(photograph.label == FAKE for photograph in self.photographs)
        return f"{len(self.photographs) - fakes} real and {fakes} fake images"


def class_of(name: str) -> int | None:
    """The label that the name of a folder, or a word of a table, says; None where it says none.

    >>> class_of("training_fake"), class_of("0_real"), class_of("faces")
    (1, 0, None)
    """
    word = re.sub(r"^\d+[\s._-]+", "", name.strip().lower())
    word = re.sub(r"^(training|train|test|testing|valid|validation|val)[\s._-]+", "", word)
    word = re.sub(r"[\s._-]+(faces?|images?|imgs?|photos?|pictures?|frames?|sequences|samples?|data|\d+)$", "", word)
    return REAL if word in _REAL else FAKE if word in _FAKE else None


def split_of(name: str) -> str:
    """The split that a folder's name, or a word of a table, says; "" of others."""
    return _SPLITS.get(name.strip().lower(), "")


def read_folder(root: Path) -> Layout:
    """Label the photographs of a folder by the folders that they lie in.

    Raises:
        DataError: no such folder, no photograph, only one class, or a photograph in folders of both.
    """
    if not root.is_dir():
        raise DataError(f"{shown(root)}: there is no such folder")
    walk = _Walk(root)
    photographs, unlabelled, masks = list[Photograph](), Counter[str](), list[Path]()
    words: dict[int, set[str]] = {REAL: set(), FAKE: set()}
    for path in walk:
        folders = path.relative_to(root).parts[:-1]
        labels = {class_of(name): name for name in folders if class_of(name) is not None}
        if _is_mask(path, folders):
            masks.append(path)
        elif len(labels) > 1:
            raise DataError(f"{shown(path)}: it lies in a folder of real and in one of fake images. {TELL}")
        elif labels:
            ((label, name),) = labels.items()
            assert label is not None
            words[label].add(name)
            split = next((split_of(name) for name in reversed(folders) if split_of(name)), "")
            photographs.append(Photograph(path, label, split))
        else:
            unlabelled["/".join(folders[:3]) or "."] += 1
    others = ", ".join(f"{shown(name)}/ ({count})" for name, count in unlabelled.most_common(_MAX_FOLDERS))
    for label, name in ((REAL, "real"), (FAKE, "fake")):
        if not words[label]:
            found = f"; folders with images: {others}" if others else ""
            word = "no image in it" if not photographs and not others else f"no folder of {name} images is recognized"
            raise DataError(
                f"{shown(root)}: {word}; both classes are needed{found}. Known names are real/ and fake/, "
                f"training_real/ and training_fake/, original/ and manipulated/ and the like, at any depth. {TELL}"
            )
    layout = Layout(photographs, [f"real: {_names(words[REAL])}; fake: {_names(words[FAKE])}"])
    if others:
        layout.notes.append(f"not taken, as they lie in no class folder: {others}. {TELL}")
    _add_masks(layout, masks)
    _add_splits(layout)
    layout.notes += walk.notes
    manifest = root / "manifest.csv"
    layout.manifest = manifest if manifest.is_file() else None
    return layout


def read_class_folders(root: Path | None, reals: Sequence[str], fakes: Sequence[str]) -> Layout:
    """Label the photographs of folders that a person named, below ``root`` or anywhere.

    Raises:
        DataError: no such folder, none with an image, or a folder within another one.
    """
    layout, folders = Layout([]), list[Path]()
    for names, label, option in ((reals, REAL, "--real"), (fakes, FAKE, "--fake")):
        if not names:
            raise DataError(f"{option} DIR is missing: both classes are needed")
        for name in names:
            inner = root / name if root else None
            folder = inner if inner and inner.is_dir() else Path(name).expanduser()
            if not folder.is_dir():
                raise DataError(
                    f"{option} {shown(name)}: there is no such folder" + (f" in {shown(root)}" if root else "")
                )
            folder = folder.resolve()
            if clash := [other for other in folders if folder.is_relative_to(other) or other.is_relative_to(folder)]:
                raise DataError(f"{option} {shown(name)}: it is {shown(clash[0])}, or one of them lies in the other")
            folders.append(folder)
            walk = _Walk(folder)
            found = []
            for path in walk:
                parts = path.relative_to(folder).parts[:-1]
                split = next((split_of(part) for part in reversed((folder.name, *parts)) if split_of(part)), "")
                found.append(Photograph(path, label, split))
            if not found:
                raise DataError(f"{option} {shown(name)}: no image in it; both classes are needed")
            layout.photographs += found
            layout.notes += walk.notes
    _add_splits(layout)
    return layout


class _Walk:
    """The files of a folder that look like images; what else there is stands in ``notes`` afterwards.

    A link to a folder is followed if it lies directly in the folder, or if its name is that of a class or a split;
    none is followed in a circle.
    """

    def __init__(self, root: Path):
        self.root = root
        self.notes: list[str] = []
        self._others: list[str] = []
        self._links: list[str] = []
        self._large: list[str] = []

    def __iter__(self) -> Iterator[Path]:
        yield from self._folder(self.root, (self.root.resolve(),))
        if self._others:
            self.notes.append(f"not images, not taken: {_some(self._others)}")
        if self._large:
            self.notes.append(f"of more than {MAX_FILE_BYTES:,} bytes, not taken: {_some(self._large)}")
        if self._links:
            self.notes.append(f"links not followed: {_some(self._links)}")

    def _folder(self, folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        for name in sorted(os.listdir(folder)):  # noqa: PTH208, a name may be no text
            path = folder / name
            if is_litter(name) or name.lower() in _LITTER:
                continue
            relative = path.relative_to(self.root).as_posix()
            if path.is_dir():
                inner = path.resolve()
                named = folder == self.root or class_of(name) is not None or split_of(name)
                if inner in above or (path.is_symlink() and not named):
                    self._links.append(relative)
                else:
                    yield from self._folder(path, (*above, inner))
            elif is_photograph(path) and path.stat().st_size > MAX_FILE_BYTES:
                self._large.append(relative)
            elif is_photograph(path):
                yield path
            elif path.is_symlink() and not path.exists():
                self._links.append(relative)
            elif relative != "manifest.csv":
                self._others.append(relative)


def _is_mask(path: Path, folders: Sequence[str]) -> bool:
    """Whether an image is a mask: in a folder of masks, or ``x_mask.png`` beside ``x.jpg``."""
    if any(name.lower() in _MASKS for name in folders):
        return True
    match = _MASK_NAME.fullmatch(path.stem)
    return bool(match) and any(
        is_photograph(other) for other in path.parent.glob(f"{_literal(match['stem'] if match else '')}.*")
    )


def _literal(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


def _add_masks(layout: Layout, masks: list[Path]) -> None:
    """Keep the masks that lie as the sample's do; the others are named."""
    by_name = {(path.parent, path.stem): path for path in masks if path.suffix.lower() == ".png"}
    for photograph in layout.photographs:
        folder = photograph.path.parent.parent / "masks"
        if photograph.label == FAKE and (mask := by_name.get((folder, photograph.path.stem))):
            layout.masks[photograph.path] = mask
    if layout.masks:
        layout.notes.append(f"{len(layout.masks)} masks of forgeries, in masks/")
    kept = set(layout.masks.values())
    if others := [str(path) for path in masks if path not in kept]:
        layout.notes.append(f"masks, not taken: {_some(others)}")


def _add_splits(layout: Layout) -> None:
    counts = Counter(photograph.split for photograph in layout.photographs if photograph.split)
    if counts:
        named = ", ".join(f"{counts[name]} {name}" for name in ("train", "validation", "test") if counts[name])
        layout.notes.append(f"the folders name splits: {named}")


def _names(names: set[str]) -> str:
    return ", ".join(f"{shown(name)}/" for name in sorted(names))


def _some(names: list[str]) -> str:
    more = len(names) - _MAX_FOLDERS
    return ", ".join(map(shown, names[:_MAX_FOLDERS])) + (f" and {more} more" if more > 0 else "")
