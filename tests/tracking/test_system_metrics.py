"""System metrics of a run: there at its end, however short it was, and gone with the store without a word."""

import sqlite3
from contextlib import closing

import pytest

from fakefaces.tracking.runs import stage_run
from fakefaces.tracking.store import connect
from fakefaces.tracking.system_metrics import system_metrics

pytestmark = pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)


def test_a_run_has_them_however_short_it_was(tracked):
    with stage_run("m", role="train") as run, system_metrics(run):
        run.metrics({"val_loss": 0.5}, step=1)
    metrics = connect().client.get_run(run.id).data.metrics
    for name in ("cpu_utilization_percentage", "system_memory_usage_megabytes", "network_receive_megabytes"):
        assert metrics[f"system/{name}"] >= 0
    assert metrics["system/system_memory_usage_megabytes"] > 10
    assert metrics["val_loss"] == 0.5


def test_a_longer_run_has_several(tracked, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.01")
    client, name = connect().client, "system/cpu_utilization_percentage"
    with stage_run("m", role="train") as run, system_metrics(run):
        while len(client.get_metric_history(run.id, name)) < 3:
            pass
    steps = [metric.step for metric in client.get_metric_history(run.id, name)]
    assert steps == list(range(len(steps)))


def test_a_store_that_is_lost_is_told_once(tracked, capfd):
    with stage_run("m", role="train") as run, system_metrics(run):
        with closing(sqlite3.connect(tracked / "mlruns" / "mlflow.db")) as connection:
            connection.execute("ALTER TABLE metrics RENAME TO gone")
        run.metrics({"val_loss": 0.5})
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("WARNING")]
    assert len(told) == 2  # when it is lost, and at the end of the run


def test_a_run_that_fails_has_them_too(tracked):
    with pytest.raises(KeyboardInterrupt), stage_run("m", role="train") as run, system_metrics(run):
        raise KeyboardInterrupt
    record = connect().client.get_run(run.id)
    assert record.info.status == "KILLED"
    assert "system/cpu_utilization_percentage" in record.data.metrics
