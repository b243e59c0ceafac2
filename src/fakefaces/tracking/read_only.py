"""Stores that may only be read: nothing is written beside them, and one that was moved is read from a private copy."""

import atexit
import shutil
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path

from fakefaces.base import environment, sqlite
from fakefaces.base.leftovers import temporary_folder
from fakefaces.tracking import artifact_paths

_SQLITE = "sqlite:///"
_FOLDERS = ExitStack()  # until this process ends
atexit.register(_FOLDERS.close)


def is_read_only(uri: str) -> bool:
    """Whether a store is a sqlite file that is there and may not be written, or not its folder."""
    path = Path(uri.removeprefix(_SQLITE))
    if not uri.startswith(_SQLITE) or not path.is_file():
        return False
    return not sqlite.may_be_written(path)


def readable(uri: str, experiment: str) -> str:
    """The URI to read a store by: of a moved one that may not be written a private copy, whose paths are right.

    ``experiment`` is the name of the one whose artifacts are looked for.
    """
    if not is_read_only(uri):
        return uri
    path = Path(uri.removeprefix(_SQLITE))
    with closing(sqlite.open_file(path)) as connection:
        row = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", [experiment]).fetchone()
    old = artifact_paths.moved_from(row[0]) if row else None
    return _copy(path, old) if old else uri


def download_folder(uri: str) -> str | None:
    """Where the files of a model are copied to, until this process ends; None where they are read in their place.

    They are if they lie in a folder that may be written, as MLflow writes beside them. What it would download to a
    folder of its own, from a server or a bucket, would stay there.
    """
    local = artifact_paths.local_path(environment.artifacts_root() or "none:") is not None
    return None if local and not is_read_only(uri) else str(_FOLDERS.enter_context(temporary_folder()))


@cache
def _copy(path: Path, old: str) -> str:
    folder = _FOLDERS.enter_context(temporary_folder())
    shutil.copyfile(path, folder / path.name)
    uri = f"{_SQLITE}{folder / path.name}"
    artifact_paths.relocate(old, uri)
    return uri
