"""What lies in ``data/`` and DVC cannot keep: it would wait for a pipe forever, fail, or pass over it in silence."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown

_MAX_NAMED = 10  # that a message names


def special_files(folder: Path) -> list[tuple[Path, str]]:
    """The entries of a folder that DVC cannot keep, each with the reason, sorted by path."""
    return sorted(_special_files(folder)) if folder.is_dir() else []


def require_regular_files(root: Path) -> None:
    """Refuse links to folders, links to nothing, pipes, devices, and names that are not UTF-8 in ``data/``.

    Raises:
        DataError: with the names of the first ten.
    """
    if special := special_files(root / "data"):
        lines = [f"{shown(path.relative_to(root))}: {reason}" for path, reason in special[:_MAX_NAMED]]
        more = [f"and {len(special) - _MAX_NAMED} more"] if len(special) > _MAX_NAMED else []
        raise DataError(
            "data/ holds what DVC cannot keep:\n  " + "\n  ".join(lines + more) + "\nNothing was deleted. Move it "
            "elsewhere, or all that was changed to data.aside/: fakefaces data --restore; import a folder that lies "
            "elsewhere with: fakefaces data FOLDER --add"
        )


def _special_files(folder: Path) -> Iterator[tuple[Path, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if reason := _reason(path):
                yield path, reason
            elif entry.is_dir(follow_symlinks=False):
                yield from _special_files(path)


def _reason(path: Path) -> str:
    """Why DVC cannot keep a file or folder; empty where it can."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return "a name that is not UTF-8"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"a link that leads nowhere ({error.strerror})" if path.is_symlink() else str(error.strerror)
    if stat.S_ISDIR(mode):
        return "a link to a folder" if path.is_symlink() else ""
    return "" if stat.S_ISREG(mode) else "no regular file"
