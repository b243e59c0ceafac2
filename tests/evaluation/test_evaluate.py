import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from fakefaces.evaluation.evaluate import judge
from fakefaces.evaluation.operating_point import at_operating_point
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.shortcut_variance import variance_explained

RNG = np.random.default_rng(11)


def logit(p):
    return np.log(p / (1 - p))


def test_the_explained_share_is_the_determination_of_a_linear_regression_on_logits():
    rules = RNG.uniform(0.1, 0.9, (200, 2))
    p = 1 / (1 + np.exp(-(logit(rules) @ [1.0, -0.5] + RNG.normal(0, 1, 200))))
    wanted = LinearRegression().fit(logit(rules), logit(p)).score(logit(rules), logit(p))
    assert variance_explained(p, rules) == pytest.approx(wanted, abs=1e-9)
    assert variance_explained(rules[:, 0], rules[:, :1]) == pytest.approx(1)
    assert variance_explained(p, np.full((200, 1), 0.5)) == pytest.approx(0, abs=1e-9)


def test_what_cannot_be_explained_is_none():
    assert variance_explained(np.full(50, 0.3), RNG.uniform(0, 1, (50, 1))) is None
    assert variance_explained([0.1, 0.9], [[0.2], [0.3]]) is None


def test_the_operating_point_is_chosen_on_validation_and_measured_on_test():
    labels = np.arange(400) % 2
    validation = Predictions.from_arrays(labels, np.clip(RNG.normal(0.4 + 0.2 * labels, 0.15), 0, 1))
    test = Predictions.from_arrays(labels, np.clip(RNG.normal(0.4 + 0.2 * labels, 0.15), 0, 1))
    found = at_operating_point(validation, test, max_fpr=0.1, max_fnr=0.1, n_resamples=200, seed=1)
    at = found["threshold"]
    assert (validation.p_fake[~validation.fake] >= at).mean() == pytest.approx(found["fpr"])
    assert found["fpr"] <= 0.1
    assert (test.p_fake[~test.fake] >= at).mean() == pytest.approx(found["test"]["fpr"])
    assert (test.p_fake[test.fake] >= at).mean() == pytest.approx(found["test"]["recall"])
    low, high = found["test"]["intervals"]["fpr"]
    assert low < found["test"]["fpr"] < high
    band = found["unsure"]
    inside = (test.p_fake >= band["low"]) & (test.p_fake < band["high"])
    assert band["share"] == pytest.approx(inside.mean())
    assert band["fnr"] == pytest.approx((test.p_fake[test.fake] < band["low"]).mean())


def test_without_reals_there_is_no_operating_point_but_a_reason():
    only = Predictions.from_arrays([1, 1, 1], [0.2, 0.5, 0.9])
    found = at_operating_point(only, only, max_fpr=0.1, max_fnr=0.1, n_resamples=100, seed=1)
    assert found["threshold"] is None
    assert "no reals" in found["reason"]


def test_constant_scores_have_no_point_below_one_class():
    labels = np.arange(40) % 2
    same = Predictions.from_arrays(labels, np.full(40, 1.0))
    found = at_operating_point(same, same, max_fpr=0.1, max_fnr=0.1, n_resamples=100, seed=1)
    assert found["threshold"] is None and found["reason"]


def test_a_judgement_fits_json_and_its_robustness_is_of_the_images_that_were_distorted(faces):
    table = faces(60, 60)
    drawn = table.sample(40, random_state=1)
    changed = np.clip(drawn["p_fake"] + RNG.normal(0, 0.2, 40), 0, 1)
    corrupted_scores = drawn[["image"]].assign(transform="jpeg", level=50.0, p_fake=changed)
    rules = {"header": pd.Series(0.5, index=table["image"]), "exif": pd.Series(0.5, index=table["image"])}
    found = judge(
        table,
        table,
        corrupted_scores=corrupted_scores,
        rules=rules,
        threshold=0.5,
        max_fpr=0.1,
        max_fnr=0.1,
        n_resamples=200,
        seed=1,
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert len(json.dumps(found)) < 20_000
    untouched, jpeg = found["robustness"]
    assert (untouched["transform"], jpeg["transform"], jpeg["level"]) == (None, "jpeg", 50.0)
    assert untouched["n"] == jpeg["n"] == 40
    assert untouched["roc_auc"] == pytest.approx(roc_auc_score(drawn["label"], drawn["p_fake"]), abs=1e-6)
    assert jpeg["roc_auc"] == pytest.approx(roc_auc_score(drawn["label"], changed), abs=1e-6)
    assert jpeg["drift"]["absolute"] == pytest.approx((changed - drawn["p_fake"]).abs().mean(), abs=1e-6)
    assert set(found["explained"]) == {"header", "exif", "all"}
