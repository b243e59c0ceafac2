"""Predictions are evaluated as our own are, on the images that they cover."""

import json

import pytest

from fakefaces.base.errors import DataError
from fakefaces.benchmark.benchmark_set import project_set
from fakefaces.benchmark.evaluation import evaluate_predictions
from fakefaces.benchmark.predictions import read_predictions
from fakefaces.cli.benchmark import benchmark as command
from fakefaces.evaluation.model_metrics import ModelMetrics
from tests.benchmark.sets import publish, scores_of, small_set, written
from tests.finished import within


def read(folder, benchmark, name="theirs", **scores):
    rows = scores_of(benchmark, **scores)
    return read_predictions(written(folder / f"{name}.csv", rows), benchmark).scores


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Two predictions on folds, good and reversed."""
    folder, folds = tmp_path_factory.mktemp("done"), small_set(folds=4)
    return evaluate_predictions(folds, {"good": read(folder, folds), "reversed": read(folder, folds, signal=-1.5)})


def test_the_rows_have_matched_and_paired_metrics_slices_and_shortcuts(done):
    assert list(done.rows) == ["good", "reversed", "rule_header", "rule_colour"]
    good = done.rows["good"]
    assert good.test.overall.roc_auc.value > 0.8 and good.test.overall.roc_auc.interval
    assert (good.test.matched.n, good.test.paired.n) == (60, 15)
    assert set(good.test.difficulty) == {"easy", "mid", "hard"} and good.test.part["left_eye"].fakes == 40
    assert set(good.variance_explained_by_shortcuts) == {"header", "colour", "all"}
    assert good.operating_point.threshold is None and good.threshold == 0.5  # nothing of validation was scored
    assert (done.n, done.n_test, done.missing) == (80, 80, [])
    assert done.coverage() == "all 80 test images have a score"


def test_scores_of_the_wrong_class_are_warned_of(done):
    (warning,) = done.warnings()
    assert warning.startswith("reversed: its ROC AUC is significantly below 0.5")


def test_recall_at_a_rate_and_comparisons_belong_to_each_row(done):
    record = json.loads(json.dumps(done.record(), allow_nan=False))
    rates = record["rows"]["good"]["recall_at_fpr"]
    assert rates["0.01"]["value"] is None and "40 reals cannot show" in rates["0.01"]["reason"]
    assert 0 < rates["0.05"]["value"] <= rates["0.1"]["value"] <= 1
    pair = record["comparisons"][0]
    assert (pair["first"], pair["second"]) == ("good", "reversed") and pair["roc_auc_interval"][0] > 0


def test_partial_predictions_are_evaluated_on_what_all_cover_and_it_is_said(tmp_path):
    folds = small_set(folds=4)
    whole = read(tmp_path, folds)
    some, others = whole.iloc[10:], whole.iloc[:-20]
    done = evaluate_predictions(folds, {"some": some, "others": others})
    assert (done.n, done.n_test, len(done.missing)) == (50, 80, 30)
    assert {row.test.overall.n for row in done.rows.values()} == {50}
    assert done.coverage().startswith("PARTIAL: 50 of 80 test images have a score (62.5%)")
    assert done.missing[0] in done.coverage() and "and 27 more" in done.coverage()
    with pytest.raises(DataError, match="no test image has a score of each"):
        evaluate_predictions(folds, {"some": whole.iloc[:10], "others": whole.iloc[10:]})


def test_predictions_of_one_class_have_reasons_in_place_of_metrics(tmp_path):
    grouped = small_set()
    scores = read(tmp_path, grouped)
    done = evaluate_predictions(grouped, {"reals": scores[scores["image"].str.contains("real")]})
    overall = done.rows["reals"].test.overall
    assert overall.roc_auc.value is None and "no fakes" in overall.roc_auc.reason
    assert all("no fakes" in value.reason for value in done.recall_at_fpr["reals"].values())


def test_our_own_scores_get_the_rows_of_the_report(reported):
    _, layout = reported
    with within(layout.root):
        own, _ = project_set(layout.root)
    scores = read_predictions(layout.scores("worse"), own).scores
    row = evaluate_predictions(own, {"worse": scores}).rows["worse"]
    report = ModelMetrics.read(layout.metrics("worse"))
    assert row.test == report.test and row.operating_point == report.operating_point
    assert row.validation == report.validation
    assert row.variance_explained_by_shortcuts == report.variance_explained_by_shortcuts


def test_the_command_prints_a_row_each_and_writes_the_pages(tmp_path, capsys):
    folds = small_set(folds=4)
    folder = publish(tmp_path / "set", folds)
    theirs, others = (written(tmp_path / f"{name}.csv", scores_of(folds, seed=k)) for k, name in enumerate(("a", "b")))
    command([theirs, others], published=folder, to=tmp_path / "out")
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()[1:]] == ["a", "b", "rule_header", "rule_colour"]
    assert "all 80 test images have a score" in printed.err and "scores of fake in score" in printed.err
    record = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert list(record["rows"]) == ["a", "b", "rule_header", "rule_colour"]
    page = (tmp_path / "out" / "benchmark.md").read_text()
    for heading in (
        "Validity checks",
        "Recall at a false-positive rate",
        "Pairwise comparisons",
        "By difficulty and part",
    ):
        assert f"## {heading}" in page
    with pytest.raises(DataError, match="named twice"):
        command([theirs, theirs], published=folder)


def test_without_a_pipeline_a_published_set_is_asked_for(workspace):
    with pytest.raises(DataError, match="images.csv is missing: .*--set FOLDER"):
        project_set(workspace)
