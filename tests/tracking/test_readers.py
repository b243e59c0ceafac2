"""Commands that only read make no store: where there is none, one sentence says so, and nothing is created."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakefaces.base.errors import StoreSettingError, TrackingError
from fakefaces.cli import app
from fakefaces.registry.store import Registry
from fakefaces.tracking.store import connect

READERS = (
    ("registry",),
    ("runs",),
    ("reproduce", "champion"),
    ("promote", "--dry-run"),
    ("promote", "1"),
    ("promote", "--rollback"),
    ("predict", "photo.jpg"),
    ("predict", "photo.jpg", "--model", "challenger"),
    ("predict", "photo.jpg", "--model", "0123abcd"),
    ("explain", "champion", "photo.jpg"),
    ("score", "photo.jpg", "scores"),
    ("serve", "--port", "0"),
    ("review",),
    ("ui", "--no-open"),
)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """Where an address may lead by mistake."""
    root = tmp_path / "places"
    (root / "folder").mkdir(parents=True)
    (root / "empty.db").touch()
    with closing(sqlite3.connect(root / "other.db")) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
        database.commit()
    return root


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_command_that_reads_creates_no_store(workspace, places, monkeypatch, command):
    (workspace / "photo.jpg").write_bytes(next((workspace / "data").rglob("*.jpg")).read_bytes())
    before = files(workspace), files(places), [path.read_bytes() for path in sorted(places.glob("*.db"))]
    for name, reason in {
        "typo.db": "there is no such file; the first dvc repro creates it; or correct MLFLOW_TRACKING_URI",
        "no/folder/typo.db": "there is no such file",
        "folder": "a folder, not a file",
        "empty.db": "it has no table of MLflow's",
        "other.db": "it has no table of MLflow's; it is new, or another program's",
    }.items():
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{places / name}")
        done = CliRunner().invoke(app, list(command))
        assert isinstance(done.exception, TrackingError), f"{name}: {done.output}{done.exception!r}"
        assert reason in str(done.exception) and "\n" not in str(done.exception)
    assert before == (files(workspace), files(places), [path.read_bytes() for path in sorted(places.glob("*.db"))])


def test_the_project_without_a_store_of_its_own_says_how_one_comes_to_be(workspace):
    with pytest.raises(TrackingError, match=r"mlruns/mlflow\.db: there is no such file; the first dvc repro creates"):
        connect(create=False)
    assert not (workspace / "mlruns").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_a_place_where_no_file_can_be_made(workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/x.db")
    with pytest.raises(TrackingError, match="there is no such file"):
        connect(create=False)


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("uri", ["sqlite:///typo.db", "sqlite:////proc/x.db", "nonsense", "http://me:secret@nowhere"])
def test_another_registry_is_refused_before_anything_is_made(workspace, sqlite_tables, monkeypatch, uri, create):
    (workspace / "mlruns").mkdir()
    (workspace / "mlruns" / "mlflow.db").write_bytes(sqlite_tables.read_bytes())
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
    before = files(workspace)
    with pytest.raises(StoreSettingError, match="MLFLOW_REGISTRY_URI names another store; unset it") as raised:
        connect(create=create)
    assert "secret" not in str(raised.value)
    assert files(workspace) == before


def test_a_registry_that_is_the_store_by_a_relative_path_is_the_store(workspace, sqlite_tables, monkeypatch):
    (workspace / "mlruns").mkdir()
    (workspace / "mlruns" / "mlflow.db").write_bytes(sqlite_tables.read_bytes())
    (workspace / "below").mkdir()
    monkeypatch.chdir(workspace / "below")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "sqlite:///mlruns/mlflow.db")
    assert Registry("fake-faces", create=False).versions() == []
    assert not [*Path().iterdir()]


def test_an_empty_database_of_a_server_is_left_empty_by_a_reader(workspace, postgres, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri := postgres.database())
    with pytest.raises(TrackingError, match="it has no table of MLflow's"):
        connect(create=False)
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.pool import NullPool

    assert inspect(create_engine(uri, poolclass=NullPool)).get_table_names() == []
