"""The evaluate stage: which scores, split, fold, threshold and class each metric is of."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fakefaces.data import photographs
from fakefaces.data.attributes import PREFIX
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import images_digest, read_split
from fakefaces.evaluation import predictions
from fakefaces.evaluation.comparisons import compare_all
from fakefaces.evaluation.evaluate import variance_explained
from fakefaces.evaluation.metrics import point_metrics
from fakefaces.evaluation.operating_point import operating_threshold
from fakefaces.evaluation.predictions import ValidationPredictions
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.evaluation.seeds import over_seeds
from fakefaces.preflight.model_names import fault_of
from fakefaces.reporting.tables.best import best_metrics
from fakefaces.reporting.tables.results import comparisons_table
from fakefaces.tracking.digests import digest
from fakefaces.validation import facts
from tests.evaluate_stage import RULES, THRESHOLDS, Evaluated, run_stage_on_made_up_files


@pytest.fixture(scope="module", params=["grouped", "folds"])
def evaluated(request, small_params, tmp_path_factory) -> Evaluated:
    return run_stage_on_made_up_files(tmp_path_factory.mktemp("evaluated") / request.param, small_params, request.param)


def thresholds(evaluated: Evaluated) -> dict[str, float]:
    """The threshold that decides, of each model."""
    return {name: evaluated.model(name).operating_point.threshold for name in THRESHOLDS}


def test_each_model_is_evaluated_on_its_own_scores_of_each_split_at_its_own_threshold(evaluated):
    with_folds = evaluated.params.split.protocol == "folds"
    for number, (name, threshold) in enumerate(THRESHOLDS.items()):
        model = evaluated.model(name)
        test, validation = evaluated.scored(name, "test"), evaluated.scored(name, "validation")
        assert (len(test), model.n_splits) == ((200, 4) if with_folds else (80, 1))
        decided = model.operating_point.threshold
        assert (model.threshold, model.protocol) == (decided, evaluated.params.split.protocol)
        assert (model.weights, model.parameters) == (f"w of {name}", 100 + number)
        assert model.model_digest == digest(evaluated.layout.model(name))
        assert model.test_digest == images_digest(test)
        source = test["image"].where(test["label"] == 1).map(evaluated.source)
        table = test.assign(encoding=test["quantization"], source=source)
        assert model.test == evaluate_scores(table, decided, evaluated.resampling, default_threshold=threshold)
        assert model.test.paired.unpaired == (source.isna() & (test["label"] == 1)).sum() > 0
        assert model.validation == point_metrics(ValidationPredictions.from_table(validation), decided)


def test_no_model_can_have_the_name_of_a_column_beside_the_scores(evaluated):
    columns = set(pd.read_csv(evaluated.layout.predictions)) | set(pd.read_csv(evaluated.layout.images))
    columns = columns - set(THRESHOLDS) | {*photographs.COLUMNS, *facts.COLUMNS, f"{PREFIX}age"}
    assert {"image", "label", "group", "sha256"} < columns
    assert [name for name in columns if not fault_of(name)] == []


def test_the_operating_point_is_chosen_on_validation_and_measured_on_test(evaluated):
    for name in THRESHOLDS:
        point = evaluated.model(name).operating_point
        test, validation = evaluated.scored(name, "test"), evaluated.scored(name, "validation")
        chosen = operating_threshold(ValidationPredictions.from_table(validation), max_fpr=0.2)
        assert (point.threshold, point.max_fpr) == (chosen.threshold, 0.2)
        assert point.abstention_band.max_fnr == 0.1
        called_fake = test["p_fake"] >= chosen.threshold
        assert point.test.recall.value == round(called_fake[test["label"] == 1].mean(), 6)
        assert point.test.fpr.value == round(called_fake[test["label"] == 0].mean(), 6)


def test_a_model_with_seeds_has_their_spread_beside_the_metrics_of_the_first(evaluated):
    columns = ("p_fake", "p_fake_seed1", "p_fake_seed2")
    test = [predictions.TestPredictions.from_table(evaluated.scored("second", "test", column)) for column in columns]
    validation = [ValidationPredictions.from_table(evaluated.scored("second", "validation", c)) for c in columns]
    decided = [operating_threshold(of_seed, max_fpr=0.2).threshold for of_seed in validation]
    model = evaluated.model("second")
    assert model.over_seeds == over_seeds(test, decided, evaluated.resampling)
    assert model.over_seeds.metrics["roc_auc"].values[0] == model.test.overall.roc_auc.value
    assert model.over_seeds.metrics["accuracy"].values[0] == model.test.overall.accuracy.value
    assert model.over_seeds.metrics["roc_auc"].spread > 0
    assert "over_seeds" not in json.loads(evaluated.layout.metrics("custom_cnn").read_text())
    table = pd.read_csv(evaluated.layout.reports / "results.csv").set_index("model")
    assert table["seeds"].isna()["custom_cnn"] and table.loc["second", "seeds"] == 3
    for part in ("mean", "spread"):
        value = getattr(model.over_seeds.metrics["brier"], part)
        assert table.loc["second", f"seeds_brier_{part}"] == pytest.approx(value, abs=1e-6)
    logged = next(run.logged_metrics for run in evaluated.runs if run.name == "second")
    assert logged["test_roc_auc_seeds_spread"] == model.over_seeds.metrics["roc_auc"].spread
    assert logged["test_roc_auc"] == model.test.overall.roc_auc.value
    page = (evaluated.layout.reports / "results.md").read_text()
    assert f"| second | 3 | {model.test.overall.roc_auc.value:.3f} |" in page


def test_robustness_is_of_the_corrupted_images_at_the_models_threshold(evaluated):
    for name, threshold in thresholds(evaluated).items():
        original, *levels = evaluated.model(name).robustness
        assert [row.level for row in levels] == [90, 50]
        test = evaluated.scored(name, "test")
        test = test[test["image"].isin(evaluated.corrupted_scores[name]["image"])]
        assert original.accuracy.value == round(((test["p_fake"] >= threshold) == test["label"]).mean(), 6)
        assert levels[1].accuracy.value == round(((test["p_fake"] / 2 >= threshold) == test["label"]).mean(), 6)
        assert levels[1].roc_auc.value == round(roc_auc_score(test["label"], test["p_fake"]), 6)


def test_a_rule_is_evaluated_at_its_own_operating_point_beside_the_threshold_of_params_yaml_and_explains_the_models(
    evaluated,
):
    names = {path.stem for path in (evaluated.layout.reports / "metrics").iterdir()}
    assert names == {*THRESHOLDS, "rule_header", "rule_exif"}
    for name in RULES:
        rule, test, validation = evaluated.rule(name), *(evaluated.scored(name, s) for s in ("test", "validation"))
        decided = rule.operating_point.threshold
        assert (rule.threshold, rule.weights) == (decided, f"sees only: {name}")
        assert rule.test.default.accuracy.value == round(((test["p_fake"] >= 0.55) == test["label"]).mean(), 6)
        assert rule.validation == point_metrics(ValidationPredictions.from_table(validation), decided)
        assert (rule.variance_explained_by_shortcuts, rule.robustness, rule.part_scores) == ({}, [], None)
        for model in THRESHOLDS:
            share = variance_explained(evaluated.scored(model, "test")["p_fake"], test[["p_fake"]])
            assert evaluated.model(model).variance_explained_by_shortcuts[name] == round(share, 6)
    assert list(evaluated.model("second").variance_explained_by_shortcuts) == ["header", "exif", "all"]


def test_each_part_score_is_evaluated_by_its_own_truth_on_the_test_images(evaluated):
    assert evaluated.model("custom_cnn").part_scores is None
    scores = evaluated.scores["second"]
    test = evaluated.images.merge(scores[scores["split"] == "test"], on="image", suffixes=("", "_score"))
    fakes = test[test["label"] == 1]
    for part in PARTS:
        metrics = evaluated.model("second").part_scores[part]
        assert metrics.all.roc_auc.value == round(roc_auc_score(test[part], test[f"{part}_score"]), 6)
        assert metrics.fakes.roc_auc.value == round(roc_auc_score(fakes[part], fakes[f"{part}_score"]), 6)


def test_the_models_are_compared_by_their_own_thresholds_and_by_groups(evaluated):
    test = {name: predictions.TestPredictions.from_table(evaluated.scored(name, "test")) for name in THRESHOLDS}
    wanted = comparisons_table(compare_all(test, thresholds(evaluated), evaluated.resampling))
    table = pd.read_csv(evaluated.layout.reports / "comparisons.csv")
    pd.testing.assert_frame_equal(table, wanted, atol=1e-6, rtol=0, check_dtype=False)


def test_the_table_of_predictions_holds_the_score_of_every_model_and_rule_for_each_image(evaluated):
    table = read_split(evaluated.layout.predictions)
    assert list(table["image"]) == sorted(table["image"])
    columns = {name: name for name in THRESHOLDS} | {name: f"rule_{name}" for name in RULES}
    for name, column in columns.items():
        wanted = evaluated.scored(name, "test")
        assert list(table["image"]) == list(wanted["image"])
        assert list(table["sha256"]) == list(wanted["sha256"])
        assert table[column].to_numpy() == pytest.approx(wanted["p_fake"].to_numpy(), abs=1e-8)
    assert "p_fake" not in table


def test_the_best_model_on_validation_has_its_few_metrics_in_the_file_that_dvc_shows(evaluated):
    best = json.loads(evaluated.layout.best_metrics.read_text())
    name = max(THRESHOLDS, key=lambda name: evaluated.model(name).validation.value("roc_auc"))
    test = evaluated.model(name).test
    assert best == {
        "model": name,
        "accuracy": test.overall.accuracy.value,
        "roc_auc": test.overall.roc_auc.value,
        "matched_roc_auc": test.matched.roc_auc.value,
        "paired_win_rate": test.paired.win_rate.value,
        "brier": test.overall.brier.value,
        "threshold": thresholds(evaluated)[name],
    }
    nothing = best_metrics({}, "roc_auc")
    assert list(nothing) == list(best) and set(nothing.values()) == {None}


def test_curves_have_fake_as_the_positive_class_and_are_of_the_test_images(evaluated):
    for name in THRESHOLDS:
        test = evaluated.scored(name, "test")
        roc = pd.read_csv(evaluated.layout.reports / "roc" / f"{name}.csv")
        auc = roc_auc_score(test["label"], test["p_fake"])
        assert auc > 0.55
        assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(auc, abs=1e-4)
        curve = pd.read_csv(evaluated.layout.reports / "precision_recall" / f"{name}.csv")
        assert (curve["recall"].iloc[-1], curve["precision"].iloc[-1]) == (1, 0.5)


def test_a_run_is_tagged_by_model_and_test_images_and_lists_the_images_outside_of_the_test(evaluated):
    assert [(run.name, run.role) for run in evaluated.runs] == [(name, "evaluate") for name in THRESHOLDS]
    for run in evaluated.runs:
        model = evaluated.model(run.name)
        assert run.tags == {"model.digest": model.model_digest, "test.digest": model.test_digest}
        assert run.logged_params["model"] == run.name
        assert run.logged_params["threshold"] == thresholds(evaluated)[run.name]
        assert run.logged_params["seed"] == evaluated.params.seed
        assert run.outputs == [f"reports/metrics/{run.name}.json"]
        layout = evaluated.layout
        assert set(run.files) == {
            layout.metrics(run.name),
            layout.scores(run.name),
            layout.corrupted_scores(run.name),
            layout.predictions,
            layout.reports / "results.md",
            layout.reports / "comparisons.csv",
        }
        if evaluated.params.split.protocol == "grouped":
            outside = evaluated.images.loc[evaluated.images["split"].isin(["train", "validation"]), "sha256"]
            assert run.texts["seen.txt"].split() == sorted(outside)


def test_the_rows_of_the_evaluated_models_are_brought_up_to_date(evaluated):
    assert evaluated.published == {evaluated.model(name).model_digest for name in THRESHOLDS}


def test_a_run_logs_each_metric_under_the_name_of_its_images(evaluated):
    for run in evaluated.runs:
        model, logged = evaluated.model(run.name), run.logged_metrics
        test, point = model.test, model.operating_point
        assert logged["validation_roc_auc"] == model.validation.roc_auc
        assert logged["test_roc_auc"] == test.overall.roc_auc.value != logged["validation_roc_auc"]
        roc_auc = model.test.overall.roc_auc
        assert (logged["test_roc_auc_low"], logged["test_roc_auc_high"]) == roc_auc.interval
        assert logged["operating_threshold"] == point.threshold
        assert logged["test_jpeg_90_roc_auc_low"] == model.robustness[1].roc_auc.interval[0]
        assert logged["test_matched_n"] == test.matched.n < logged["test_n"]
        assert logged["test_paired_win_rate"] == test.paired.win_rate.value
        assert logged["test_reference_precision"] == test.reference.precision
        assert logged["operating_fpr"] == point.test.fpr.value != point.fpr
        assert logged["explained_all"] == model.variance_explained_by_shortcuts["all"]
        assert logged["test_jpeg_90_roc_auc"] == model.robustness[1].roc_auc.value
        assert logged["test_jpeg_50_accuracy"] == model.robustness[2].accuracy.value
