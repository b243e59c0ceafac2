import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import (
    Resampling,
    bootstrap,
    group_weights,
    percentile_interval,
    proportion_interval,
    wilson_interval,
)
from fakefaces.evaluation.metrics import METRICS, confusion, subset_metrics, weighted_metrics
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.subset_metrics import AllMetrics


def evaluate(predictions: Predictions, n_resamples: int = 100, seed: int = 0) -> AllMetrics:
    fields = {"majority_rate": None, "confusion": confusion(predictions, 0.5)}
    return subset_metrics(AllMetrics, predictions, 0.5, Resampling(n_resamples, seed), **fields)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (10, 10), (3, 7), (150, 205), (1, 1)])
def test_wilson_is_statsmodels(count, n):
    low, high = proportion_confint(count, n, method="wilson")
    assert wilson_interval(count / n, n).ends == pytest.approx([low, high], abs=1e-12)


def test_wilson_refuses_what_is_no_proportion():
    for share, n in ((1.1, 5), (0.5, 0), (float("nan"), 5)):
        with pytest.raises(ModelError, match="no proportion"):
            wilson_interval(share, n)


def test_images_of_a_group_are_drawn_together():
    group = np.array([0, 1, 1, 2, 2, 2])
    weights = np.concatenate(list(group_weights(group, Resampling(500, seed=1))))
    assert weights.shape == (500, 6)
    for code in range(3):
        assert np.ptp(weights[:, group == code], axis=1).max() == 0
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()  # three groups are drawn each time
    assert weights[:, 0].mean() == pytest.approx(1, abs=0.1)


def test_blocks_change_no_resample(monkeypatch):
    group = np.arange(30) // 2
    whole = np.concatenate(list(group_weights(group, Resampling(101, seed=7))))
    monkeypatch.setattr("fakefaces.evaluation.intervals._BLOCK", 30 * 8)
    blocks = list(group_weights(group, Resampling(101, seed=7)))
    assert len(blocks) == 13
    assert (np.concatenate(blocks) == whole).all()


def test_a_seed_gives_the_same_interval_whatever_the_order_of_rows(images):
    first = evaluate(images, 300, seed=3)
    again = evaluate(images, 300, seed=3)
    assert first == again
    assert first.roc_auc.interval != evaluate(images, 300, seed=4).roc_auc.interval
    order = np.random.default_rng(0).permutation(len(images))
    other = Predictions.from_arrays(images.fake[order], images.p_fake[order], images.group[order])
    shuffled = evaluate(other, 300, seed=3)
    for name in METRICS:
        assert shuffled.estimate(name).interval == pytest.approx(first.estimate(name).interval, abs=2e-6)


def test_the_bootstrap_is_the_plain_one_done_at_once(images):
    """The weights of a draw give what the drawn images, repeated, give."""
    names = ("roc_auc", "precision")
    drawn = bootstrap(lambda w: weighted_metrics(images, 0.5, w, names), images.group, Resampling(40, seed=5))
    weights = np.concatenate(list(group_weights(images.group, Resampling(40, seed=5))))
    for i, w in enumerate(weights):
        places = np.repeat(np.arange(len(images)), w.astype(int))
        copied = Predictions.from_arrays(images.fake[places], images.p_fake[places])
        plain = weighted_metrics(copied, 0.5, np.ones((1, len(copied))), names)
        for name in names:
            assert drawn[name][i] == pytest.approx(plain[name][0], abs=1e-12)


def test_undefined_resamples_are_left_out_and_counted():
    values = np.r_[np.linspace(0, 1, 95), [np.nan] * 5]
    found = percentile_interval(values)
    assert found.n_undefined == 5
    assert found.ends == pytest.approx([0.025, 0.975])
    many = percentile_interval(np.r_[np.linspace(0, 1, 80), [np.nan] * 20])
    assert (many.ends, many.reason) == (None, "undefined in 20 of 100 resamples")
    assert percentile_interval(np.full(100, np.nan)).ends is None


def test_equal_resamples_give_no_interval_but_a_proportion_has_wilsons():
    agreeing = np.ones(100)
    assert percentile_interval(agreeing).ends is None
    found = proportion_interval(1.0, agreeing, 50)
    assert found.ends == wilson_interval(1.0, 50).ends
    assert found.reason == "all resamples are equal and give no interval: Wilson's on 50 groups"


def test_too_few_resamples_are_refused(images):
    with pytest.raises(ModelError, match="at least 40"):
        evaluate(images, 39)


@pytest.mark.parametrize("metric", ["roc_auc", "recall"])
def test_the_interval_covers_the_truth_nineteen_times_in_twenty(metric):
    """Groups of one to five images whose scores lean together, as fakes of one photograph do."""
    random = np.random.default_rng(11)

    def sample(n_groups):
        group = np.repeat(np.arange(n_groups), random.integers(1, 6, n_groups))
        y = random.integers(0, 2, len(group))
        z = 0.8 * random.normal(size=n_groups)[group] + random.normal(size=len(group)) + y - 0.5
        return Predictions.from_arrays(y, 1 / (1 + np.exp(-z)), group)

    everything = sample(20_000)
    truth = weighted_metrics(everything, 0.5, np.ones((1, len(everything))), [metric])[metric][0]
    hits = 0
    for seed in range(300):
        low, high = evaluate(sample(60), 400, seed=seed).estimate(metric).interval
        hits += low <= truth <= high
    assert 0.91 <= hits / 300 <= 0.98


def test_groups_widen_an_interval_that_single_images_would_make_too_narrow():
    random = np.random.default_rng(2)
    group = np.repeat(np.arange(40), 10)
    y = np.tile([0, 1], 200)
    right = random.random(40)[group] > 0.3  # all or nothing of a group is right
    p = np.where(right == (y == 1), 0.9, 0.1)
    ends = [evaluate(Predictions.from_arrays(y, p, g), 500).accuracy.interval for g in (group, None)]
    grouped, single = (high - low for low, high in ends)
    assert grouped > 2.5 * single


def test_one_group_has_no_bootstrap():
    found = evaluate(Predictions.from_arrays([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.3], ["a"] * 4))
    assert found.groups == 1
    assert found.roc_auc.value == 1.0
    assert found.roc_auc.interval is None
    assert found.roc_auc.reason == "estimated from 1 groups; the bootstrap takes at least 10"
    assert found.accuracy.interval == pytest.approx(wilson_interval(0.75, 1).ends, abs=1e-6)


def test_metrics_are_estimated_from_the_groups_of_their_own_images():
    """Many reals do not make up for three fakes."""
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 3])
    found = evaluate(Predictions.from_arrays(y, random.random(203)), 200)
    assert found.roc_auc.interval is None
    assert found.accuracy.interval is not None
    assert found.recall.reason.endswith("Wilson's on 3 groups")
    assert found.accuracy.reason is None


def test_an_absent_class_and_no_images_have_a_reason():
    found = evaluate(Predictions.from_arrays([1] * 15, np.linspace(0, 1, 15)))
    assert (found.roc_auc.value, found.roc_auc.interval) == (None, None)
    assert found.roc_auc.reason == "no reals among the 15 images"
    assert found.recall.interval is not None
    nothing = evaluate(Predictions.from_arrays([], []))
    assert nothing.n == nothing.groups == 0
    assert {nothing.estimate(name).reason for name in METRICS} == {"no images"}


def test_constant_scores_have_metrics_and_no_false_certainty():
    found = evaluate(Predictions.from_arrays([0, 1] * 50, [0.7] * 100), 200)
    assert (found.roc_auc.value, found.roc_auc.interval) == (0.5, None)
    assert found.recall.value == 1.0
    assert found.recall.interval == pytest.approx(wilson_interval(1.0, 50).ends, abs=1e-6)


def test_a_tenth_of_the_resamples_may_be_undefined_and_no_more():
    def ends(n_undefined):
        return percentile_interval(np.r_[np.linspace(0, 1, 100 - n_undefined), np.full(n_undefined, np.nan)]).ends

    assert ends(10) == pytest.approx([0.025, 0.975])
    assert ends(11) is None


def test_ten_groups_are_resampled_and_nine_are_not():
    for groups in (9, 10):
        y, group = np.tile([0, 1], groups), np.arange(2 * groups) // 2
        roc_auc = evaluate(Predictions.from_arrays(y, np.linspace(0.1, 0.9, len(y)), group)).roc_auc
        assert (roc_auc.interval is not None) == (groups == 10)
        assert roc_auc.n_undefined == 0


def test_f1_is_estimated_from_the_images_that_are_fake_or_called_fake():
    y = [1] * 5 + [0] * 12
    metrics = evaluate(Predictions.from_arrays(y, [0.9, 0.8, 0.7, 0.2, 0.1] + [0.6] * 6 + [0.1] * 6))
    assert metrics.f1.value == pytest.approx(6 / 14, abs=1e-6)
    assert metrics.f1.interval is not None  # of eleven images
    assert metrics.recall.reason.endswith("Wilson's on 5 groups")
    assert metrics.precision.reason.endswith("Wilson's on 9 groups")
