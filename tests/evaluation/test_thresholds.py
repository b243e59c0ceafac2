import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_curve

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.decision_metrics import OperatingPoint
from fakefaces.evaluation.intervals import wilson_interval
from fakefaces.evaluation.operating_point import abstention_band, operating_threshold, part_thresholds
from fakefaces.evaluation.predictions import PART_SCORES, ValidationPredictions

POINT = OperatingPoint(threshold=0.5, max_fpr=0.05)


def validation(y_true, p_fake) -> ValidationPredictions:
    return ValidationPredictions.from_arrays(y_true, p_fake)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("decimals", [1, 2, 15])
@pytest.mark.parametrize("max_fpr", [0.01, 0.05, 0.29, 0.5])
def test_the_rate_is_kept_and_no_better_threshold_keeps_it(seed, decimals, max_fpr):
    random = np.random.default_rng(seed)
    y = np.r_[0, random.integers(0, 2, 119)]
    p = (random.random(120) * (0.7 + 0.3 * y)).round(decimals)
    found = operating_threshold(validation(y, p), max_fpr=max_fpr)
    fpr, tpr, _ = roc_curve(y, p, drop_intermediate=False)
    assert np.mean(p[y == 0] >= found.threshold) == pytest.approx(found.fpr, abs=1e-6)
    assert np.mean(p[y == 0] >= found.threshold) <= max_fpr
    assert found.recall == pytest.approx(tpr[fpr <= max_fpr].max(), abs=1e-6)
    assert found.fpr_high == pytest.approx(wilson_interval(found.fpr, int((y == 0).sum())).high, abs=1e-5)
    assert found.threshold not in p


def test_a_rate_that_floats_make_smaller_is_used_in_full():
    reals = np.linspace(0, 0.99, 100)
    assert math.floor(100 * 0.29) == 28
    assert operating_threshold(validation([0] * 100, reals), max_fpr=0.29).fpr == 0.29


def test_too_few_reals_put_the_threshold_above_all_and_say_so():
    found = operating_threshold(validation([0] * 12 + [1] * 3, [*np.linspace(0, 0.6, 12), 0.5, 0.7, 0.9]), max_fpr=0.01)
    assert found.threshold == pytest.approx(0.65)
    assert found.fpr == 0
    assert found.fpr_high == pytest.approx(0.2425, abs=1e-4)
    assert found.reason == "12 reals cannot show a rate of 0.01, which takes 100; no error is allowed"
    assert found.recall == pytest.approx(2 / 3, abs=1e-6)


def test_reals_that_score_1_leave_no_threshold():
    found = operating_threshold(validation([0, 0, 0, 1], [0.1, 1.0, 1.0, 1.0]), max_fpr=0.5)
    assert found.threshold is found.fpr is found.recall is None
    assert found.reason == "more than 0.5 of the reals score 1: no threshold in [0, 1] is above them"


def test_neighbouring_floats_are_told_apart():
    a = 0.5
    b = math.nextafter(a, 1)
    found = operating_threshold(validation([0, 1], [a, b]), max_fpr=0.1)
    assert (found.threshold, found.fpr, found.recall) == (b, 0, 1)


def test_without_fakes_there_is_a_threshold_but_no_recall():
    found = operating_threshold(validation([0] * 40, np.linspace(0, 1, 40)), max_fpr=0.05)
    assert found.recall is None
    assert found.fpr == 0.05


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("decimals", [1, 15])
def test_the_band_holds_the_threshold_and_is_never_empty(seed, decimals):
    random = np.random.default_rng(seed)
    y = np.r_[0, 1, random.integers(0, 2, 398)]
    p = np.clip(random.normal(0.4 + 0.2 * y, 0.15), 0.01, 0.99).round(decimals)
    point = operating_threshold(validation(y, p), max_fpr=0.1)
    band = abstention_band(validation(y, p), point)
    assert band.low < point.threshold <= band.high
    assert (band.max_fnr, band.reasons) == (None, {})
    n = int((y == 0).sum())
    below, above = (p[y == 0] >= band.high).sum(), (p[y == 0] > band.low).sum()
    assert binomtest(int(below), n, 0.1, alternative="less").pvalue <= 0.025
    assert binomtest(int(above) + 1, n, 0.1, alternative="greater").pvalue <= 0.025 or decimals == 1
    deeper = abstention_band(validation(y, p), point, max_fnr=0.05)
    assert deeper.low <= band.low and deeper.high == band.high
    assert np.mean(p[y == 1] < deeper.low) <= 0.05


def test_nineteen_intervals_of_twenty_hold_the_true_quantile():
    """Of uniform scores the threshold for a false positive rate of a tenth is 0.9."""
    random, hits = np.random.default_rng(3), 0
    for _ in range(400):
        reals = validation([0] * 120, random.random(120))
        band = abstention_band(reals, operating_threshold(reals, max_fpr=0.1))
        hits += band.low < 0.9 <= band.high
    assert hits >= 0.93 * 400


def test_more_validation_images_leave_less_open():
    random = np.random.default_rng(1)
    widths = []
    for n in (100, 1000, 10000):
        y = np.arange(n) % 2
        images = validation(y, np.clip(random.normal(0.4 + 0.2 * y, 0.15), 0, 1))
        band = abstention_band(images, operating_threshold(images, max_fpr=0.1))
        widths.append(band.high - band.low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_between_separated_classes_lies_what_no_validation_image_showed():
    y, p = np.repeat([0, 1], 100), np.r_[np.linspace(0, 0.3, 100), np.linspace(0.7, 1, 100)]
    images = validation(y, p)
    band = abstention_band(images, operating_threshold(images, max_fpr=0.01))
    assert (band.low, band.high) == (pytest.approx(0.3 - 0.3 * 3 / 99), None)
    assert band.reasons == {"high": "100 reals cannot show a false positive rate below 0.01"}
    band = abstention_band(images, operating_threshold(images, max_fpr=0.05), max_fnr=0.01)
    assert band.low < 0.3 and band.high == 0.7


def test_the_lower_bound_goes_down_to_the_highest_that_keeps_max_fnr():
    y = [0] * 200 + [1] * 20
    p = np.r_[np.linspace(0.01, 0.5, 200), np.linspace(0.3, 0.99, 20)]
    images = validation(y, p)
    point = operating_threshold(images, max_fpr=0.1)
    band = abstention_band(images, point, max_fnr=0.1)
    fakes = p[200:]
    assert np.mean(fakes < band.low) == 0.1
    assert fakes[1] < band.low <= fakes[2] < abstention_band(images, point).low


def test_reals_at_1_and_fakes_at_0_leave_no_bound():
    images = validation([0] * 30 + [1] * 30, [1.0] * 30 + [0.0] * 30)
    point = operating_threshold(images, max_fpr=0.05)
    assert point.threshold is None and "score 1" in point.reason
    band = abstention_band(images, POINT, max_fnr=0.05)
    assert (band.low, band.high) == (None, None)
    assert band.reasons["low"] == "more than 0.05 of the fakes score 0"


def test_too_few_of_a_class_are_reported():
    images = validation([0] * 5 + [1] * 200, np.linspace(0, 1, 205))
    band = abstention_band(images, operating_threshold(images, max_fpr=0.05), max_fnr=0.05)
    assert band.high is None
    assert band.reasons == {"high": "5 reals cannot show a false positive rate below 0.05"}
    alone = validation([0, 1], [0.2, 0.4])
    band = abstention_band(alone, operating_threshold(alone, max_fpr=0.1))
    assert (band.low, band.high, set(band.reasons)) == (None, None, {"low", "high"})


def test_bad_requests_are_refused():
    with pytest.raises(ModelError, match="no reals"):
        operating_threshold(validation([1, 1], [0.1, 0.2]), max_fpr=0.05)
    with pytest.raises(ModelError, match="no fakes"):
        abstention_band(validation([0, 0], [0.1, 0.2]), POINT, max_fnr=0.05)
    for share in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(ModelError, match="not between 0 and 1"):
            operating_threshold(validation([0, 1], [0.1, 0.2]), max_fpr=share)


def test_at_most_max_fpr_of_the_validation_reals_have_any_suspected_part():
    random = np.random.default_rng(9)
    label = np.arange(400) % 2
    table = pd.DataFrame({"label": label})
    for k, score in enumerate(PART_SCORES):
        table[score] = np.clip(random.normal(0.3 + 0.1 * k + 0.2 * label, 0.1), 0, 1)
    found = part_thresholds(table, max_fpr=0.1)
    reals = table[label == 0]
    above = np.stack([reals[score] >= found[part] for part, score in zip(PARTS, PART_SCORES, strict=True)])
    assert 0 < above.any(axis=0).mean() <= 0.1
    assert (above.mean(axis=1) <= 0.025).all() and (above.mean(axis=1) > 0.015).all()
    assert len(set(found.values())) == 4  # each part has its own
    assert part_thresholds(table[["label"]], max_fpr=0.1) is None
    assert part_thresholds(table[label == 1], max_fpr=0.1) == dict.fromkeys(PARTS)
    table[PART_SCORES[0]] = 1.0
    assert part_thresholds(table, max_fpr=0.1)[PARTS[0]] is None
