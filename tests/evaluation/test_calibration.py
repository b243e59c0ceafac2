import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.calibration import (
    Scaling,
    calibration,
    expected_calibration_error,
    fit_platt,
    fit_temperature,
    reliability,
)


@pytest.fixture
def overconfident():
    """Scores whose logits are twice too large and shifted by one."""
    random = np.random.default_rng(0)
    logit = random.normal(size=4000) * 1.5
    y = (random.random(4000) < 1 / (1 + np.exp(-logit))).astype(int)
    return y, 1 / (1 + np.exp(-(2 * logit + 1)))


@pytest.mark.parametrize(("binning", "strategy"), [("equal_width", "uniform"), ("equal_mass", "quantile")])
def test_bins_are_sklearns(overconfident, binning, strategy):
    y, p = overconfident
    found = reliability(y, p, bins=10, binning=binning)
    fraction, mean = calibration_curve(y, p, n_bins=10, strategy=strategy)
    assert [one.fraction_fake for one in found] == pytest.approx(fraction.tolist())
    assert [one.mean_p for one in found] == pytest.approx(mean.tolist())
    assert sum(one.n for one in found) == len(y)
    assert all(one.low <= one.mean_p <= one.high for one in found)


def test_equal_mass_holds_equal_numbers_but_parts_no_ties():
    p = np.linspace(0, 1, 100)
    assert [one.n for one in reliability(np.arange(100) % 2, p, bins=5)] == [20] * 5
    tied = np.repeat([0.1, 0.2, 0.9], [50, 30, 20])
    assert [one.n for one in reliability(np.arange(100) % 2, tied, bins=10)] == [50, 30, 20]
    (only,) = reliability([0, 1, 1, 1], [0.7] * 4)
    assert (only.low, only.high, only.n, only.fraction_fake) == (0.7, 0.7, 4, 0.75)


def test_equal_width_leaves_out_empty_bins_and_holds_both_ends():
    found = reliability([0, 1, 1], [0.0, 0.95, 1.0], binning="equal_width")
    assert [(one.low, one.high, one.n) for one in found] == [(0.0, 0.1, 1), (0.9, 1.0, 2)]


def test_ece_of_a_known_case():
    bins = reliability([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7], bins=2)
    assert expected_calibration_error(bins) == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)


def test_calibration_record(overconfident):
    y, p = overconfident
    found = calibration(y, p)
    assert found["brier"] == pytest.approx(brier_score_loss(y, p))
    assert found["ece_equal_mass"] > 0.08
    assert found["fraction_fake"] == pytest.approx(y.mean())
    with pytest.raises(ModelError, match="0 images"):
        calibration([], [])
    with pytest.raises(ModelError, match="0 bins"):
        calibration(y, p, bins=0)


def test_platt_undoes_what_was_done(overconfident):
    y, p = overconfident
    scaling = fit_platt(y, p)
    assert scaling.slope == pytest.approx(0.5, abs=0.05)
    assert scaling.intercept == pytest.approx(-0.5, abs=0.1)
    assert calibration(y, scaling(p))["ece_equal_mass"] < 0.03
    assert (np.argsort(scaling(p), kind="stable") == np.argsort(p, kind="stable")).all()


def test_platt_is_a_logistic_regression_on_the_logit(overconfident):
    """Up to the smoothing of the targets, which fades with n; weights of both labels make it exact."""
    y, p = overconfident
    y, p = y[:300], p[:300]
    n1, n0 = y.sum(), (1 - y).sum()
    target = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    z = np.log(p / (1 - p))[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.r_[z, z], np.repeat([1, 0], 300), sample_weight=np.r_[target, 1 - target]
    )
    found = fit_platt(y, p)
    assert (found.slope, found.intercept) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-5)


def test_temperature_has_the_least_log_loss(overconfident):
    y, p = overconfident
    found = fit_temperature(y, p)
    best = minimize(lambda s: log_loss(y, Scaling(float(s[0]), 0.0)(p)), [1.0])
    assert found.slope == pytest.approx(float(best.x[0]), abs=2e-3)
    assert found.intercept == 0.0
    assert found([0.5])[0] == 0.5


def test_separated_saturated_and_constant_scores_have_a_finite_scaling():
    y = np.repeat([0, 1], 20)
    for p in (y * 1.0, np.full(40, 0.3), np.full(40, 0.5), np.full(40, 1.0), np.linspace(0, 1, 40)):
        for fit in (fit_platt, fit_temperature):
            scaled = fit(y, p)(p)
            assert np.isfinite(scaled).all()
            assert ((scaled > 0) & (scaled < 1)).all()
    assert fit_platt(y, np.full(40, 0.3))([0.3])[0] == pytest.approx(0.5)


def test_scores_the_wrong_way_round():
    y, p = np.repeat([0, 1], 50), np.r_[np.linspace(0.3, 0.9, 50), np.linspace(0.1, 0.7, 50)]
    assert fit_platt(y, p).slope < 0
    assert fit_temperature(y, p) == Scaling(0.0, 0.0)


def test_scaling_needs_both_classes():
    with pytest.raises(ModelError, match="0 reals and 2 fakes"):
        fit_platt([1, 1], [0.2, 0.3])
