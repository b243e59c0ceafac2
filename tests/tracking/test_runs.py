"""Runs on sqlite and on PostgreSQL: how they end, what they carry, how they are found."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import yaml

from fakefaces.base.errors import FakefacesError
from fakefaces.tracking import processes, provenance
from fakefaces.tracking.digests import digest
from fakefaces.tracking.runs import find_run, joined_run, stage_run
from fakefaces.tracking.store import EXPERIMENT, Store, close_dead_runs, connect
from tests.conftest import ROOT


def runs(store: Store, role: str) -> list:
    return store.search_runs(f"tags.role = '{role}'", newest_first=False)


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def write(root: Path, text: str = "made") -> str:
    (root / "outputs").mkdir(exist_ok=True)
    (root / "outputs" / "model.txt").write_text(text)
    return digest(root / "outputs" / "model.txt")


def make(root: Path, text: str = "made") -> str:
    """A run that writes an output."""
    with stage_run("m", role="train") as run:
        write(root, text)
        run.log_outputs("outputs/model.txt")
    return run.id


def test_a_run_is_found_by_what_it_made_and_a_repeat_leads_to_the_first(tracked):
    first, other, again = make(tracked), make(tracked, "other"), make(tracked)
    store = connect()
    assert find_run(store, "outputs/model.txt", write(tracked)).info.run_id == first
    assert find_run(store, "outputs/model.txt", write(tracked, "other")).info.run_id == other
    assert find_run(store, "outputs/model.txt", write(tracked, "never")) is None
    assert store.client.get_run(again).data.tags["repeats"] == first
    assert "repeats" not in store.client.get_run(first).data.tags
    assert len(runs(store, "pipeline")) == 1


def test_other_parameters_are_another_tree(tracked):
    make(tracked)
    params = yaml.safe_load((tracked / "params.yaml").read_text())
    (tracked / "params.yaml").write_text(yaml.safe_dump(params | {"seed": 21}, sort_keys=False))
    make(tracked)
    assert len(runs(connect(), "pipeline")) == 2


def test_a_run_carries_where_it_comes_from_and_what_it_took(tracked):
    (tracked / "dvc.lock").write_text("stages: {}\n")
    (tracked / "src").mkdir()
    (tracked / "src" / "new.py").write_text("x = 1\n")
    (tracked / "params.yaml").write_text((tracked / "params.yaml").read_text() + "# a change\n")
    with stage_run("m", role="train") as run:
        run.speed(images=100, seconds=4.0)
    store = connect()
    record = store.client.get_run(run.id)
    tags = record.data.tags
    assert tags["git.dirty"] == "true"
    assert tags["mlflow.source.git.commit"] == git(tracked, "rev-parse", "HEAD").strip()
    assert all(tags[f"version.{name}"] not in ("", "none") for name in provenance.LIBRARIES)
    assert "cores" in tags["machine"]
    assert record.data.metrics["images_per_second"] == 25
    assert record.data.metrics["wall_seconds"] > 0
    assert record.data.metrics["peak_memory_mib"] > 10
    with store.artifacts(run.id, "provenance") as folder:
        assert {path.name for path in folder.iterdir()} == {
            "params.yaml", "dvc.yaml", "dvc.lock", "packages.txt", "changes.patch",
        }  # fmt: skip
        assert "mlflow==" in (folder / "packages.txt").read_text()
        # the patch makes the tree of the run out of its commit
        (tracked / "src" / "new.py").unlink()
        git(tracked, "checkout", "-q", "params.yaml")
        git(tracked, "apply", str(folder / "changes.patch"))
    assert (tracked / "src" / "new.py").read_text() == "x = 1\n"
    assert "# a change" in (tracked / "params.yaml").read_text()


def test_what_the_pipeline_writes_does_not_make_the_tree_dirty(tracked):
    (tracked / "dvc.lock").write_text("stages: {}\n")
    (tracked / "reports").mkdir()
    (tracked / "reports" / "results.csv").write_text("a\n")
    git(tracked, "add", "dvc.lock", "reports")
    git(tracked, "commit", "-qm", "results")
    (tracked / "dvc.lock").write_text("stages: {a: b}\n")
    (tracked / "reports" / "results.csv").write_text("b\n")
    assert not provenance.dirty(tracked)
    assert provenance.changes(tracked) == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [(FakefacesError("a reason"), "FAILED"), (KeyboardInterrupt(), "KILLED"), (SystemExit(143), "KILLED")],
)
def test_how_a_run_ends_is_said(tracked, error, status):
    with pytest.raises(type(error)), stage_run("m", role="train") as run, run.child("trial 0", role="trial"):
        raise error
    store = connect()
    (record,), (trial,) = runs(store, "train"), runs(store, "trial")
    assert record.info.status == trial.info.status == status
    assert record.data.tags.get("error") == ("a reason" if status == "FAILED" else None)
    assert record.data.metrics["wall_seconds"] > 0


HANGS = """
    import sys, time
    from fakefaces.tracking.runs import stage_run
    with stage_run("m", role="train") as run:
        run.metrics({"val_loss": 0.5}, step=1)
        with run.child("trial 0", role="trial"):
            print("under way", flush=True)
            time.sleep(600)
"""


def start(root: Path, code: str = HANGS) -> subprocess.Popen:
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, text=True)


def test_a_run_of_a_process_killed_outright_is_closed_by_the_next_one(tracked):
    process = start(tracked)
    assert process.stdout.readline() == "under way\n"
    store = connect()
    close_dead_runs(store)  # it is running
    assert {run.info.status for run in runs(store, "train") + runs(store, "trial")} == {"RUNNING"}
    process.send_signal(signal.SIGKILL)
    time.sleep(0.2)  # not waited for: what is left is a zombie, which is dead all the same
    make(tracked)
    killed, _ = runs(store, "train")
    assert killed.info.status == runs(store, "trial")[0].info.status == "KILLED"
    assert killed.data.metrics["val_loss"] == 0.5
    process.communicate()


def test_a_reused_process_number_is_another_process():
    own = processes.tags()
    assert not processes.has_ended(own)
    assert processes.has_ended(own | {"pid.started": "1.00"})
    assert not processes.has_ended(own | {"pid.started": "1.00", "host": "elsewhere"})
    assert not processes.has_ended(own | {"pid.started": "1.00", "pid.space": "another container"})


def test_the_process_of_an_earlier_release_is_known_by_its_number_alone():
    own = processes.tags() | {"pid.started": "8d1c8a7e-boot-id:4711"}
    assert not processes.has_ended(own)
    assert processes.has_ended(own | {"pid": str(2**22 + 1)})


def test_four_first_starts_at_once_make_one_store_and_one_tree(workspace, empty_database, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_database)
    code = """
        from fakefaces.tracking.runs import stage_run
        with stage_run("m", role="train"):
            pass
    """
    started = [start(workspace, code) for _ in range(4)]
    assert [process.communicate() and process.returncode for process in started] == [0] * 4
    store = connect()
    assert len(runs(store, "train")) == 4
    assert len(runs(store, "pipeline")) == 1
    assert len(store.client.search_experiments(filter_string=f"name = '{EXPERIMENT}'")) == 1


def test_metrics_are_logged_by_epoch_and_unknown_ones_are_left_out(tracked):
    (tracked / "outputs").mkdir()
    with stage_run("m", role="train") as run:
        run.params({"a": 1, "fit": {"rate": {"low": 0.1}, "epochs": 2}})
        for step, loss in ((1, 0.7), (2, 0.6)):
            run.metrics({"loss": loss, "val_loss": None}, step=step)
        run.speed(images=3, seconds=0.0)
    store = connect()
    data = store.client.get_run(run.id).data
    assert data.params == {"a": "1", "fit.rate.low": "0.1", "fit.epochs": "2"}
    epochs = store.client.get_metric_history(run.id, "loss")
    assert [(metric.step, metric.value) for metric in epochs] == [(1, 0.7), (2, 0.6)]
    assert "val_loss" not in data.metrics and "images_per_second" not in data.metrics
    assert data.metrics["images"] == 3


def test_metrics_of_an_output_are_those_of_the_finished_run_that_made_it_as_it_is_now(tracked):
    path = tracked / "outputs" / "model.txt"

    def tune(text: str, seconds: float) -> None:
        with stage_run("m", role="tune") as run:
            run.metrics({"trial_seconds": seconds, "trials": 2})
            write(tracked, text)
            run.log_outputs("outputs/model.txt")

    tune("one", 1.0)
    tune("two", 2.0)
    with pytest.raises(FakefacesError), stage_run("m", role="tune") as failed:
        failed.metrics({"trial_seconds": 9.0})
        write(tracked, "three")
        failed.log_outputs("outputs/model.txt")
        raise FakefacesError("a reason")
    with stage_run("report", role="report") as run:
        assert run.metrics_of(path, "trial_seconds", "absent") == {}  # no finished run wrote this file
        write(tracked, "two")
        assert run.metrics_of(path, "trial_seconds", "absent") == {"trial_seconds": 2.0}
        write(tracked, "one")
        assert run.metrics_of(path, "trial_seconds", "trials") == {"trial_seconds": 1.0, "trials": 2.0}
        path.unlink()
        assert run.metrics_of(path, "trial_seconds") == {}


def test_a_run_that_repeats_one_of_two_outputs_is_no_repeat(tracked):
    def write_both(first: str, second: str) -> str:
        (tracked / "outputs").mkdir(exist_ok=True)
        for name, text in (("a", first), ("b", second)):
            (tracked / "outputs" / name).write_text(text)
        with stage_run("m", role="train") as run:
            run.log_outputs("outputs/a", "outputs/b")
        return run.id

    ids = [write_both("1", "1"), write_both("1", "2"), write_both("2", "2"), write_both("1", "1")]
    store = connect()
    assert [store.client.get_run(run_id).data.tags.get("repeats") for run_id in ids] == [None, None, None, ids[0]]


def test_a_study_adopts_its_own_finished_trials_wherever_they_ran(tracked):
    ids = {}
    with stage_run("worker", role="tune") as worker:
        for name, study, role in (("ours", "s1", "trial"), ("theirs", "s2", "trial"), ("other", "s1", "fold")):
            with worker.child(name, role=role, tags={"study": study}) as child:
                ids[name] = child.id
        with pytest.raises(FakefacesError), worker.child("failed", role="trial", tags={"study": "s1"}) as child:
            ids["failed"] = child.id
            raise FakefacesError("a reason")
    with stage_run("tune", role="tune") as run:
        run.adopt("study", "s1")
    store = connect()
    parents = {name: store.client.get_run(run_id).data.tags["mlflow.parentRunId"] for name, run_id in ids.items()}
    assert parents == {"ours": run.id, "theirs": worker.id, "other": worker.id, "failed": worker.id}


def test_a_worker_joins_the_running_run_of_its_own_study(tracked):
    with stage_run("first", role="tune", tags={"study": "s1"}) as finished:
        pass
    with stage_run("tune", role="tune", tags={"study": "s2"}) as other:
        parent = connect().client.get_run(finished.id).data.tags["mlflow.parentRunId"]
        assert joined_run("tune", "study", "s2").id == other.id
        assert joined_run("tune", "study", "s1").id == parent
        assert joined_run("train", "study", "s2").id == parent


def test_a_child_has_its_own_role_and_its_parents_provenance(tracked, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "tune")
    (tracked / "data.dvc").write_text("outs:\n- md5: 11.dir\n  path: data\n")
    with (
        stage_run("tune", role="tune") as run,
        run.child("trial 0", role="trial", tags={"given_up": "pruned"}) as child,
    ):
        pass
    record = connect().client.get_run(child.id)
    assert (record.data.tags["role"], record.data.tags["given_up"]) == ("trial", "pruned")
    assert record.data.tags["mlflow.parentRunId"] == run.id
    assert record.data.tags["dvc.stage"] == "tune"
    (dataset,) = record.inputs.dataset_inputs
    assert dataset.dataset.digest == "11.dir"
    assert [tag.value for tag in dataset.tags] == ["trial"]
