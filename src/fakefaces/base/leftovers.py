"""What killed processes left behind, swept at the next start: temporary folders, and incomplete files and folders."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_PREFIX = "fakefaces-temporary-"
_ASIDE = re.compile(r"\..+\.(\d+)\.tmp")  # of fakefaces.base.files.atomic_write
_FOLDERS = (
    "",
    "outputs",
    "outputs/*",
    "outputs/*/*",
    "reports",
    "reports/*",
    "explained",
    "reviews",
    "mlruns",
    ".dvc/tmp",
)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A private folder (mode 0700) for a block; one that is killed leaves it to :func:`sweep_temporary`."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with suppress(OSError):  # swept by another process before it was locked
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process, whatever ends it
            if folder.is_dir():
                break
            os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep_temporary() -> None:
    """Remove the temporary folders of this user whose process has ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError while its process lives
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def sweep_project(root: Path) -> None:
    """Remove the incomplete files and folders in a project whose process has ended; what cannot be removed stays."""
    for folder in _FOLDERS:
        for path in root.glob(f"{folder}/.*.tmp" if folder else ".*.tmp"):
            match = _ASIDE.fullmatch(path.name)
            if not match or psutil.pid_exists(int(match[1])):
                continue
            with suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
