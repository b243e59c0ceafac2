"""Locks that let one process at a time use a database for one purpose."""

import getpass
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fakefaces.base.errors import TrackingError
from fakefaces.base.progress import waiting_for
from fakefaces.base.secrets import masked

_TIMEOUT = 300  # seconds


@contextmanager
def exclusive_lock(uri: str, purpose: str) -> Iterator[None]:
    """Hold the lock of a database for one purpose, such as ``registry``; other processes wait for it.

    PostgreSQL's advisory locks hold across machines. For sqlite a lock file lies beside the database. For any other
    store it lies in the temporary folder, and holds among the processes of one user on one machine. After five minutes
    of waiting a TrackingError is raised.
    """
    if uri.startswith("postgresql"):
        with _advisory_lock(uri, purpose):
            yield
        return
    from filelock import FileLock, Timeout

    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///"))
        path = path.with_name(f".{path.name}.{purpose}.lock")
    else:
        key = hashlib.sha256(f"{uri} {getpass.getuser()}".encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"fakefaces-{key}.{purpose}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()  # an OSError where that is impossible, whose end FileLock would wait for
    try:
        with ExitStack() as stack:
            with waiting_for(f"another process, which holds the lock '{purpose}' of the store ({path})"):
                stack.enter_context(FileLock(path, timeout=_TIMEOUT))
            yield
    except Timeout:
        raise _timeout_error(purpose, str(path)) from None


@contextmanager
def _advisory_lock(uri: str, purpose: str) -> Iterator[None]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.pool import NullPool

    key = int.from_bytes(hashlib.sha256(f"fakefaces {purpose}".encode()).digest()[:8], signed=True)
    try:
        engine = create_engine(uri, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{masked(uri)}: its driver is not installed ({error}); for postgresql+pg8000: uv sync --extra postgres"
        ) from None
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{_TIMEOUT}s'"))
        try:
            with waiting_for(f"another process, which holds the lock '{purpose}' of the store"):
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        except OperationalError:
            raise _timeout_error(purpose, "an advisory lock in PostgreSQL") from None
        connection.commit()  # the lock belongs to the session and ends with it
        yield


def _timeout_error(purpose: str, lock: str) -> TrackingError:
    return TrackingError(
        f"another process has held the lock '{purpose}' of the store for five minutes ({lock}); end it if it hangs, "
        "then try again"
    )
