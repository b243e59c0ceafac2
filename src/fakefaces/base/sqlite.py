"""SQLite files that are there already, opened so that they can be read after a kill."""

import os
import sqlite3
from pathlib import Path


def may_be_written(path: Path) -> bool:
    """Whether a file may be written, and its folder, in which SQLite keeps its journal."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def open_file(path: Path, *, timeout: float = 5) -> sqlite3.Connection:
    """A connection to a SQLite file, which is never created; for reading only where it may not be written.

    Where it may, a transaction that a killed process left in the journal has to be rolled back before anything can be
    read; a connection for reading only would be refused with "attempt to write a readonly database".

    Args:
        path: the file.
        timeout: how long to wait for the locks of others, s.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    mode = "rw" if may_be_written(path) else "ro"
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=timeout)
