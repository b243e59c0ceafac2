"""The report stage, and the plan that follows from its inputs."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.cli import app
from fakefaces.data.splits import read_split
from fakefaces.evaluation import gate, predictions
from fakefaces.evaluation.base_rate import ErrorRates, Traffic, workload
from fakefaces.evaluation.decision_metrics import OperatingPoint
from fakefaces.reporting.html import charts
from fakefaces.reporting.html.context import all_charts, facts, page_context
from fakefaces.reporting.html.groups import group_sentences
from fakefaces.reporting.html.model_card import card_context
from fakefaces.reporting.html.page import render_card, render_page
from fakefaces.reporting.html.promotion import promotion_basis
from fakefaces.reporting.html.run_outputs import RunOutputs
from pipelines.report import main, model_charts
from tests.finished import CAMERA, within


@pytest.fixture(scope="module")
def made(reported):
    with within(reported[1].root):
        yield reported


def test_the_page_is_one_small_file_and_the_same_each_time(made):
    params, layout = made
    page, card = layout.reports / "index.html", layout.reports / "model_card.md"
    first = page.read_bytes(), card.read_bytes()
    assert len(first[0]) < params.report.max_bytes
    assert str(layout.root).encode() not in first[0]
    main(params, layout)
    assert (page.read_bytes(), card.read_bytes()) == first


def test_a_card_is_written_where_metrics_are_undefined(made):
    run = RunOutputs(*made)
    run.localization.clear()
    for name, model in run.metrics.items():
        roc_auc = model.test.overall.roc_auc.model_copy(update={"interval": None})
        overall = model.test.overall.model_copy(update={"roc_auc": roc_auc})
        test = model.test.model_copy(
            update={"overall": overall, "difficulty": {}, "part": {}, "part_count": {}, "by_group": {}}
        )
        point = OperatingPoint(threshold=None, max_fpr=0.1, reason="too few reals")
        missing = {"test": test, "operating_point": point, "variance_explained_by_shortcuts": {}}
        run.metrics[name] = model.model_copy(update=missing)
    context = {"run": run, "facts": facts(run), "data": {"best": run.best, "models": run.models}}
    context |= {"groups": group_sentences(run), "basis": promotion_basis(run)}
    card = render_card(context | card_context(run))
    assert "too few photographs" in card
    assert "Not applicable: it has no heatmaps" in card
    assert charts.slices(run.metrics, "part") is None


def test_the_plots_hold_every_model(made):
    for name in ("roc", "precision_recall", "reliability", "robustness", "slices"):
        table = pd.read_csv(made[1].reports / "plots" / f"{name}.csv")
        assert set(table["model"]) == {"custom_cnn", "worse"}
        assert len(table.columns) == 3


def test_the_run_holds_the_page_with_its_commit_and_pictures_to_compare(made):
    from fakefaces.tracking.store import connect

    store = connect()
    runs = store.search_runs("")
    (parent, *_) = [run for run in runs if run.data.tags["role"] == "report"]
    client = store.client
    assert {"index.html", "model_card.md"} <= {file.path for file in client.list_artifacts(parent.info.run_id)}
    text = Path(client.download_artifacts(parent.info.run_id, "index.html")).read_text()
    assert parent.data.tags["mlflow.source.git.commit"] in text
    pictures = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert {run.info.run_name for run in pictures} == {"custom_cnn", "worse"}
    for run in pictures:
        images = {file.path.split("/")[-1].split("+")[0] for file in client.list_artifacts(run.info.run_id, "images")}
        assert {"roc", "precision_recall", "reliability", "robustness", "loss", "accuracy"} <= images
        metrics = RunOutputs(*made).localization[run.info.run_name]
        values = {
            "pointing": metrics.model.pointing.value,
            "energy": metrics.model.energy.value,
            "empty": metrics.empty,
        }
        assert {name: run.data.metrics[name] for name in values} == pytest.approx(values)
        assert run.data.params == {"model": run.info.run_name}


def test_the_charts_of_a_model_are_of_its_own_metrics(made):
    run = RunOutputs(*made)
    context = {"charts": all_charts(run)}
    for name in run.models:
        drawn = model_charts(run, context, name)
        roc = charts.roc({name: run.curves("roc")[name]})
        assert drawn["roc"]["data"]["values"] == roc["data"]["values"]
        loss, accuracy = charts.history(run.history(name))
        assert (drawn["loss"], drawn["accuracy"]) == (loss, accuracy)
        for kind in ("reliability", "robustness"):
            assert {row["model"] for row in drawn[kind]["data"]["values"]} == {name}


def test_the_card_is_complete(made):
    layout = made[1]
    written = (layout.reports / "model_card.md").read_text()
    assert written.startswith("# Model card: custom_cnn")
    assert "{{" not in written and "None" not in written
    assert "must not be used for" in written
    over_seeds = RunOutputs(*made).metrics["custom_cnn"].over_seeds.metrics
    assert "| ROC AUC over 2 seeds: mean ± standard deviation" in written
    assert all(f"| {over_seeds[name]} |" in written for name in ("roc_auc", "accuracy"))
    assert "Over seeds" in (layout.reports / "index.html").read_text()
    assert f"{len(read_split(layout.images))} images" in written


def test_the_card_has_errors_by_group_and_says_what_was_not_measured(made):
    run = RunOutputs(*made)
    card = (run.layout.reports / "model_card.md").read_text()
    groups = run.metrics[run.best].test.by_group["camera"]
    assert set(groups) == {"Canon", CAMERA, "not stated"}
    canon = groups["Canon"]
    row = f"| camera | Canon | {canon.reals} | {canon.false_alarms} | {canon.fakes} | {canon.misses} |"
    assert row in card.splitlines()
    assert r"\<b\>Nikon\|[x]\(y)" in card  # its marks mean nothing
    assert f"- camera of {groups['not stated'].n} test images" in card
    assert "- errors by age: recorded, but not named in params.yaml: evaluate.slices." in card
    assert "Errors were measured by `camera` alone" in card
    assert "attribute_camera" not in read_split(run.layout.predictions)


def test_models_that_are_fitted_in_closed_form_alone_have_a_page_without_curves(made, monkeypatch):
    run = RunOutputs(*made)
    monkeypatch.setattr(RunOutputs, "history", lambda run, name: pd.DataFrame())
    page = render_page(page_context(run, lambda step: None))
    assert "Without curves: custom_cnn, worse. They were fitted in closed form" in page
    assert 'id="training-model"' not in page and 'id="chart-loss"' not in page


def test_page_and_card_say_on_how_many_images_a_promotion_rests_and_which_difference_they_show(made, monkeypatch):
    run = RunOutputs(*made)
    test = run.metrics[run.best].test.overall
    basis = promotion_basis(run)
    assert (basis.n, basis.groups, basis.metric, basis.unrelated) == (test.n, test.groups, "ROC AUC", None)
    for name in ("index.html", "model_card.md"):
        text = " ".join((run.layout.reports / name).read_text().split())
        assert f"rests on these {test.n} test images of {test.groups} photographs" in text
        assert "they would show is not known: they are too few." in text
    monkeypatch.setattr(gate, "MIN_GROUPS", 3)
    basis = promotion_basis(run)
    assert basis.unrelated and set(basis.by_model) == {"worse"}
    context = {"run": run, "facts": facts(run), "data": {"best": run.best, "models": run.models}}
    context |= {"groups": group_sentences(run), "basis": promotion_basis(run)}
    assert f"difference in ROC AUC of {basis.unrelated:.3f} from" in render_card(context | card_context(run))


def test_the_tippett_plot_is_on_the_card(made):
    run = RunOutputs(*made)
    assert run.metrics[run.best].likelihood_ratio is not None
    assert "](plots/tippett.svg)" in (run.layout.reports / "model_card.md").read_text()
    picture = (run.layout.reports / "plots" / "tippett.svg").read_text()
    assert picture.startswith("<svg") and "log10 likelihood ratio" in picture and "<path" in picture


def plan(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["plan", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_threshold_is_planned_by_reviewers_and_base_rate(made, monkeypatch):
    run = RunOutputs(*made)
    output = plan("--photographs", "1000", "--reviews", "50", "--base-rate", "1/20", "--threshold", "0.5")
    assert output.startswith("custom_cnn: 1/20 of 1,000 photographs a day are fake.")
    assert "drawn faces" not in output
    test = predictions.TestPredictions.from_table(run.scored("custom_cnn").test)
    day = workload(ErrorRates.at(test, 0.5), Traffic(0.05, 1000, 50))
    lines = output.splitlines()
    (place,) = [k for k, line in enumerate(lines) if line.startswith("as given")]
    shown = [f"{value:,.0f}" for value in (day.flagged.value, day.found.value, day.accused.value)]
    assert lines[place - 1].split()[:4] == ["0.5000", *shown]
    assert f"{day.precision.interval[0]:.1%}–{day.precision.interval[1]:.1%}" in lines[place]
    thresholds = [float(line.split()[0]) for line in lines if re.match(r"[01]\.\d{4} ", line)]
    assert thresholds == sorted(thresholds, reverse=True) and len(thresholds) == 5
    assert "worse: 1% of" in plan("--model", "worse", "--base-rate", "1%")
    monkeypatch.setattr(Layout, "drawn", True)
    assert "drawn faces: they say nothing about photographs" in " ".join(plan().split())
    assert max(map(len, lines)) <= 80


def test_a_plan_refuses_impossible_days_and_unknown_models(made):
    for arguments, message in (
        (["--base-rate", "2"], "not between 0 and 1"),
        (["--base-rate", "few"], "not a share"),
        (["--base-rate", "1/0"], "not a share"),
        (["--reviews", "0"], "not above 0"),
        (["--model", "best"], "custom_cnn, worse"),
    ):
        result = CliRunner().invoke(app, ["plan", *arguments])
        assert isinstance(result.exception, FakefacesError), result.output
        assert message in str(result.exception)


def test_a_plan_before_any_run_says_what_to_do(made, tmp_path):
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(made[1].root / name, tmp_path)
    with within(tmp_path):
        result = CliRunner().invoke(app, ["plan"])
    assert isinstance(result.exception, FakefacesError)
    assert str(result.exception) == "outputs/images.csv: not there yet; make it with: dvc repro evaluate"
