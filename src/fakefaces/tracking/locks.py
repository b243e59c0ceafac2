"""One process at a time, among all that use one database."""

import getpass
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError

_SECONDS = 300


@contextmanager
def exclusively(uri: str, what: str) -> Iterator[None]:
    """Let one process at a time through, for one purpose.

    Args:
        uri: of the database. PostgreSQL has locks of its own, which hold on every machine. Beside a sqlite file
            lies a lock file. For any other store a lock file serves the processes of one user on one machine,
            which are the ones that start at once.
        what: the purpose.

    Raises:
        TrackingError: another process has held it for five minutes.
    """
    if uri.startswith("postgresql"):
        with _advisory(uri, what):
            yield
        return
    from filelock import FileLock, Timeout

    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///"))
        path = path.with_name(f".{path.name}.{what}.lock")
    else:
        known = hashlib.sha256(f"{uri} {getpass.getuser()}".encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"fakefaces-{known}.{what}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=_SECONDS):
            yield
    except Timeout:
        raise TrackingError(_held(what, str(path))) from None


@contextmanager
def _advisory(uri: str, what: str) -> Iterator[None]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.pool import NullPool

    key = int.from_bytes(hashlib.sha256(f"fakefaces {what}".encode()).digest()[:8], signed=True)
    try:
        engine = create_engine(uri, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{environment.without_password(uri)}: its driver is not installed ({error}); "
            "for postgresql+pg8000: uv sync --extra postgres"
        ) from None
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{_SECONDS}s'"))
        try:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        except OperationalError:
            raise TrackingError(_held(what, "its advisory lock in PostgreSQL")) from None
        connection.commit()  # the lock is the session's, and goes with it
        yield


def _held(what: str, lock: str) -> str:
    return f"another process has been busy with the store ({what}) for five minutes; is it stuck? It holds {lock}"
