"""What MLflow's pages show of evaluated models, on sqlite and on PostgreSQL."""

import shutil
from pathlib import Path

import pytest
import yaml

from fakefaces.cli.doctor import doctor
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.subset_metrics import OverSeeds, SeedEstimate
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.leaderboard import publishing
from fakefaces.leaderboard.publishing import changes, publish
from fakefaces.tracking import detectors, runs
from fakefaces.tracking.descriptions import NOTE
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.digests import digest
from fakefaces.tracking.evaluations import metrics_by_name
from fakefaces.tracking.runs import Run, stage_run
from fakefaces.tracking.store import Store, connect
from fakefaces.tracking.training_runs import trainings
from tests.metrics import model_metrics


def train(root: Path, name: str) -> str:
    """A training's run with its logged model, and its outputs; returns the digest of the model's folder."""
    folder = root / "outputs" / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.onnx").write_text(f"the graph of {name}")
    metadata = DetectorMetadata(
        model=name, kind="simple_cnn", image_size=32, weights="random", threshold=0.5, parameters=7
    )
    (folder / "detector.json").write_text(metadata.model_dump_json())
    with stage_run(name, role="train") as run:
        run.params({"model": name, "seed": 20, "fit": {"epochs": 2}})
        run.metrics({"val_loss": 0.5}, step=1)
        log_detector(run, folder, next((root / "data" / "training_real").iterdir()).read_bytes())
        run.log_outputs(f"outputs/models/{name}")
    return digest(folder)


def evaluate(root: Path, name: str, validation: float, test: float, record: ModelMetrics | None = None) -> ModelMetrics:
    """An evaluation's run with a stated ROC AUC on validation and on test, or a record, as the stage leaves it."""
    model = root / "outputs" / "models" / name
    metrics = with_interval(record or model_metrics(validation, test, model_digest=digest(model)))
    (root / "reports").mkdir(exist_ok=True)
    metrics.write(root / "reports" / f"{name}.json")
    with stage_run(name, role="evaluate") as run:
        run.params({"model": name, "seed": 20, "drawn": True})
        run.tag("model.digest", metrics.model_digest)
        run.tag("test.digest", metrics.test_digest)
        run.metrics(metrics_by_name(metrics))
        run.artifact(root / "reports" / f"{name}.json")
        run.log_outputs(f"reports/{name}.json")
    return metrics


def with_interval(model: ModelMetrics) -> ModelMetrics:
    """The metrics with an interval of the ROC AUC on test, 0.1 to either side."""
    test, roc_auc = model.test, model.test.overall.roc_auc
    bounded = roc_auc.model_copy(update={"interval": (round(roc_auc.value - 0.1, 6), round(roc_auc.value + 0.1, 6))})
    overall = test.overall.model_copy(update={"roc_auc": bounded})
    return model.model_copy(update={"test": test.model_copy(update={"overall": overall})})


def the(store: Store, role: str, name: str = ""):
    """The newest run of a role, and of a model."""
    return store.search_runs(f"tags.role = '{role}'" + (f" and params.model = '{name}'" if name else ""))[0]


def logged_models(store: Store) -> dict:
    return {model.name: model for model in store.client.search_logged_models([store.experiment_id])}


@pytest.fixture
def published(tracked: Path) -> Path:
    """Two models; the one that is better on validation is worse on test."""
    digests = {train(tracked, name) for name in ("chosen", "lucky")}
    evaluate(tracked, "chosen", 0.8, 0.7)
    evaluate(tracked, "lucky", 0.6, 0.9)
    publish(digests)
    return tracked


def test_one_row_a_model_has_its_parameters_and_the_metrics_of_its_evaluation_with_intervals(published):
    store = connect()
    for name in ("chosen", "lucky"):
        run, record = the(store, "train", name), ModelMetrics.read(published / "reports" / f"{name}.json")
        assert run.data.params["fit.epochs"] == "2"
        assert run.data.metrics["val_loss"] == 0.5
        assert run.data.metrics["validation_roc_auc"] == record.validation.roc_auc
        for metric in ("roc_auc", "accuracy"):
            estimate = record.test.overall.estimate(metric)
            logged = [run.data.metrics[f"test_{metric}{bound}"] for bound in ("", "_low", "_high")]
            assert logged == [estimate.value, *estimate.interval]
        assert run.info.status == "FINISHED"
        (evaluation,) = store.search_runs(f"tags.mlflow.parentRunId = '{run.info.run_id}'")
        assert evaluation.data.tags["role"] == "evaluate"
        assert f"**{record.test.overall.roc_auc}**" in run.data.tags[NOTE]
        assert "Decisions about a person" in run.data.tags[NOTE]
        assert "has seen no photograph" in run.data.tags[NOTE]


def test_a_parent_has_the_metrics_of_the_model_that_is_best_on_validation(published):
    store = connect()
    parent, chosen = the(store, "pipeline"), the(store, "train", "chosen")
    row = {name: value for name, value in chosen.data.metrics.items() if name.startswith(("validation_", "test_"))}
    assert row.items() <= parent.data.metrics.items()
    assert parent.data.metrics["test_roc_auc"] == 0.7
    assert parent.data.tags["best.model"] == "chosen"
    lines = parent.data.tags[NOTE].splitlines()
    assert [line.split(" | ")[:2] for line in lines if line.startswith("| ")][2:] == [
        ["| chosen", "0.800"],
        ["| lucky", "0.600"],
    ]
    experiment = store.client.get_experiment(store.experiment_id)
    assert "| chosen | 0.800 | 0.700 [" in experiment.tags[NOTE]
    assert "Decisions about a person" in experiment.tags[NOTE]


def test_logged_models_have_own_names_and_the_metrics_on_the_test_images(published):
    store = connect()
    models = logged_models(store)
    assert set(models) == {"chosen", "lucky"}
    for name, model in models.items():
        row = the(store, "train", name).data.metrics
        metrics = {metric.key: metric for metric in model.metrics}
        assert metrics["test_roc_auc_low"].value == row["test_roc_auc_low"]
        assert metrics["test_roc_auc"].dataset_name == "test"
        assert metrics["test_roc_auc"].dataset_digest == "these images"
        assert metrics["validation_roc_auc"].dataset_name != "test"
        assert model.params["fit.epochs"] == "2"
        assert f"**{name}** scores a face" in model.tags[NOTE]
        inputs = store.client.get_run(the(store, "evaluate", name).info.run_id).inputs
        assert [entry.model_id for entry in inputs.model_inputs] == [model.model_id]
        assert "test" in {entry.dataset.name for entry in inputs.dataset_inputs}


def test_seeds_are_children_with_metrics_of_their_own_and_the_row_has_their_spread(tracked):
    digest_of_model = train(tracked, "chosen")
    training = the(connect(), "train", "chosen")
    tags = {name: value for name, value in training.data.tags.items() if name != "mlflow.runName"}
    of_model = Run(connect(), training.info.run_id, tracked, tags)
    for one in trainings(n_splits=1, n_seeds=2):
        with one.run(of_model) as seed_run:
            seed_run.metrics({"val_loss": 0.5})
    metric = SeedEstimate(values=[0.7, 0.6], mean=0.65, spread=0.05, interval=(0.5, 0.8))
    record = model_metrics(0.8, 0.7, model_digest=digest_of_model)
    over = OverSeeds(n=2, metrics={"roc_auc": metric})
    evaluate(tracked, "chosen", 0.8, 0.7, record.model_copy(update={"over_seeds": over}))
    publish({digest_of_model})
    store = connect()
    row = the(store, "train", "chosen").data.metrics
    assert (row["test_roc_auc"], row["seeds"]) == (0.7, 2)
    names = ("mean", "spread", "low", "high")
    assert [row[f"test_roc_auc_seeds_{name}"] for name in names] == [0.65, 0.05, 0.5, 0.8]
    children = {run.info.run_name: run for run in store.search_runs("tags.role = 'seed'")}
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {training.info.run_id}
    assert [children[f"seed {k}"].data.metrics["test_roc_auc"] for k in range(2)] == [0.7, 0.6]
    assert list(changes(store)) == []


def test_doing_it_again_changes_nothing(published):
    store = connect()
    assert list(changes(store)) == []
    publish({digest(published / "outputs" / "models" / "chosen")})
    run = the(store, "train", "chosen")
    assert len(store.client.get_metric_history(run.info.run_id, "test_roc_auc")) == 1
    assert the(store, "pipeline").data.metrics["test_roc_auc"] == 0.7


def test_where_the_training_came_from_the_cache_the_evaluation_is_the_row(published):
    params = yaml.safe_load((published / "params.yaml").read_text())
    (published / "params.yaml").write_text(yaml.safe_dump(params | {"seed": 21}, sort_keys=False))
    record = evaluate(published, "chosen", 0.8, 0.75)
    publish({record.model_digest})
    store = connect()
    evaluation = the(store, "evaluate", "chosen")
    newest, first = store.search_runs("tags.role = 'pipeline'")
    assert evaluation.data.tags["mlflow.parentRunId"] == newest.info.run_id
    assert evaluation.data.params["fit.epochs"] == "2"
    assert newest.data.metrics["test_roc_auc"] == 0.75
    assert the(store, "train", "chosen").data.metrics["test_roc_auc"] == 0.75
    assert first.data.tags["best.model"] == "chosen"
    assert list(changes(store)) == []


def test_what_a_person_wrote_stays(published):
    store = connect()
    run, parent = the(store, "train", "chosen"), the(store, "pipeline")
    for run_id in (run.info.run_id, parent.info.run_id):
        store.client.set_tag(run_id, NOTE, "mine")
    store.client.set_experiment_tag(store.experiment_id, NOTE, "mine")
    record = evaluate(published, "chosen", 0.85, 0.7)
    publish({record.model_digest})
    assert the(store, "train", "chosen").data.metrics["validation_roc_auc"] == 0.85
    assert the(store, "train", "chosen").data.tags[NOTE] == the(store, "pipeline").data.tags[NOTE] == "mine"
    assert store.client.get_experiment(store.experiment_id).tags[NOTE] == "mine"


def test_the_doctor_brings_a_store_of_an_earlier_release_up_to_date(tracked, capsys, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(runs, "note_of_role", lambda role: {})
        earlier.setattr(detectors, "logged_name", lambda *parts: "detector")
        train(tracked, "chosen")
        record = evaluate(tracked, "chosen", 0.8, 0.7)
    store = connect()
    ended = the(store, "train").info.end_time
    assert set(logged_models(store)) == {"detector"}
    lacking = publishing.outdated()
    assert any("names of logged models (1)" in text for text in lacking), lacking
    doctor(fix=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "MLflow's pages lack" in said
    assert "metrics of models (1)" in said
    run = the(store, "train", "chosen")
    assert run.data.metrics["test_roc_auc_low"] == record.test.overall.roc_auc.interval[0]
    assert run.info.end_time == ended
    assert set(logged_models(store)) == {"chosen"}
    assert all(NOTE in run.data.tags for run in store.search_runs(""))
    doctor()
    assert "no problems" in capsys.readouterr().out


def test_an_evaluation_whose_files_are_gone_still_gives_its_metrics(tracked):
    train(tracked, "chosen")
    record = evaluate(tracked, "chosen", 0.8, 0.7)
    store = connect()
    shutil.rmtree(Path(store.client.download_artifacts(the(store, "evaluate").info.run_id, "")))
    publish({record.model_digest})
    assert the(store, "train", "chosen").data.metrics["test_roc_auc"] == 0.7
    assert list(changes(store)) == []


def test_an_evaluation_that_was_not_finished_gives_nothing(tracked):
    model = train(tracked, "chosen")
    with pytest.raises(KeyboardInterrupt), stage_run("chosen", role="evaluate") as run:
        run.params({"model": "chosen"})
        run.tag("model.digest", model)
        run.metrics({"test_roc_auc": 0.9})
        raise KeyboardInterrupt
    publish({model})
    assert "test_roc_auc" not in the(connect(), "train", "chosen").data.metrics
