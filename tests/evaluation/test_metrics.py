import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.estimates import Confusion
from fakefaces.evaluation.metrics import (
    METRICS,
    confusion,
    point_metrics,
    reference_metrics,
    weighted_metrics,
)
from fakefaces.evaluation.predictions import Predictions

PUBLISHED = [
    ((68, 49, 41, 47), ("0.560976", "0.601770", "0.581197", "0.623853", "0.556718")),
    ((73, 49, 36, 47), ("0.585366", "0.632035", "0.598361", "0.669725", "0.579654")),
    ((109, 96, 0, 0), ("0.5317", "0.6943", "0.5317", "1.0", "0.5")),
]


@pytest.mark.parametrize(("counts", "printed"), PUBLISHED)
def test_published_counts_give_the_published_figures(counts, printed):
    found = reference_metrics(Confusion(*counts))
    for name, text in zip(("accuracy", "f1", "precision", "recall", "auc"), printed, strict=True):
        assert f"{getattr(found, name):.{len(text.partition('.')[2])}f}" == text, name
    assert found.reasons == {}


@pytest.mark.parametrize(("counts", "printed"), PUBLISHED)
def test_scores_give_the_same_as_their_counts_with_real_positive(counts, printed):
    tp, fp, fn, tn = counts
    y = np.repeat([0, 1, 0, 1], [tp, fp, fn, tn])
    p = np.repeat([0.1, 0.2, 0.7, 0.9], [tp, fp, fn, tn])
    assert reference_metrics(confusion(Predictions.from_arrays(y, p), 0.5).swapped()) == reference_metrics(
        Confusion(*counts)
    )
    hard = (p < 0.5).astype(int)
    assert reference_metrics(confusion(Predictions.from_arrays(y, p), 0.5).swapped()).auc == pytest.approx(
        sk.roc_auc_score(1 - y, hard), abs=1e-6
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_equal_weights_give_what_sklearn_gives(seed, decimals):
    random = np.random.default_rng(seed)
    y, p = random.integers(0, 2, 80), random.random(80).round(decimals)
    threshold = float(random.choice(p))  # a score on the threshold is called fake
    called = (p >= threshold).astype(int)
    found = point_metrics(Predictions.from_arrays(y, p), threshold)
    expected = {
        "accuracy": sk.accuracy_score(y, called),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called),
        "f1": sk.f1_score(y, called),
        "precision": sk.precision_score(y, called),
        "recall": sk.recall_score(y, called),
        "roc_auc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p),
        "brier": sk.brier_score_loss(y, p),
    }
    assert {name: found.value(name) for name in METRICS} == pytest.approx(expected, abs=1e-6)
    tn, fp, fn, tp = sk.confusion_matrix(y, called).ravel()
    assert found.confusion == Confusion(tp, fp, fn, tn)
    assert found.majority_rate == pytest.approx(max(y.mean(), 1 - y.mean()), abs=1e-6)
    assert found.n == 80


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
def test_weighted_draws_give_what_sklearn_gives_with_sample_weight(decimals):
    random = np.random.default_rng(decimals)
    n, n_resamples = 60, 60
    y, p = random.integers(0, 2, n), random.random(n).round(decimals)
    whole = random.multinomial(n, [1 / n] * n, size=n_resamples // 2).astype(float)
    weights = np.r_[whole, random.random((n_resamples // 2, n)) * random.integers(0, 2, (n_resamples // 2, n))]
    found = weighted_metrics(Predictions.from_arrays(y, p), 0.5, weights)
    called = (p >= 0.5).astype(int)
    for i, w in enumerate(weights):
        expected = {
            "accuracy": sk.accuracy_score(y, called, sample_weight=w),
            "balanced_accuracy": sk.balanced_accuracy_score(y, called, sample_weight=w),
            "f1": sk.f1_score(y, called, sample_weight=w),
            "precision": sk.precision_score(y, called, sample_weight=w),
            "recall": sk.recall_score(y, called, sample_weight=w),
            "roc_auc": sk.roc_auc_score(y, p, sample_weight=w),
            "average_precision": sk.average_precision_score(y, p, sample_weight=w),
            "brier": sk.brier_score_loss(y, p, sample_weight=w),
        }
        assert {name: float(found[name][i]) for name in METRICS} == pytest.approx(expected, abs=1e-10)


def test_a_class_without_weight_leaves_its_figures_undefined():
    images = Predictions.from_arrays([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    only_reals, only_fakes, nothing = [1, 2, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]
    found = weighted_metrics(images, 0.5, np.array([only_reals, only_fakes, nothing], dtype=float))
    undefined = {name: np.isnan(values).tolist() for name, values in found.items()}
    both = [True, True, True]
    assert undefined == {
        "accuracy": [False, False, True],
        "balanced_accuracy": both,
        "f1": [False, False, True],
        "precision": [False, False, True],
        "recall": [True, False, True],
        "roc_auc": both,
        "average_precision": both,
        "brier": [False, False, True],
    }


def test_what_cannot_be_told_is_none_with_a_reason():
    found = point_metrics(Predictions.from_arrays([0] * 12, [0.2] * 12))
    alone = "no fakes among the 12 images"
    assert found.accuracy == 1.0
    assert found.brier == pytest.approx(0.04)
    assert found.reasons == {
        "balanced_accuracy": alone,
        "f1": "none of the 12 images is fake or called fake",
        "precision": "none of the 12 images is called fake",
        "recall": alone,
        "roc_auc": alone,
        "average_precision": alone,
    }
    assert all(found.value(name) is None for name in found.reasons)


def test_no_image_has_no_figure():
    found = point_metrics(Predictions.from_arrays([], []))
    assert set(found.reasons.values()) == {"no images"}
    assert [found.value(name) for name in (*METRICS, "majority_rate")] == [None] * 9


def test_reasons_name_the_positive_class_of_the_convention():
    found = reference_metrics(Confusion(tp=0, fp=0, fn=3, tn=4))
    assert found.reasons == {"precision": "none of the 7 images is called real"}
    assert found.f1 == 0.0  # as sklearn's: there are reals, and none was found


def test_confusion_swaps_its_classes_and_refuses_negative_counts():
    counts = Confusion(tp=1, fp=2, fn=3, tn=4)
    assert counts.swapped() == Confusion(tp=4, fp=3, fn=2, tn=1)
    assert counts.swapped().swapped() == counts
    with pytest.raises(ModelError, match="negative"):
        Confusion(tp=-1, fp=0, fn=0, tn=0)


def test_constant_scores_rank_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = point_metrics(Predictions.from_arrays([0, 1, 1, 0], [0.3] * 4))
    assert found.roc_auc == 0.5
    assert found.average_precision == 0.5


@pytest.mark.parametrize(
    ("y", "p", "group", "message"),
    [
        ([0, 1], [0.5], None, "one length"),
        ([0, 1], [0.5, 0.5], [1], "one length"),
        ([[0, 1]], [[0.5, 0.5]], None, "one length"),
        ([0, 2], [0.5, 0.5], None, "0 .real. or 1 .fake."),
        ([0, 1], [0.5, np.nan], None, "1 of 2 are NaN"),
        ([0, 1], [0.5, 1.01], None, "between 0.5 and 1.01"),
        ([0, 1], [-0.1, 0.5], None, "between -0.1 and 0.5"),
        ([0, 1], [np.inf, 0.5], None, "between 0.5 and inf"),
        ([0, 1], [0.5, 0.5], ["a", None], "1 of 2 images have none"),
        ([0, None], [0.5, 0.5], None, "0 .real. or 1 .fake."),
        (pd.array([0, pd.NA], dtype="Int64"), [0.5, 0.5], None, "labels"),
        (["real", "fake"], [0.5, 0.5], None, "labels: not all are numbers"),
        ([0, 1], ["high", 0.5], None, "scores: not all are numbers"),
    ],
)
def test_bad_input_is_refused(y, p, group, message):
    with pytest.raises(ModelError, match=message):
        Predictions.from_arrays(y, p, group)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(ModelError, match="threshold"):
        point_metrics(Predictions.from_arrays([0, 1], [0.5, 0.5]), threshold)


def test_a_subset_numbers_its_groups_anew():
    images = Predictions.from_arrays([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], ["c", "a", "b", "c"])
    assert (images.group.tolist(), images.n_groups) == ([2, 0, 1, 2], 3)
    kept = images.subset(np.array([True, False, True, True]))
    assert (kept.group.tolist(), kept.n_groups) == ([1, 0, 1], 2)
    assert images.subset(np.zeros(4, dtype=bool)).n_groups == 0
