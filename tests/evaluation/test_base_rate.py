"""Precision, and the work of a day, at a base rate."""

import math

import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.base_rate import (
    ErrorRates,
    Traffic,
    precision_at,
    threshold_curve,
    threshold_for,
    workload,
)
from fakefaces.evaluation.intervals import wilson_interval
from fakefaces.evaluation.predictions import ValidationPredictions

RATES = ErrorRates(recall=0.64, fpr=0.12, n_fakes=190, n_reals=210)


def test_at_one_fake_in_a_hundred_most_flagged_photographs_are_real():
    day = workload(RATES, Traffic(base_rate=0.01, photographs=10_000, reviews=5_000))
    assert day.flagged.value == pytest.approx(64 + 1188)
    assert (day.found.value, day.accused.value, day.missed.value) == pytest.approx((64, 1188, 36))
    assert day.precision.value == pytest.approx(64 / 1252, abs=1e-6)
    low, high = (100 * bound for bound in wilson_interval(0.64, 190).ends)
    assert day.found.interval == pytest.approx((low, high), abs=1e-4)
    assert day.missed.interval == pytest.approx((100 - high, 100 - low), abs=1e-4)


def test_people_who_cannot_look_at_all_look_at_a_part():
    day = workload(RATES, Traffic(base_rate=0.01, photographs=10_000, reviews=200))
    precision = 64 / 1252
    assert day.reviewed.value == 200
    assert (day.found.value, day.accused.value) == pytest.approx((200 * precision, 200 * (1 - precision)), abs=1e-3)
    assert day.missed.value == pytest.approx(100 - 200 * precision, abs=1e-3)
    for estimate in (day.flagged, day.found, day.accused, day.missed, day.precision):
        assert estimate.interval[0] < estimate.value < estimate.interval[1]


def test_where_half_are_fake_the_precision_is_that_of_the_counts():
    labels = np.repeat([0, 1], 50)
    scores = np.r_[np.linspace(0, 0.6, 50), np.linspace(0.4, 1, 50)]
    rates = ErrorRates.at(ValidationPredictions.from_arrays(labels, scores), 0.5)
    called = scores >= 0.5
    assert precision_at(rates, 0.5).value == pytest.approx(labels[called].mean(), abs=1e-6)


@pytest.mark.parametrize(("recall", "fpr"), [(0.8, 0.1), (0.95, 0.02), (0.5, 0.3)])
def test_the_interval_of_the_precision_holds_the_truth_as_often_as_it_says(recall, fpr):
    random = np.random.default_rng(7)
    truth = 0.01 * recall / (0.01 * recall + 0.99 * fpr)
    covered = 0
    for _ in range(1000):
        rates = ErrorRates(random.binomial(100, recall) / 100, random.binomial(120, fpr) / 120, 100, 120)
        low, high = precision_at(rates, 0.01).interval
        covered += low <= truth <= high
    assert 0.93 <= covered / 1000 <= 0.98


def test_rates_of_zero_and_one_leave_something_open():
    perfect = precision_at(ErrorRates(1.0, 0.0, 40, 40), 0.01)
    assert perfect.value == 1
    assert perfect.interval[0] < 0.5  # 40 reals cannot show how rare false alarms are
    nothing = workload(ErrorRates(0.0, 0.0, 40, 40), Traffic(base_rate=0.01, photographs=1000, reviews=10))
    assert nothing.precision.value is None
    assert nothing.precision.reason == "nothing is called fake"
    assert (nothing.found.value, nothing.accused.value, nothing.missed.value) == (0, 0, 10)
    assert nothing.accused.interval[1] > 0
    absent = workload(ErrorRates(None, 0.1, 0, 40), Traffic(base_rate=0.01, photographs=1000, reviews=10))
    assert absent.found.value is None and absent.precision.value is None


def test_groups_not_images_are_the_observations():
    labels, scores = np.tile([0, 1], 20), np.tile([0.1, 0.9], 20)
    rates = ErrorRates.at(ValidationPredictions.from_arrays(labels, scores, np.repeat(np.arange(10), 4)), 0.5)
    assert (rates.recall, rates.fpr, rates.n_fakes, rates.n_reals) == (1, 0, 10, 10)


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_fits_the_reviews_and_no_lower_one_does(seed):
    random = np.random.default_rng(seed)
    labels = np.r_[0, 1, random.integers(0, 2, 98)]
    scores = (random.random(100) * (0.6 + 0.4 * labels)).round(2)
    traffic = Traffic(base_rate=0.05, photographs=1000, reviews=random.integers(1, 600))
    curve = threshold_curve(ValidationPredictions.from_arrays(labels, scores))
    threshold = threshold_for(curve, traffic)

    def flagged(at: float) -> float:
        return 1000 * (0.05 * (scores[labels == 1] >= at).mean() + 0.95 * (scores[labels == 0] >= at).mean())

    assert flagged(threshold) <= traffic.reviews + 1e-9
    lower = scores[scores < threshold]
    assert not len(lower) or flagged(lower.max()) > traffic.reviews


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    random = np.random.default_rng(1)
    labels, scores = random.integers(0, 2, 3000), random.random(3000)
    validation = ValidationPredictions.from_arrays(labels, scores)
    curve, thinned = threshold_curve(validation, 10_000), threshold_curve(validation, 100)
    assert len(curve) == 3001 and len(thinned) <= 100
    assert (np.diff(thinned[:, 0]) < 0).all()
    assert thinned[-1, 1:] == pytest.approx((1, 1))
    assert {tuple(row) for row in thinned} <= {tuple(row) for row in curve}


def test_no_threshold_where_even_a_score_of_one_is_too_common():
    validation = ValidationPredictions.from_arrays([0, 1, 0, 1], [1.0, 1.0, 0.2, 0.4])
    curve = threshold_curve(validation)
    assert curve[0].tolist() == [1.0, 0.5, 0.5]
    assert threshold_for(curve, Traffic(base_rate=0.01, photographs=100, reviews=10)) is None
    assert not len(threshold_curve(ValidationPredictions.from_arrays([0], [0.4])))


@pytest.mark.parametrize(
    ("base_rate", "photographs", "reviews"),
    [(0, 1, 1), (1, 1, 1), (math.nan, 1, 1), (0.1, 0, 1), (0.1, math.inf, 1), (0.1, 1, -2), (0.1, 1, math.nan)],
)
def test_impossible_days_are_refused(base_rate, photographs, reviews):
    with pytest.raises(ModelError, match="a day|base rate"):
        Traffic(base_rate=base_rate, photographs=photographs, reviews=reviews)
