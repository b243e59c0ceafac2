import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.curves import MAX_POINTS, precision_recall_curve, roc_curve
from fakefaces.evaluation.evaluate import robustness
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import point_metrics, subset_metrics
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.subset_metrics import CorruptedMetrics


@pytest.mark.parametrize("decimals", [1, 2, 15])
def test_curves_are_sklearns_without_the_points_on_a_straight_line(decimals):
    random = np.random.default_rng(0)
    y, p = random.integers(0, 2, 150), random.random(150).round(decimals)
    roc = roc_curve(Predictions.from_arrays(y, p))
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    assert set(zip(roc["fpr"], roc["tpr"], strict=True)) <= set(zip(fpr, tpr, strict=True))
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)
    assert len(roc) <= len(sk.roc_curve(y, p)[0])
    precision, recall, _ = sk.precision_recall_curve(y, p)
    curve = precision_recall_curve(Predictions.from_arrays(y, p))
    assert set(zip(curve["recall"], curve["precision"], strict=True)) <= set(
        zip(recall[:-1], precision[:-1], strict=True)
    )


def test_many_points_are_thinned_without_harm():
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 5000)
    p = 1 / (1 + np.exp(-random.normal(size=5000) - y))
    roc = roc_curve(Predictions.from_arrays(y, p))
    assert len(roc) <= MAX_POINTS
    assert roc.iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(sk.roc_auc_score(y, p), abs=2e-3)
    curve = precision_recall_curve(Predictions.from_arrays(y, p))
    assert len(curve) <= MAX_POINTS
    assert curve["recall"].is_monotonic_increasing
    assert curve["recall"].iloc[-1] == 1


def test_constant_scores_and_an_absent_class():
    constant = Predictions.from_arrays([0, 1, 1], [0.4] * 3)
    assert roc_curve(constant).to_dict("list") == {"fpr": [0, 1], "tpr": [0, 1]}
    assert precision_recall_curve(constant).to_dict("list") == {"recall": [1], "precision": [pytest.approx(2 / 3)]}
    for curve in (roc_curve, precision_recall_curve):
        assert curve(Predictions.from_arrays([1, 1], [0.1, 0.2])).empty
        assert curve(Predictions.from_arrays([], [])).empty


def copies(test: pd.DataFrame, scores: dict[tuple[str, float], np.ndarray]) -> pd.DataFrame:
    """The scores of corrupted copies of the images, by transform and level."""
    return pd.concat(
        pd.DataFrame({"image": test["image"], "transform": transform, "level": level, "p_fake": p_fake})
        for (transform, level), p_fake in scores.items()
    )


def test_robustness_has_metrics_and_drift_of_each_level(images):
    y, p = images.fake.astype(int), images.p_fake
    blurred = np.clip(p - 0.2 * y, 0, 1)
    test = pd.DataFrame({"image": range(len(y)), "label": y, "p_fake": p, "group": images.group})
    corrupted = copies(test, {("jpeg", 95): p, ("blur", 2.0): blurred})
    rows = robustness(test, corrupted, 0.5, Resampling(200, seed=0))
    assert [(row.transform, row.level) for row in rows] == [(None, None), ("jpeg", 95), ("blur", 2.0)]
    assert [row.name for row in rows] == ["original", "jpeg 95", "blur 2"]
    clean, same, worse = rows
    assert same.model_copy(update={"transform": None, "level": None}) == clean
    assert set(clean.drift.model_dump().values()) == {0.0}
    expected = point_metrics(Predictions.from_arrays(y, blurred))
    assert (worse.roc_auc.value, worse.accuracy.value) == (expected.roc_auc, expected.accuracy)
    assert worse.roc_auc.interval[0] < worse.roc_auc.value < worse.roc_auc.interval[1]
    assert worse.drift.reals == 0
    assert worse.drift.fakes == pytest.approx((blurred - p)[y == 1].mean(), abs=1e-6)
    assert worse.drift.absolute == pytest.approx(-worse.drift.mean)
    assert worse.drift.verdicts == pytest.approx(np.mean((p >= 0.5) != (blurred >= 0.5)))


def test_robustness_refuses_other_images_and_takes_a_single_class():
    test = pd.DataFrame({"image": ["a", "b"], "label": [0, 1], "p_fake": [0.1, 0.2], "group": [0, 1]})
    corrupted = copies(test, {("jpeg", 50): np.array([0.2, 0.2]), ("blur", 1): np.array([0.2, 0.2])})
    with pytest.raises(ModelError, match="1 of 2 are NaN"):
        robustness(test, corrupted.iloc[:3], 0.5, Resampling(100, seed=0))
    _, row, _ = robustness(test.assign(label=1), corrupted, 0.5, Resampling(100, seed=0))
    assert row.drift.reals is row.roc_auc.value is None


def test_robustness_is_at_its_threshold_and_by_groups():
    y, group = np.tile([0, 1], 60), np.arange(120) // 6
    p = np.random.default_rng(0).uniform(0, 0.4, 120) + 0.2 * y
    test = pd.DataFrame({"image": range(120), "label": y, "p_fake": p, "group": group})
    resampling = Resampling(100, seed=0)
    _, row = robustness(test, copies(test, {("blur", 1): 0.8 * p}), 0.3, resampling)
    blurred = Predictions.from_arrays(y, 0.8 * p, group)
    assert row == subset_metrics(CorruptedMetrics, blurred, 0.3, resampling, transform="blur", level=1, drift=row.drift)
    assert row.groups == 20
    assert row.drift.verdicts == pytest.approx(np.mean((p >= 0.3) & (0.8 * p < 0.3)), abs=1e-6)
