"""A store that is lost while a stage works: the stage ends, and the next run closes what was left open."""

import pickle
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fakefaces.base.errors import StoreSettingError, TrackingError
from fakefaces.tracking.runs import RELOGGED, Run, stage_run
from fakefaces.tracking.store import connect

TABLES = ("metrics", "params", "tags", "runs", "latest_metrics")


def rename(database: Path, pattern: str, to: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")  # references keep the old names
        for table in TABLES:
            connection.execute(f"ALTER TABLE {pattern.format(table)} RENAME TO {to.format(table)}")


@pytest.fixture
def database(workspace, sqlite_tables) -> Path:
    path = workspace / "mlruns" / "mlflow.db"
    path.parent.mkdir()
    path.write_bytes(sqlite_tables.read_bytes())
    return path


def work(run: Run, database: Path) -> list[str]:
    """Log before and after the store is lost; returns what was reached."""
    run.metrics({"before": 1.0})
    rename(database, "{}", "gone_{}")
    run.metrics({"after": 1.0})
    with run.child("fold 0", role="fold") as child:
        child.params({"a": 1})
        child.tag("a", "b")
        child.log_outputs("params.yaml")
    assert run.metrics_of(run.root / "params.yaml", "a") == {}
    return ["the end"]


def test_the_work_goes_on_and_the_user_is_told_once_why_and_what_to_do(workspace, database, capfd):
    with stage_run("m", role="train") as run:
        assert work(run, database) == ["the end"]
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(": no such table")[0] for line in lines if line.startswith("WARNING")] == [
        f"WARNING MLflow store sqlite:///{database}",
    ] * 2
    assert lines[1] == "the work goes on, and is logged later"
    assert "fakefaces doctor --fix" in lines[-1]
    rename(database, "gone_{}", "{}")
    left = connect().client.get_run(run.id)
    assert (left.info.status, left.data.metrics) == ("RUNNING", {"before": 1.0})


def test_another_process_goes_on_without_a_store_that_is_lost_and_loses_it_for_this_one(workspace, database, capfd):
    with stage_run("m", role="train") as run:
        apart = pickle.loads(pickle.dumps(run.address)).open()
        rename(database, "{}", "gone_{}")
        with apart.child("fold 0", role="fold") as child:
            child.metrics({"a": 1.0})
        lost = pickle.loads(pickle.dumps(apart.connection.lost))
        assert isinstance(lost, TrackingError)
        run.connection.lose(lost)
        run.metrics({"after": 1.0})
        assert run.address.open().connection.lost
    assert "fakefaces doctor --fix" in capfd.readouterr().err


def test_where_logging_is_all_that_is_done_the_loss_is_an_error(workspace, database):
    with (
        pytest.raises(TrackingError, match="no such table"),
        stage_run("m", role="train", tags={RELOGGED: "true"}) as run,
    ):
        work(run, database)


def test_a_failure_of_the_work_itself_is_still_raised(workspace, database):
    with pytest.raises(ZeroDivisionError), stage_run("m", role="train") as run:
        work(run, database)
        raise ZeroDivisionError


def test_a_store_that_is_away_at_the_start_stops_no_work_either(workspace, monkeypatch, capfd):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
    with stage_run("m", role="train") as run:
        run.params({"a": 1})
        with run.child("fold 0", role="fold") as child:
            child.metrics({"b": 1.0})
            child.log_outputs("params.yaml")
        assert run.metrics_of(run.root / "params.yaml", "b") == {}
    lines = capfd.readouterr().err.splitlines()
    assert "no server answers (Connection refused)" in lines[0]
    assert lines[1] == "the work goes on, and is logged later"
    assert "fakefaces doctor --fix" in lines[-1]
    assert "secret" not in "".join(lines)
    with pytest.raises(TrackingError, match="no server answers"), stage_run("m", "train", {RELOGGED: "true"}):
        raise AssertionError("logging again needs a store")


@pytest.mark.parametrize("uri", ["nonsense", "ftp://host", "sqlite:///", "mysql://host/db"])
def test_an_address_that_names_no_store_stops_the_work_before_it_begins(workspace, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreSettingError), stage_run("m", role="train"):
        raise AssertionError("it has begun")
