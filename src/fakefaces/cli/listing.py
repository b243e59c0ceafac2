"""The image files that a command's arguments name: by their content, whatever their names are."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.base.progress import echo
from fakefaces.data.formats import HEAD, SUFFIXES, sniff

_EXAMPLES = 5  # names that a message about what was passed over has
_OTHER = "no images by content or name"
_HIDDEN = "hidden"
_SPECIAL = "not regular files"
_LINKED = "links out of the folder, which --follow-links takes in"
_CIRCLE = "links to a folder that they lie in"


def image_files(paths: list[Path], *, follow_links: bool = False) -> list[Path]:
    """Expand folders to the images in them, at any depth, and say what was passed over.

    An image is what starts as one, or is called like one, so that what is wrong with it is said. A link that is named,
    or lies directly in a named folder, is followed; of those further below only what leads to a place in the folder.

    Args:
        paths: files and folders; a file is taken whatever it is.
        follow_links: follow links further below that lead out of the folder, too.

    Raises:
        DataError: no image in a folder, a folder that cannot be listed, or a missing path.
    """
    if missing := [str(path) for path in paths if not (path.exists() or path.is_symlink())]:
        raise DataError(f"{', '.join(missing)}: there is no such file or folder")
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            listing = _Listing(path.resolve(), follow_links)
            images = list(listing.walk(path, (), direct=True))
            listing.report(path)
            if not images:
                raise DataError(f"{shown(path)}: no image in this folder ({', '.join(SUFFIXES)})")
            files += images
        elif path.exists() or path.is_symlink():
            files.append(path)
        else:
            raise DataError(f"{shown(path)}: there is no such file or folder")
    return files


@dataclass
class _Listing:
    """One named folder while it is listed."""

    root: Path
    follow_links: bool
    passed_over: dict[str, list[str]] = field(default_factory=dict)  # names by reason

    def walk(self, folder: Path, above: tuple[tuple[int, int], ...], *, direct: bool) -> Iterator[Path]:
        """Yield the images of a folder and of those below it; ``above`` identifies the folders that lead to it."""
        try:
            status = folder.stat()
            entries = sorted(folder.iterdir())
        except OSError as error:
            reason = error.strerror or error
            what = f"{shown(folder)}: the folder cannot be listed ({reason})"
            raise DataError(f"{what}; allow it or leave it out") from None
        here = (status.st_dev, status.st_ino)
        for path in entries:
            if path.name.startswith("."):
                self._pass_over(_HIDDEN, path)
            elif path.is_symlink() and not (direct or self._may_follow(path)):
                self._pass_over(_LINKED, path)
            elif path.is_dir():
                if _identity(path) in (*above, here):
                    self._pass_over(_CIRCLE, path)
                else:
                    yield from self.walk(path, (*above, here), direct=False)
            elif (
                path.suffix.lower() in SUFFIXES or not path.exists()
            ):  # what is wrong with it is for the decoder to say
                yield path
            elif not path.is_file():
                self._pass_over(_SPECIAL, path)
            elif _starts_as_image(path):
                yield path
            else:
                self._pass_over(_OTHER, path)

    def report(self, folder: Path) -> None:
        """Say what was passed over, and why."""
        for reason, names in self.passed_over.items():
            more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
            echo(f"{shown(folder)}: not scored, as {reason}: {', '.join(names[:_EXAMPLES])}{more}")

    def _may_follow(self, link: Path) -> bool:
        return self.follow_links or link.resolve().is_relative_to(self.root)

    def _pass_over(self, reason: str, path: Path) -> None:
        self.passed_over.setdefault(reason, []).append(shown(path.name))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _starts_as_image(path: Path) -> bool:
    """Whether a file's first bytes are an image's; so for one that cannot be read, which the decoder will say."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return True
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return regular and bool(sniff(file.read(HEAD) or b""))
        except OSError:
            return True
