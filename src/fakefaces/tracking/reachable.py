"""Whether a store answers, asked once and for seconds: MLflow itself would try again for minutes, in silence."""

import sqlite3
from contextlib import closing
from pathlib import Path

from fakefaces.base import sqlite
from fakefaces.base.progress import waiting_for

_TIMEOUT = 5  # seconds
_TABLE = "experiments"  # which every store of MLflow has
_FIRST_TABLES = {_TABLE, "runs", "tags", "params", "metrics", "latest_metrics", "alembic_version"}  # some of them
_NO_TABLES = "it has no table of MLflow's"
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


class UnreachableError(Exception):
    """The store cannot be used; the message is the reason."""


class NoStoreError(UnreachableError):
    """There is no store at its address, and none is to be created."""


class SettingError(UnreachableError):
    """Its address names none that could ever be used."""


def check(uri: str, *, create: bool) -> None:
    """Ask a tracking server or a database once.

    Args:
        uri: the store's address.
        create: whether a database that is missing, or holds no store yet, is a place for a new one.

    Raises:
        UnreachableError: nothing answers within five seconds, or it refuses; the message says why.
        NoStoreError: there is no store, and ``create`` is false.
        SettingError: nothing ever will.
        Exception: of SQLAlchemy or its driver, for a database that cannot be used.
    """
    kind = uri.split(":")[0].split("+")[0]
    with waiting_for(f"the MLflow store {uri}"):
        if uri.startswith(("http://", "https://")):
            _check_server(uri)
        elif uri.startswith("sqlite:///"):
            _check_file(Path(uri.removeprefix("sqlite:///")), create=create)
        elif kind in _PORTS:
            _check_database(uri, create=create)
        elif kind != "databricks":
            raise SettingError("not the address of a store")


def _check_server(uri: str) -> None:
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=_TIMEOUT)
    except requests.exceptions.SSLError:
        pass  # MLflow has settings of its own for certificates
    except requests.Timeout:
        raise UnreachableError(f"no server answers within {_TIMEOUT} seconds") from None
    except (requests.ConnectionError, OSError) as error:
        raise UnreachableError(f"no server answers ({connection_error(error)})") from None
    except (requests.RequestException, ValueError) as error:
        raise SettingError(f"no address of a server ({error})") from None


def _check_file(path: Path, *, create: bool) -> None:
    if not path.name or path.is_dir():
        raise SettingError("a folder, not a file")
    if not path.exists():
        if create:
            return
        raise NoStoreError("there is no such file")
    if not path.is_file():  # a pipe would be waited for
        raise SettingError("not a regular file")
    try:
        # Not of the whole file, but of what every program reads first; a writer holds its lock for less.
        with closing(sqlite.open_file(path, timeout=_TIMEOUT)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise UnreachableError(str(error)) from None
    if names and not names & _FIRST_TABLES:
        raise SettingError("the database of another program")
    if not create and _TABLE not in names:
        raise NoStoreError(_NO_TABLES)


def _check_database(uri: str, *, create: bool) -> None:
    import socket

    from sqlalchemy import create_engine, inspect
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    url = make_url(uri)
    engine = create_engine(url, poolclass=NullPool)  # a driver that is missing is told before a server that is away
    if url.host and not url.host.startswith("/"):
        try:
            port = url.port or _PORTS[url.get_backend_name()]
            socket.create_connection((url.host, port), timeout=_TIMEOUT).close()
        except TimeoutError:
            raise UnreachableError(f"no server answers within {_TIMEOUT} seconds") from None
        except OSError as error:
            raise UnreachableError(f"no server answers ({connection_error(error)})") from None
    with engine.connect() as connection:
        if not create and not inspect(connection).has_table(_TABLE):
            raise NoStoreError(_NO_TABLES)


def connection_error(error: BaseException) -> str:
    """Why a connection failed: the operating system's own word where one lies at the root of an error."""
    innermost, seen = error, set[int]()
    while id(innermost) not in seen:
        seen.add(id(innermost))
        reason = getattr(innermost, "reason", None)  # of urllib3, which requests puts in place of a cause
        arguments = [argument for argument in innermost.args if isinstance(argument, BaseException)]
        causes = [innermost.__cause__, innermost.__context__, reason, *arguments]
        innermost = next((c for c in causes if isinstance(c, BaseException) and id(c) not in seen), innermost)
    if isinstance(innermost, OSError) and innermost.strerror:
        return innermost.strerror
    return " ".join(str(innermost).split())[-200:]
