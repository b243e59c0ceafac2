"""What the report stage logs of each model, without an MLflow store."""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from fakefaces.base.paths import Layout
from fakefaces.reporting.html import charts
from pipelines import report
from tests.metrics import localization_metrics
from tests.reporting.html.test_charts import METRICS


class StubRun:
    """A run that stores what is logged to it."""

    def __init__(self) -> None:
        self.tags = {"mlflow.source.git.commit": "0123abc", "git.dirty": "false"}
        self.children: dict[str, StubRun] = {}
        self.values: dict[str, object] = {}
        self.images: dict[str, object] = {}
        self.queried: tuple = ()

    def params(self, values: dict) -> None:
        self.values |= {name: value for name, value in values.items() if value is not None}

    metrics = params

    def image(self, name: str, png: object) -> None:
        self.images[name] = png

    def text(self, text: str, name: str) -> None:
        self.values[name] = text

    def artifact(self, path: Path) -> None:
        self.values["artifact"] = path.name

    def log_outputs(self, *paths: str) -> None:
        self.values["outputs"] = paths

    def metrics_of(self, path: Path, *names: str) -> dict:
        self.queried = (path, *names)
        return {"trial_seconds": 7.0}

    @contextmanager
    def child(self, name: str, role: str):
        assert role == "pictures"
        self.children[name] = StubRun()
        yield self.children[name]


@pytest.fixture
def logged(tmp_path, monkeypatch) -> tuple[SimpleNamespace, StubRun]:
    layout, parent = Layout(tmp_path), StubRun()
    layout.heatmaps.mkdir(parents=True)
    (layout.heatmaps / "b_filters.png").write_bytes(b"filters of b")
    epochs = pd.DataFrame({"epoch": [1.0], "loss": [0.5], "accuracy": [0.9], "val_loss": [0.7], "val_accuracy": [0.6]})
    run = SimpleNamespace(
        layout=layout,
        models=["a", "b"],
        best="a",
        metrics=METRICS,
        localization={"b": localization_metrics(0.6, empty=0.25)},
        curves=lambda kind: {
            name: pd.DataFrame({"fpr": [value], "tpr": [value], "recall": [value], "precision": [value]})
            for name, value in (("a", 0.1), ("b", 0.2))
        },
    )
    context = {"charts": {"history": {"b": charts.history(epochs)}}}

    @contextmanager
    def stage_run(name: str, role: str):
        assert (name, role) == ("report", "report")
        yield parent

    monkeypatch.setattr(report, "stage_run", stage_run)
    monkeypatch.setattr(report, "png", lambda spec: spec)
    monkeypatch.setattr(report, "render_page", lambda context, **more: str(more))
    report.log(run, context, lambda advance, note: None)
    return run, parent


def test_the_run_of_a_model_has_its_own_metrics_and_charts(logged):
    _, parent = logged
    a, b = parent.children["a"], parent.children["b"]
    assert a.values == {"model": "a"}
    intervals = {"pointing_low": 0.5, "pointing_high": 0.7, "energy_low": 0.2, "energy_high": 0.4}
    assert b.values == pytest.approx({"pointing": 0.6, "energy": 0.3, "empty": 0.25} | intervals | {"model": "b"})
    assert set(a.images) == {"roc", "precision_recall", "reliability", "robustness"}
    assert set(b.images) == set(a.images) | {"loss", "accuracy", "filters"}
    assert b.images["filters"] == b"filters of b"
    for child, name, value in ((a, "a", 0.1), (b, "b", 0.2)):
        assert child.images["roc"]["data"]["values"] == [{"fpr": value, "tpr": value, "model": name, "order": 0}]
        (row,) = child.images["precision_recall"]["data"]["values"]
        assert (row["recall"], row["precision"], row["model"]) == (value, value, name)
        for kind in ("reliability", "robustness"):
            assert {row["model"] for row in child.images[kind]["data"]["values"]} == {name}
        assert child.images["roc"]["title"] == f"{name}: roc"
    assert [row["value"] for row in b.images["loss"]["data"]["values"]] == [0.5, 0.7]
    assert [row["value"] for row in b.images["accuracy"]["data"]["values"]] == [0.9, 0.6]


def test_the_page_of_the_run_has_the_commit_and_the_duration_of_the_study(logged):
    run, parent = logged
    assert parent.queried == (run.layout.tuned("best"), "trial_seconds")
    assert parent.values["index.html"] == str({"commit": "0123abc", "tuning_seconds": 7.0})
    assert parent.values["artifact"] == "model_card.md"
    assert parent.values["outputs"] == ("reports/index.html", "reports/model_card.md")
