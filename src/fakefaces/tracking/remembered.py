"""The folders that ``models:/`` URIs led to in a sqlite store, remembered until the store changes.

MLflow's import and the opening of its store take two seconds (benchmarks/startup.py), the score of a photograph less
than a tenth of one.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.files import read_json, write_json
from fakefaces.tracking.artifact_paths import local_path
from fakefaces.tracking.integrity import is_unchanged

_FILE = ".fetched.json"  # beside the database
_COUNTER = slice(24, 28)  # of the header of a sqlite file: https://www.sqlite.org/fileformat2.html#file_change_counter


def store_state() -> list[int | str] | None:
    """What changes with each write to the store; None where the store is not one sqlite file."""
    database = _database()
    if database is None or database.with_name(f"{database.name}-wal").exists():
        return None  # with a write-ahead log the counter stands still
    try:
        stat = database.stat()
        with database.open("rb") as file:
            counter = file.read(100)[_COUNTER].hex()
    except OSError:
        return None
    return [counter, stat.st_ino, stat.st_size, stat.st_mtime_ns]


def recall(uri: str) -> Path | None:
    """The folder that a URI led to, if neither the store nor the folder has changed since."""
    state, database = store_state(), _database()
    if state is None or database is None:
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = read_json(database.with_name(_FILE))
        if record["store"] == state:
            entry = record["folders"][uri]
            folder = Path(entry["folder"])
            # The store has not changed, so the registry's digests have not either; the files may have.
            return folder if folder.is_dir() and is_unchanged(folder, entry["digests"]) else None
    return None


def remember(uri: str, folder: Path, state: list[int | str] | None, digests: Mapping[str, str]) -> None:
    """Remember where a URI led to.

    Args:
        uri: what was asked for.
        folder: where it led to.
        state: the :func:`store_state` before the store was asked.
        digests: the registry's of the folder.

    A download is not remembered, as it lies outside of the store's artifacts and goes with its process.
    """
    database, artifacts = _database(), local_path(environment.artifacts_root() or "none:")
    if state is None or database is None or artifacts is None or state != store_state():
        return
    if not folder.resolve().is_relative_to(artifacts.resolve()):
        return
    path, folders = database.with_name(_FILE), {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = read_json(path)
        folders = dict(record["folders"]) if record["store"] == state else {}
    with suppress(OSError):  # who may not write here asks MLflow each time
        write_json(
            path, {"store": state, "folders": folders | {uri: {"folder": str(folder), "digests": dict(digests)}}}
        )


def _database() -> Path | None:
    uri = environment.tracking_uri()
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
