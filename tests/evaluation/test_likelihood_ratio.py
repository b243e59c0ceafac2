"""Likelihood ratios of scores whose true ratios are known, their limits, and their cost."""

import numpy as np
import pytest

from fakefaces.evaluation import predictions
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.likelihood_ratio import cllr, likelihood_ratio, limits, log_odds, min_cllr
from fakefaces.evaluation.predictions import Predictions, ValidationPredictions

RESAMPLING = Resampling(200, seed=1)


def gaussian(n: int, distance: float, seed: int, shares: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores, and the true log10 likelihood ratios, of two normal distributions of log odds."""
    random = np.random.default_rng(seed)
    fake = random.random(n) < shares
    x = random.normal(np.where(fake, distance / 2, -distance / 2), 1)
    return fake, 1 / (1 + np.exp(-0.4 * x - 0.7)), distance * x / np.log(10)  # overcautious and shifted scores


def calibrated(n: int = 4000, distance: float = 2.0, shares: float = 0.5):
    labels, p_fake, _ = gaussian(n, distance, seed=2, shares=shares)
    test_labels, test_p, truth = gaussian(n, distance, seed=3, shares=shares)
    test = predictions.TestPredictions.from_arrays(test_labels, test_p)
    found = likelihood_ratio(ValidationPredictions.from_arrays(labels, p_fake), test, RESAMPLING)
    return found, test, truth


@pytest.mark.parametrize("shares", [0.5, 0.1])
def test_the_true_ratios_are_found_whatever_the_share_of_fakes(shares):
    found, test, truth = calibrated(8000, shares=shares)
    inside = (truth > found.low) & (truth < found.high)
    assert inside.mean() > 0.9
    assert np.abs(found.log10_lr(test.p_fake) - truth)[inside].max() < 0.25
    assert found.cllr.interval[0] < found.cllr.value < found.cllr.interval[1]
    assert found.min_cllr <= found.cllr.value < found.min_cllr + 0.03


def test_the_cost_is_that_of_its_definition():
    fake = np.array([True, True, False])
    ratios = np.array([10.0, 0.5, 0.2])
    wanted = (np.mean(np.log2(1 + 1 / ratios[:2])) + np.log2(1 + ratios[2])) / 2
    assert cllr(np.log10(ratios), fake) == pytest.approx(wanted)
    assert cllr(np.zeros(3), fake) == pytest.approx(1)  # says nothing
    assert cllr(np.array([-2.0, -2.0, 2.0]), fake) > 1  # misleads


def test_the_cost_after_the_best_calibration_depends_on_the_ranks_alone():
    labels, p_fake, _ = gaussian(500, 1.5, seed=4)
    one = min_cllr(Predictions.from_arrays(labels, p_fake))
    assert one == pytest.approx(min_cllr(Predictions.from_arrays(labels, p_fake**3)))
    assert 0 < one < cllr(log_odds(p_fake), labels)
    perfect = Predictions.from_arrays([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert min_cllr(perfect) == pytest.approx(0)
    assert min_cllr(Predictions.from_arrays([0, 1], [0.9, 0.1])) == pytest.approx(1)
    assert min_cllr(Predictions.from_arrays([1, 1], [0.1, 0.2])) is None


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_so_many_images_support_no_larger_ratio_even_where_they_are_separated(n):
    fake = np.arange(2 * n) % 2 == 1
    low, high = limits(np.where(fake, 8.0, -8.0), fake)
    assert high == pytest.approx(np.log10(n), abs=0.03)  # one of n + 1 reals may score as high
    assert low == pytest.approx(-high)


def test_limits_follow_the_class_that_has_fewer_images():
    fake = np.r_[np.ones(30, bool), np.zeros(900, bool)]
    low, high = limits(np.where(fake, 8.0, -8.0), fake)
    assert high == pytest.approx(np.log10(900), abs=0.05) and low == pytest.approx(-np.log10(30), abs=0.05)


def test_misleading_images_narrow_the_limits_and_useless_ratios_have_none():
    fake = np.arange(200) % 2 == 1
    ratios = np.where(fake, 3.0, -3.0)
    clean = limits(ratios, fake)
    ratios[:10:2] = 3.0  # five reals
    _, high = limits(ratios, fake)
    assert high < clean[1] - 0.5
    random = np.random.default_rng(0)
    assert limits(random.normal(0, 2, 200), fake) == (pytest.approx(0, abs=0.1), pytest.approx(0, abs=0.1))


def test_ratios_stay_within_the_limits_and_separated_classes_keep_a_finite_slope():
    labels = np.arange(60) % 2
    p_fake = np.where(labels == 1, 0.999, 0.001)
    validation = ValidationPredictions.from_arrays(labels, p_fake)
    found = likelihood_ratio(validation, predictions.TestPredictions.from_arrays(labels, p_fake), RESAMPLING)
    assert np.isfinite([found.slope, found.intercept]).all()
    assert found.log10_lr(np.array([0.0, 1.0])).tolist() == [found.low, found.high]
    assert (found.n_reals, found.n_fakes) == (30, 30)


def test_without_a_class_or_with_scores_the_wrong_way_round_there_is_none():
    test = predictions.TestPredictions.from_arrays([0, 1], [0.2, 0.8])
    assert likelihood_ratio(ValidationPredictions.from_arrays([1, 1], [0.2, 0.8]), test, RESAMPLING) is None
    upside_down = ValidationPredictions.from_arrays([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1])
    assert likelihood_ratio(upside_down, test, RESAMPLING) is None


def test_the_detector_computes_what_the_evaluation_does():
    from fakefaces.inference.metadata import Operating

    found, test, _ = calibrated(600)
    calibration = {f"lr_{name}": getattr(found, name) for name in ("slope", "intercept", "low", "high")}
    point = Operating(threshold=0.5, low=0.4, high=0.6, **calibration)
    wanted = found.log10_lr(test.p_fake)
    assert [point.log10_lr(float(p)) for p in test.p_fake] == pytest.approx(wanted)
    assert Operating(threshold=0.5, low=0.4, high=0.6).log10_lr(0.9) is None
    assert "lr_slope" not in Operating(threshold=0.5, low=0.4, high=0.6).model_dump()  # as earlier releases wrote it
    assert Operating.model_validate(point.model_dump()) == point
