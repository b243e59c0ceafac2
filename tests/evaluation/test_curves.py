import json

import numpy as np
import pytest
from sklearn import metrics as sk

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.curves import MOST_POINTS, precision_recall_curve, roc_curve
from fakefaces.evaluation.metrics import classification_metrics
from fakefaces.evaluation.robustness import robustness


@pytest.mark.parametrize("decimals", [1, 2, 15])
def test_few_points_are_sklearns_without_those_on_a_straight_line(decimals):
    random = np.random.default_rng(0)
    y, p = random.integers(0, 2, 150), random.random(150).round(decimals)
    found = roc_curve(y, p)
    fpr, tpr, thresholds = sk.roc_curve(y, p, drop_intermediate=False)
    every = {one: (a, b) for one, a, b in zip([None, *thresholds[1:].tolist()], fpr, tpr, strict=True)}
    for limit, a, b in zip(found["threshold"], found["fpr"], found["tpr"], strict=True):
        assert (a, b) == pytest.approx(every[limit])
    assert np.trapezoid(found["tpr"], found["fpr"]) == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)
    assert len(found["fpr"]) <= len(sk.roc_curve(y, p)[0])
    precision, recall, limits = sk.precision_recall_curve(y, p)
    every = {one: (a, b) for one, a, b in zip(limits, precision, recall, strict=False)}
    found = precision_recall_curve(y, p)
    for limit, a, b in zip(found["threshold"], found["precision"], found["recall"], strict=True):
        assert (a, b) == pytest.approx(every[limit])


def test_many_points_are_thinned_without_harm():
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 5000)
    p = 1 / (1 + np.exp(-random.normal(size=5000) - y))
    found = roc_curve(y, p)
    assert len(found["fpr"]) == len(found["tpr"]) == len(found["threshold"]) <= MOST_POINTS
    assert (found["fpr"][0], found["tpr"][0], found["fpr"][-1], found["tpr"][-1]) == (0, 0, 1, 1)
    assert np.trapezoid(found["tpr"], found["fpr"]) == pytest.approx(sk.roc_auc_score(y, p), abs=2e-3)
    curve = precision_recall_curve(y, p)
    assert len(curve["recall"]) <= MOST_POINTS
    assert curve["recall"] == sorted(curve["recall"])
    assert curve["recall"][-1] == 1
    json.dumps([found, curve], allow_nan=False)


def test_constant_scores_and_an_absent_class():
    found = roc_curve([0, 1, 1], [0.4] * 3)
    assert found == {"fpr": [0, 1], "tpr": [0, 1], "threshold": [None, 0.4], "reason": None}
    found = precision_recall_curve([0, 1, 1], [0.4] * 3)
    assert (found["precision"], found["recall"]) == ([pytest.approx(2 / 3)], [1])
    for curve in (roc_curve, precision_recall_curve):
        assert curve([1, 1], [0.1, 0.2])["reason"] == "only one class among the 2 images"
        assert curve([], [])["reason"] == "no images"


def test_robustness_tells_figures_and_drift_of_each_level(images):
    y, p = images.fake.astype(int), images.p_fake
    blurred = np.clip(p - 0.2 * y, 0, 1)
    rows = robustness(
        y,
        p,
        {("jpeg", 95): p, ("blur", 2.0): blurred},
        images.group,
        threshold=0.5,
        n_resamples=200,
        seed=0,
    )
    assert [(row["transform"], row["level"]) for row in rows] == [(None, None), ("jpeg", 95), ("blur", 2.0)]
    clean, same, worse = rows
    assert {**same, "transform": None, "level": None} == clean
    assert set(clean["drift"].values()) == {0.0}
    assert worse["roc_auc"] == pytest.approx(classification_metrics(y, blurred)["roc_auc"])
    assert worse["accuracy"] == pytest.approx(classification_metrics(y, blurred)["accuracy"])
    assert worse["intervals"]["roc_auc"][0] < worse["roc_auc"] < worse["intervals"]["roc_auc"][1]
    drift = worse["drift"]
    assert drift["reals"] == 0
    assert drift["fakes"] == pytest.approx((blurred - p)[y == 1].mean())
    assert drift["absolute"] == pytest.approx(-drift["mean"])
    assert drift["verdicts"] == pytest.approx(np.mean((p >= 0.5) != (blurred >= 0.5)))
    json.dumps(rows, allow_nan=False)


def test_robustness_refuses_other_images_and_stands_a_lone_class():
    with pytest.raises(ModelError, match="one length"):
        robustness([0, 1], [0.1, 0.2], {("jpeg", 50): [0.1]}, threshold=0.5, n_resamples=100, seed=0)
    _, row = robustness([1, 1], [0.1, 0.2], {("jpeg", 50): [0.2, 0.2]}, threshold=0.5, n_resamples=100, seed=0)
    assert row["drift"]["reals"] is row["roc_auc"] is None
