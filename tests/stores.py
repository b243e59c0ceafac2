"""The databases that MLflow and Optuna are tested on: sqlite always, PostgreSQL where its programs are found.

FAKEFACES_TEST_POSTGRES may hold the URI of a server to use instead of a private one, such as
``postgresql+pg8000://user@127.0.0.1:5432/postgres``; any other value says that PostgreSQL must not be left out.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

_TEMPORARY = tempfile.gettempdir()  # not that of a test
_ASKED = os.environ.get("FAKEFACES_TEST_POSTGRES", "")
_FOLDERS = [Path(p).parent for p in [shutil.which("postgres")] if p] + sorted(
    Path("/usr/lib/postgresql").glob("*/bin"), reverse=True
)
# PostgreSQL refuses to run as root; Debian's package makes a user for it.
_USER = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.slow)


class Postgres:
    """A server, and new databases in it."""

    def __init__(self, uri: str):
        self.uri = uri
        self._template: str | None = None

    def database(self) -> str:
        """An empty database."""
        return self._create("")

    def with_tables(self) -> str:
        """A database that holds MLflow's tables; they are made once."""
        if self._template is None:
            uri = self.database()
            make_tables(uri)
            self._template = uri.rsplit("/", 1)[1]
        return self._create(f" TEMPLATE {self._template}")

    def _create(self, template: str) -> str:
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        name = f"test_{uuid.uuid4().hex[:12]}"
        engine = create_engine(self.uri, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}{template}"))
        return f"{self.uri.rsplit('/', 1)[0]}/{name}"


def make_tables(uri: str) -> None:
    """MLflow's tables, made by a process of its own: this one would stay connected."""
    code = f"import mlflow; mlflow.set_tracking_uri({uri!r}); mlflow.search_experiments()"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A private server in a temporary folder, stopped at the end."""
    if _ASKED.startswith("postgresql"):
        yield Postgres(_ASKED)
        return
    if not _FOLDERS:
        if _ASKED:
            pytest.fail("PostgreSQL was asked for, and its programs are not there; on Debian: apt install postgresql")
        pytest.skip("PostgreSQL's programs are not there")
    pytest.importorskip("pg8000", reason="the extra 'postgres' is not installed")
    programs = _FOLDERS[0]
    folder = Path(tempfile.mkdtemp(prefix="fakefaces-postgres-", dir=_TEMPORARY))
    if _USER:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: str) -> None:
        log = folder / f"{Path(command[0]).name}.log"
        with log.open("a") as out:
            done = subprocess.run(command, cwd=folder, stdout=out, stderr=out, check=False, **_USER)
        assert done.returncode == 0, f"{command}\n{log.read_text()}"

    data = str(folder / "data")
    try:
        run(
            str(programs / "initdb"),
            "-D",
            data,
            "-U",
            "tester",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        run(str(programs / "pg_ctl"), "-D", data, "-o", options, "-w", "-l", str(folder / "server.log"), "start")
        try:
            yield Postgres(f"postgresql+pg8000://tester@127.0.0.1:{port}/postgres")
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sqlite file with MLflow's tables; making them takes seconds, a copy none."""
    path = tmp_path_factory.mktemp("tables") / "mlflow.db"
    make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for the test's temporary files, which has to be empty when it ends."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield
        left = [path.name for path in Path(folder).iterdir() if not path.name.startswith("__autograph_")]  # TensorFlow
        assert not left, left


@pytest.fixture(params=["sqlite", POSTGRESQL])
def tracked(
    request: pytest.FixtureRequest,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    nothing_left: None,  # copies of what is in the store are evaluations of people's photographs
) -> Path:
    """The ``workspace`` under git, with an empty MLflow store on each database."""
    if request.param == "sqlite":
        (workspace / "mlruns").mkdir()
        shutil.copy(request.getfixturevalue("sqlite_tables"), workspace / "mlruns" / "mlflow.db")
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("postgres").with_tables())
    for line in ("init -q", "add dvc.yaml params.yaml", "-c user.name=t -c user.email=t@t commit -qm start"):
        subprocess.run(["git", *line.split()], cwd=workspace, check=True)
    return workspace


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of a database in which nothing is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty' / 'store.db'}"
    return str(request.getfixturevalue("postgres").database())
