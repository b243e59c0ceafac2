import json
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from fakefaces.base.errors import ParamsError
from fakefaces.evaluation import predictions
from fakefaces.evaluation.calibration import reliability
from fakefaces.evaluation.evaluate import Evaluator, variance_explained
from fakefaces.evaluation.intervals import Resampling, wilson_interval
from fakefaces.evaluation.metrics import confusion, point_metrics, subset_metrics
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.evaluation.operating_point import abstention_band, operating_point, operating_threshold
from fakefaces.evaluation.predictions import ScoredImages, ValidationPredictions
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.evaluation.subset_metrics import AllMetrics, CorruptedMetrics, ReliabilityBin
from tests.metrics import EVALUATOR

RNG = np.random.default_rng(11)


def logit(p):
    return np.log(p / (1 - p))


def test_the_explained_variance_is_r2_of_a_linear_regression_on_logits():
    rules = RNG.uniform(0.1, 0.9, (200, 2))
    p = 1 / (1 + np.exp(-(logit(rules) @ [1.0, -0.5] + RNG.normal(0, 1, 200))))
    wanted = LinearRegression().fit(logit(rules), logit(p)).score(logit(rules), logit(p))
    assert variance_explained(p, rules) == pytest.approx(wanted, abs=1e-9)
    assert variance_explained(rules[:, 0], rules[:, :1]) == pytest.approx(1)
    assert variance_explained(p, np.full((200, 1), 0.5)) == pytest.approx(0, abs=1e-9)


def test_constant_scores_and_too_few_images_have_no_explained_variance():
    assert variance_explained(np.full(50, 0.3), RNG.uniform(0, 1, (50, 1))) is None
    assert variance_explained([0.1, 0.9], [[0.2], [0.3]]) is None


def test_the_operating_point_is_chosen_on_validation_and_measured_on_test():
    labels = np.arange(400) % 2
    validation = ValidationPredictions.from_arrays(labels, np.clip(RNG.normal(0.4 + 0.2 * labels, 0.15), 0, 1))
    test = predictions.TestPredictions.from_arrays(labels, np.clip(RNG.normal(0.4 + 0.2 * labels, 0.15), 0, 1))
    found = operating_point(validation, test, max_fpr=0.1, max_fnr=0.1, resampling=Resampling(200, seed=1))
    at = found.threshold
    assert (validation.p_fake[~validation.fake] >= at).mean() == pytest.approx(found.fpr)
    assert found.fpr <= 0.1
    assert (test.p_fake[~test.fake] >= at).mean() == pytest.approx(found.test.fpr.value)
    assert (test.p_fake[test.fake] >= at).mean() == pytest.approx(found.test.recall.value)
    assert found.test.fpr.interval[0] < found.test.fpr.value < found.test.fpr.interval[1]
    band = found.abstention_band
    inside = (test.p_fake >= band.low) & (test.p_fake < band.high)
    assert band.share == pytest.approx(inside.mean()) and band.low < at < band.high
    assert band.fpr == pytest.approx((test.p_fake[~test.fake] >= band.high).mean())
    assert band.fnr == pytest.approx((test.p_fake[test.fake] < band.low).mean())


def point_of_both(labels, p_fake):
    validation = ValidationPredictions.from_arrays(labels, p_fake)
    test = predictions.TestPredictions.from_arrays(labels, p_fake)
    return operating_point(validation, test, max_fpr=0.1, max_fnr=0.1, resampling=Resampling(100, seed=1))


def test_without_reals_there_is_no_operating_point_but_a_reason():
    found = point_of_both([1, 1, 1], [0.2, 0.5, 0.9])
    assert found.threshold is None
    assert "no reals" in found.reason


def test_constant_scores_have_no_point_below_one_class():
    found = point_of_both(np.arange(40) % 2, np.full(40, 1.0))
    assert found.threshold is None and found.reason


def test_robustness_is_that_of_the_corrupted_images(faces, tmp_path):
    table = faces(60, 60)
    sample = table.sample(40, random_state=1)
    changed = np.clip(sample["p_fake"] + RNG.normal(0, 0.2, 40), 0, 1)
    corrupted = sample[["image"]].assign(transform="jpeg", level=50.0, p_fake=changed)
    rules = {"header": pd.Series(0.5, index=table["image"]), "exif": pd.Series(0.5, index=table["image"])}
    found = EVALUATOR.evaluate(
        ScoredImages(table, table), weights="random", threshold=0.5, corrupted=corrupted, rules=rules
    )
    original, jpeg = found.robustness
    assert (original.transform, jpeg.transform, jpeg.level) == (None, "jpeg", 50.0)
    assert original.n == jpeg.n == 40
    assert original.roc_auc.value == pytest.approx(roc_auc_score(sample["label"], sample["p_fake"]), abs=1e-6)
    assert jpeg.roc_auc.value == pytest.approx(roc_auc_score(sample["label"], changed), abs=1e-6)
    assert jpeg.drift.absolute == pytest.approx((changed - sample["p_fake"]).abs().mean(), abs=1e-6)
    assert set(found.variance_explained_by_shortcuts) == {"header", "exif", "all"}
    found.write(tmp_path / "model.json")
    assert Evaluation.read(tmp_path / "model.json") == found
    assert (tmp_path / "model.json").stat().st_size < 30_000


def test_validation_and_test_images_are_joined_with_their_own_scores():
    images = pd.DataFrame(
        {"image": ["c", "a", "b", "d"], "label": [0, 1, 0, 1], "group": range(4), "nose": [0, 1, 0, 1]}
    )
    scores = pd.DataFrame(
        {
            "image": ["a", "b", "c", "d"],
            "split": ["test", "validation", "test", "validation"],
            "p_fake": [0.1, 0.2, 0.3, 0.4],
        }
    )
    scored = ScoredImages.join(images, scores)
    assert scored.validation[["image", "p_fake"]].to_numpy().tolist() == [["b", 0.2], ["d", 0.4]]
    assert scored.test[["image", "p_fake"]].to_numpy().tolist() == [["a", 0.1], ["c", 0.3]]


def test_metrics_of_an_earlier_release_are_read():
    path = Path(__file__).with_name("metrics_of_release_0_1.json")
    old, new = json.loads(path.read_text()), ModelMetrics.read(path)
    assert (new.n_splits, new.model_digest) == (old["rounds"], old["model_digest"])
    assert new.test.bootstrap.n_resamples == old["test"]["bootstrap"]["draws"]
    roc_auc = new.test.overall.roc_auc
    assert roc_auc.value == old["test"]["overall"]["roc_auc"]
    assert list(roc_auc.interval) == old["test"]["overall"]["intervals"]["roc_auc"]
    assert new.test.difficulty["mid"].recall.reason.startswith("all draws agree")
    assert new.operating_point.threshold == old["operating"]["threshold"]
    assert new.operating_point.test.fpr.value == old["operating"]["test"]["fpr"]
    assert new.operating_point.abstention_band.high == old["operating"]["unsure"]["high"]
    assert new.part_scores["nose"].fakes.roc_auc.value == old["parts"]["nose"]["fakes"]["roc_auc"]
    assert [level.name for level in new.robustness] == ["original", "jpeg 100", "jpeg 90"]
    assert new.variance_explained_by_shortcuts == old["explained"]


def test_a_file_that_holds_something_else_is_named(tmp_path):
    (tmp_path / "m.json").write_text('{"weights": "random", "accuracy": 1}')
    with pytest.raises(ParamsError, match="m.json: unknown key 'accuracy'"):
        ModelMetrics.read(tmp_path / "m.json")


def test_swapped_validation_and_test_predictions_are_a_type_error():
    """Type checking is part of ``make lint``: this is what it checks."""
    hints = get_type_hints(operating_point)
    assert (hints["validation"], hints["test"]) == (ValidationPredictions, predictions.TestPredictions)
    assert not issubclass(predictions.TestPredictions, ValidationPredictions)
    assert not issubclass(ValidationPredictions, predictions.TestPredictions)


RESAMPLING = Resampling(200, seed=4)
EVALUATOR_AT_03 = Evaluator(max_fpr=0.1, max_fnr=0.25, resampling=RESAMPLING, protocol="grouped", n_splits=1)


def evaluate_at_03(scored: ScoredImages, **inputs) -> Evaluation:
    return EVALUATOR_AT_03.evaluate(scored, weights="random", threshold=0.3, **inputs)


@pytest.fixture
def scored(faces) -> ScoredImages:
    """Validation and test images that differ, with scores of different quality."""
    validation, test = faces(50, 70, seed=1, decimals=12), faces(60, 60, signal=0.6, seed=2, decimals=12)
    return ScoredImages(validation.reset_index(drop=True), test.reset_index(drop=True))


def test_thresholds_are_chosen_on_validation_and_metrics_measured_on_test(scored):
    record = evaluate_at_03(scored)
    decided = record.operating_point.threshold
    validation = ValidationPredictions.from_table(scored.validation)
    test = predictions.TestPredictions.from_table(scored.test)
    assert record.threshold == record.decision_threshold == record.test.threshold == decided
    assert record.validation == point_metrics(validation, decided)
    assert record.test == evaluate_scores(scored.test, decided, RESAMPLING, default_threshold=0.3)
    default = record.test.default
    assert default.default_threshold == 0.3
    assert default.accuracy.value == round(np.mean(test.called_fake(0.3) == test.fake), 6)
    assert record.test.reference.confusion == confusion(test, 0.3).swapped()
    assert record.test.overall.confusion == confusion(test, decided) != confusion(test, 0.3)
    assert record.reliability == [ReliabilityBin(**row) for row in reliability(test).to_dict("records")]
    assert (record.variance_explained_by_shortcuts, record.robustness) == ({}, [])
    chosen = operating_threshold(validation, max_fpr=0.1)
    bounds = abstention_band(validation, chosen, max_fnr=0.25)
    point, band = record.operating_point, record.operating_point.abstention_band
    assert point.threshold == chosen.threshold != round(chosen.threshold, 6)  # with all digits
    assert (band.low, band.high) == (bounds.low, bounds.high)
    assert bounds.low != round(bounds.low, 6)
    assert (point.max_fpr, band.max_fnr) == (0.1, 0.25)
    assert point.fpr_high == chosen.fpr_high
    measured = subset_metrics(AllMetrics, test, chosen.threshold, RESAMPLING, majority_rate=0.5,
                              confusion=confusion(test, chosen.threshold))  # fmt: skip
    for name in ("accuracy", "precision", "recall"):
        assert point.test.estimate(name) == measured.estimate(name)


def test_robustness_is_at_the_threshold_by_groups_in_the_order_of_the_levels(scored):
    test = scored.test
    sample = test.sample(50, random_state=2)
    factors = {("resize", 0.5): 0.7, ("blur", 2.0): 0.5, ("blur", 1.0): 0.9}
    corrupted = pd.concat(
        sample[["image"]].sample(frac=1, random_state=3).assign(transform=transform, level=level, factor=factor)
        for (transform, level), factor in factors.items()
    )
    p_fake = test.set_index("image")["p_fake"]
    corrupted["p_fake"] = corrupted["image"].map(p_fake) * corrupted["factor"]
    originals = test[test["image"].isin(sample["image"])]
    record = evaluate_at_03(ScoredImages(test, test), corrupted=corrupted)
    assert [(row.transform, row.level) for row in record.robustness] == [(None, None), *factors]
    for row, factor in zip(record.robustness, [1, *factors.values()], strict=True):
        expected = predictions.TestPredictions.from_table(originals.assign(p_fake=originals["p_fake"] * factor))
        corruption = {"transform": row.transform, "level": row.level, "drift": row.drift}
        assert row == subset_metrics(CorruptedMetrics, expected, record.threshold, RESAMPLING, **corruption)
        change = factor * originals["p_fake"] - originals["p_fake"]
        assert row.drift.mean == pytest.approx(change.mean(), abs=1e-6)


def test_shortcut_rules_explain_the_scores_of_the_same_images_alone_and_together(scored):
    own = scored.test.set_index("image")["p_fake"].clip(0.01, 0.99)
    half = pd.Series(1 / (1 + np.exp(-RNG.normal(0, 1, len(own)))), index=own.index)
    rest = 1 / (1 + np.exp(-(logit(own) - logit(half))))
    rules = {"half": half.iloc[::-1], "rest": rest.sort_values()}
    clipped = scored.test.assign(p_fake=own.to_numpy())
    explained = evaluate_at_03(ScoredImages(clipped, clipped), rules=rules).variance_explained_by_shortcuts
    assert list(explained) == ["half", "rest", "all"]
    assert explained["all"] == 1
    assert 0 <= explained["half"] < 0.9 and 0.1 < explained["rest"] < 0.95
    record = evaluate_at_03(ScoredImages(scored.test, scored.test), rules={"header": own.iloc[::-1]})
    assert record.variance_explained_by_shortcuts["header"] == pytest.approx(1, abs=0.01)


def test_without_an_operating_point_the_default_threshold_decides(scored):
    reals_at_1 = scored.validation.assign(p_fake=scored.validation["p_fake"].where(scored.validation["label"] == 1, 1))
    record = evaluate_at_03(ScoredImages(reals_at_1, scored.test))
    assert record.operating_point.threshold is None
    assert record.threshold == record.decision_threshold == record.test.threshold == 0.3


def test_an_evaluation_of_an_earlier_release_decides_at_its_operating_point(scored):
    record = evaluate_at_03(scored).model_copy(update={"threshold": 0.3})
    assert record.decision_threshold == record.operating_point.threshold != 0.3


def test_the_operating_point_and_the_band_of_validation_decide_on_test():
    labels = [0] * 100 + [1] * 100
    validation = ValidationPredictions.from_arrays(labels, np.r_[np.arange(100) / 200, 0.3 + np.arange(100) / 200])
    settings = {"max_fpr": 0.2, "max_fnr": 0.3, "resampling": Resampling(100, seed=0)}
    as_test = predictions.TestPredictions.from_arrays(labels, validation.p_fake)
    band = operating_point(validation, as_test, **settings).abstention_band
    # Of 100 reals 20 are expected above; 11 and fewer show a smaller share, 28 and more a greater one.
    assert (band.low, band.high) == (pytest.approx((99 - 28) / 200), pytest.approx((99 - 11 + 1) / 200))
    low, high = band.low, band.high
    test = predictions.TestPredictions.from_arrays([0] * 4 + [1] * 5, [0.1, low, 0.4, high, 0.2, 0.3, low, high, 0.9])
    point = operating_point(validation, test, **settings)
    band = point.abstention_band
    assert low < point.threshold < high and (band.low, band.high) == (low, high)
    assert (point.fpr, point.n_reals) == (0.2, 100)
    assert point.test.fpr.interval == pytest.approx(wilson_interval(point.test.fpr.value, 4).ends, abs=1e-6)
    assert band.share == pytest.approx(3 / 9, abs=1e-6)  # from the lower bound on, and below the upper one
    assert (band.fpr, band.fnr) == (0.25, 0.4)
