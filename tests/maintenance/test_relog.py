"""Runs that are logged again hold what the outputs and dvc.lock tell."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.maintenance import dvc_lock, relog
from fakefaces.maintenance.dvc_lock import Output
from fakefaces.tracking.digests import digest
from fakefaces.tracking.store import Store, connect
from tests.maintenance.conftest import write_detector


def children(store: Store, parent: str) -> dict:
    runs = store.search_runs(f"tags.mlflow.parentRunId = '{parent}'")
    return {run.info.run_name: run for run in runs}


def logged(output: Output, root: Path, stages: dict):
    """The run that is logged again, and its child runs by name."""
    relog.log_again(output, Layout(root), stages)
    store = connect()
    (run,) = store.search_runs(f"tags.role = '{output.role}'")
    return run, children(store, run.info.run_id)


def test_a_study_is_logged_again_with_its_best_score_and_its_pruned_trials(tracked):
    layout = Layout(tracked)
    trials = [
        {"number": 0, "values": {"width": 1}, "score": 0.6, "pruned": False},
        {"number": 1, "values": {"width": 2}, "score": 0.8, "pruned": False},
        {"number": 2, "values": {"width": 3}, "score": 0.5, "pruned": True},
        {"number": 3, "values": {"width": 4}, "score": None, "pruned": True},
    ]
    write_json(layout.tuning_trials, {"trials": trials})
    write_json(layout.tuned("best"), {})
    output = Output("tune", "outputs/tune/best.json", digest(layout.tuned("best")))
    tune = {"trials": 4, "space": {"width": {"low": 1, "high": 4}}}
    run, child_runs = logged(output, tracked, {"tune": {"params": {"params.yaml": {"seed": 20, "tune": tune}}}})
    assert {key: run.data.metrics[key] for key in ("best_val_roc_auc", "trials", "pruned")} == {
        "best_val_roc_auc": 0.8,
        "trials": 4,
        "pruned": 2,
    }
    assert run.data.params == {"seed": "20", "trials": "4", "space.width.low": "1", "space.width.high": "4"}
    assert run.data.tags[f"made.{output.path}"] == output.digest
    scores = [child_runs[f"trial {k}"].data.metrics.get("best_val_roc_auc") for k in range(4)]
    assert scores == [0.6, 0.8, 0.5, None]
    assert [child_runs[f"trial {k}"].data.tags["given_up"] for k in range(4)] == ["", "", "pruned", "pruned"]
    assert child_runs["trial 1"].data.params == {"width": "2"}


def test_each_fold_is_logged_again_with_its_own_epochs_and_network(tracked):
    layout = Layout(tracked)
    (layout.reports / "history" / "m").mkdir(parents=True)
    for number in range(2):
        write_detector(tracked, f"m/fold{number}", f"weights {number}")
    for path in layout.reports.rglob("*.csv"):
        path.unlink()
    history = pd.DataFrame(
        {"fold": [0, 0, 1], "epoch": [1.0, 2.0, 1.0], "loss": [0.7, 0.6, 0.9], "val_loss": [0.75, 0.65, 0.95]}
    )
    history.to_csv(layout.history("m"), index=False)
    output = Output("train@m", "outputs/models/m", digest(layout.model("m")))
    params = {"seed": 20, "threads": 2, "train.fit": {"epochs": 9, "patience": 3}}
    params["train.models.m"] = {"kind": "simple_cnn", "features": "pixels", "fit": {"epochs": 2}}
    run, child_runs = logged(output, tracked, {"train@m": {"params": {"params.yaml": params}}})
    assert (run.data.params["fit.epochs"], run.data.params["fit.patience"]) == ("2", "3")
    assert run.data.tags["made.outputs/models/m"] == output.digest
    client = connect().client
    losses = {
        name: [(metric.step, metric.value) for metric in client.get_metric_history(fold.info.run_id, "val_loss")]
        for name, fold in child_runs.items()
    }
    assert losses == {"fold 0": [(1, 0.75), (2, 0.65)], "fold 1": [(1, 0.95)]}
    assert [child_runs[f"fold {k}"].data.metrics["epochs"] for k in range(2)] == [2, 1]
    for number in range(2):
        (model,) = client.get_run(child_runs[f"fold {number}"].info.run_id).outputs.model_outputs
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}"))
        (network,) = folder.rglob("network.keras")
        assert network.read_text() == f"weights {number}"


def test_each_seed_is_logged_again_with_its_own_epochs_and_the_model_has_the_first_ones_network(tracked):
    layout = Layout(tracked)
    write_detector(tracked, "m", "the first")
    (layout.model("m") / "seed1").mkdir()
    (layout.model("m") / "seed1" / "network.keras").write_text("the second")
    history = pd.DataFrame({"seed": [0, 0, 1], "epoch": [1.0, 2.0, 1.0], "val_loss": [0.75, 0.65, 0.95]})
    history.to_csv(layout.history("m"), index=False)
    output = Output("train@m", "outputs/models/m", digest(layout.model("m")))
    params = {"seed": 20, "threads": 2, "train.models.m": {"kind": "simple_cnn", "features": "pixels", "seeds": 2}}
    run, child_runs = logged(output, tracked, {"train@m": {"params": {"params.yaml": params}}})
    assert run.data.params["seeds"] == "2"
    assert [child_runs[f"seed {k}"].data.metrics["val_loss"] for k in range(2)] == [0.65, 0.95]
    assert [child_runs[f"seed {k}"].data.tags["role"] for k in range(2)] == ["seed", "seed"]
    assert not child_runs["seed 1"].outputs.model_outputs
    (model,) = run.outputs.model_outputs
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}"))
    (network,) = folder.rglob("network.keras")
    assert network.read_text() == "the first"


@pytest.fixture
def stages(tmp_path: Path) -> dict:
    for path, text in (
        ("outputs/models/a/network.keras", "a"),
        ("outputs/tune/best.json", "{}"),
        ("reports/metrics/a.json", "1"),
        ("reports/metrics/rule_exif.json", "2"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def outs(*paths: str) -> dict:
        return {"outs": [{"path": path, "md5": digest(tmp_path / path)} for path in paths] + [{"path": "unhashed"}]}

    return {
        "train@a": outs("outputs/models/a"),
        "tune": outs("outputs/tune/best.json"),
        "evaluate": outs("reports/metrics"),
        "report": outs("outputs/tune/best.json"),
    }


def test_the_logged_outputs_are_those_of_trainings_studies_and_evaluations(stages, tmp_path):
    logged = {(output.role, output.run_name): output for output in dvc_lock.logged_outputs(stages, tmp_path)}
    assert {key: output.path for key, output in logged.items()} == {
        ("train", "a"): "outputs/models/a",
        ("tune", "tune"): "outputs/tune/best.json",
        ("evaluate", "a"): "reports/metrics/a.json",
    }
    assert logged["evaluate", "a"].digest == digest(tmp_path / "reports/metrics/a.json")
    assert logged["train", "a"].stage == "train@a"
    (tmp_path / "reports/metrics/rule_exif.json").write_text("changed")
    # the folder is not as dvc.lock records it, so the digest of one file of it is unknown
    assert ("evaluate", "a") not in {
        (output.role, output.run_name) for output in dvc_lock.logged_outputs(stages, tmp_path)
    }
    assert len(dvc_lock.outputs(stages)) == 4
    assert [output.is_current(tmp_path) for output in dvc_lock.outputs(stages)] == [True, True, False, True]
