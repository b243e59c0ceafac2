"""Stores that cannot be used: each is a TrackingError of one line that says what to do."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fakefaces.base import progress
from fakefaces.base.errors import TrackingError
from fakefaces.tracking import reachable
from fakefaces.tracking.runs import find_run
from fakefaces.tracking.store import connect, mlflow_errors


@pytest.fixture(autouse=True)
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return workspace


def message(monkeypatch: pytest.MonkeyPatch, uri: str) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError) as raised:
        connect()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_killed_writers_open_transaction_is_rolled_back_not_complained_of(project):
    path = project / "mlruns" / "mlflow.db"
    connect(create=True)
    killed = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # pages are written before the end
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE filling (text)")
connection.executemany("INSERT INTO filling VALUES (?)", [("-" * 4000,)] * 50)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    assert path.with_name("mlflow.db-journal").stat().st_size
    assert connect().search_runs("") == []
    with closing(sqlite3.connect(path)) as connection:
        assert not connection.execute("SELECT name FROM sqlite_master WHERE name = 'filling'").fetchall()


def test_a_server_that_is_down(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = message(monkeypatch, f"http://user:secret@127.0.0.1:{port}")
    assert "no server answers (Connection refused); start the tracking server, or correct MLFLOW_TRACKING_URI" in text
    assert "secret" not in text


@pytest.mark.parametrize("scheme", ["http", "postgresql+pg8000"])
def test_a_server_that_accepts_and_is_silent_is_told_of_at_once(monkeypatch, capfd, scheme):
    monkeypatch.setattr(reachable, "_TIMEOUT", 0.5)
    monkeypatch.setattr(progress, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        # a queue that is full: what connects now gets no answer at all
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        text = message(monkeypatch, f"{scheme}://me:secret@127.0.0.1:{port}/db")
        for one in waiting:
            one.close()
    assert "no server answers within 0.5 seconds" in text
    assert capfd.readouterr().err.startswith(f"waiting for the MLflow store {scheme}://me:***@127.0.0.1:{port}")


def test_a_database_that_is_locked_is_not_a_full_disk(monkeypatch, tmp_path, sqlite_tables):
    monkeypatch.setattr(reachable, "_TIMEOUT", 0.1)
    path = tmp_path / "locked.db"
    path.write_bytes(sqlite_tables.read_bytes())
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        text = message(monkeypatch, f"sqlite:///{path}")
    assert "database is locked; another program has it open" in text
    assert "disk" not in text


def test_an_experiment_that_was_deleted(monkeypatch, tmp_path):
    uri = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    store = connect()
    store.client.delete_experiment(store.experiment_id)
    assert f"restore it with: mlflow experiments restore --experiment-id {store.experiment_id}" in message(
        monkeypatch, uri
    )


@pytest.mark.parametrize(("name", "value"), [("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "many")])
def test_a_setting_of_mlflow_that_it_cannot_read(monkeypatch, tmp_path, name, value):
    monkeypatch.setenv(name, value)
    assert name in message(monkeypatch, f"sqlite:///{tmp_path}/store.db")


@pytest.mark.parametrize(
    "uri", ["ftp://somewhere/store", "nonsense:store", "mlruns", "http:/host", "sqlite://", "sqlite:////"]
)
def test_an_unknown_scheme(monkeypatch, uri):
    assert "MLFLOW_TRACKING_URI takes sqlite:///FILE" in message(monkeypatch, uri)


def test_a_driver_that_is_not_installed(monkeypatch):
    assert "install that package" in message(monkeypatch, "mysql+pymysql://127.0.0.1/store")


def test_a_file_that_is_no_database(monkeypatch, tmp_path):
    path = tmp_path / "garbage.db"
    path.write_bytes(b"this is not a database" * 100)
    assert "not a database; restore the file from a backup" in message(monkeypatch, f"sqlite:///{path}")


def test_a_store_that_is_half_written(monkeypatch, tmp_path, sqlite_tables):
    path = tmp_path / "half.db"
    path.write_bytes(sqlite_tables.read_bytes()[: 5 * 4096])
    assert "MLflow store sqlite:///" in message(monkeypatch, f"sqlite:///{path}")


def test_a_store_of_a_newer_mlflow(monkeypatch, tmp_path, sqlite_tables):
    path = tmp_path / "newer.db"
    path.write_bytes(sqlite_tables.read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    connection.close()
    assert "another version of MLflow: install the packages of uv.lock" in message(monkeypatch, f"sqlite:///{path}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(monkeypatch, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    text = message(monkeypatch, f"sqlite:///{folder}/mlruns/store.db")
    assert "check MLFLOW_TRACKING_URI, the permissions of its folder" in text


def test_a_folder_that_is_a_file(monkeypatch, tmp_path):
    (tmp_path / "mlruns").write_text("a file")
    text = message(monkeypatch, f"sqlite:///{tmp_path}/mlruns/store.db")
    assert "check MLFLOW_TRACKING_URI, the permissions of its folder" in text


def test_a_store_that_breaks_after_it_was_opened(monkeypatch, tmp_path, sqlite_tables):
    path = tmp_path / "store.db"
    path.write_bytes(sqlite_tables.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    store = connect()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE tags")
    connection.close()
    with pytest.raises(TrackingError, match="no such table: tags"):
        find_run(store, "outputs/models/m", "0" * 32)
    with pytest.raises(TrackingError, match="Run with id"):
        store.client.get_run("0" * 32)


def test_what_is_no_file_and_what_cannot_be_one_is_told_of_at_once(monkeypatch, tmp_path):
    os.mkfifo(tmp_path / "pipe.db")
    (tmp_path / "device.db").symlink_to("/dev/null")
    for name in ("pipe.db", "device.db"):
        assert "not a regular file; MLFLOW_TRACKING_URI takes" in message(monkeypatch, f"sqlite:///{tmp_path / name}")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_a_place_where_no_file_can_be_made_is_not_waited_for(monkeypatch):
    assert "/proc/.x.db.store.lock; check MLFLOW_TRACKING_URI" in message(monkeypatch, "sqlite:////proc/x.db")


def test_a_wrong_variable_of_mlflow_is_named(monkeypatch, tmp_path, sqlite_tables):
    (tmp_path / "mlflow.db").write_bytes(sqlite_tables.read_bytes())
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "nonsense")
    with pytest.raises(TrackingError, match="; MLFLOW_REGISTRY_URI names another store; unset it"), mlflow_errors():
        raise OSError("of the registry")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "abc")
    text = message(monkeypatch, f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE" in text and text.endswith("; correct or unset that variable")
