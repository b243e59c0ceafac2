import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.calibration import calibration, expected_calibration_error, reliability
from fakefaces.evaluation.predictions import Predictions


@pytest.fixture
def overconfident():
    """Scores whose logits are twice too large and shifted by b."""
    random = np.random.default_rng(0)
    logit = random.normal(size=4000) * 1.5
    y = (random.random(4000) < 1 / (1 + np.exp(-logit))).astype(int)
    return y, 1 / (1 + np.exp(-(2 * logit + 1)))


@pytest.mark.parametrize(("binning", "strategy"), [("equal_width", "uniform"), ("equal_mass", "quantile")])
def test_bins_are_sklearns(overconfident, binning, strategy):
    y, p = overconfident
    found = reliability(Predictions.from_arrays(y, p), bins=10, binning=binning)
    fraction, mean = calibration_curve(y, p, n_bins=10, strategy=strategy)
    assert found["fraction_fake"].tolist() == pytest.approx(fraction.tolist())
    assert found["mean_p"].tolist() == pytest.approx(mean.tolist())
    assert found["n"].sum() == len(y)
    assert (found["low"] <= found["mean_p"]).all() and (found["mean_p"] <= found["high"]).all()


def test_equal_mass_holds_equal_numbers_but_parts_no_ties():
    p = np.linspace(0, 1, 100)
    assert reliability(Predictions.from_arrays(np.arange(100) % 2, p), bins=5)["n"].tolist() == [20] * 5
    tied = np.repeat([0.1, 0.2, 0.9], [50, 30, 20])
    assert reliability(Predictions.from_arrays(np.arange(100) % 2, tied), bins=10)["n"].tolist() == [50, 30, 20]
    found = reliability(Predictions.from_arrays([0, 1, 1, 1], [0.7] * 4))
    assert found[["low", "high", "n", "fraction_fake"]].to_numpy().tolist() == [[0.7, 0.7, 4, 0.75]]


def test_equal_width_leaves_out_empty_bins_and_holds_both_ends():
    found = reliability(Predictions.from_arrays([0, 1, 1], [0.0, 0.95, 1.0]), binning="equal_width")
    assert found[["low", "high", "n"]].to_numpy().tolist() == [[0.0, 0.1, 1], [0.9, 1.0, 2]]


def test_ece_of_a_known_case():
    bins = reliability(Predictions.from_arrays([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7]), bins=2)
    assert expected_calibration_error(bins) == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)


def test_calibration_record(overconfident):
    y, p = overconfident
    found = calibration(Predictions.from_arrays(y, p))
    assert found.brier == pytest.approx(brier_score_loss(y, p), abs=1e-6)
    assert found.ece_equal_mass > 0.08
    assert found.fraction_fake == pytest.approx(y.mean(), abs=1e-6)
    with pytest.raises(ModelError, match="0 images"):
        calibration(Predictions.from_arrays([], []))
    with pytest.raises(ModelError, match="0 bins"):
        calibration(Predictions.from_arrays(y, p), bins=0)


def test_a_score_on_an_edge_belongs_to_the_bin_above_it():
    found = reliability(Predictions.from_arrays([0, 1], [0.5, 0.9]), bins=2, binning="equal_width")
    assert found[["low", "high", "n"]].to_numpy().tolist() == [[0.5, 1.0, 2]]


def test_each_calibration_metric_is_named_after_its_definition():
    record = calibration(Predictions.from_arrays([0, 0, 1, 1], [0.1, 0.2, 0.4, 0.9]), bins=2)
    assert record.ece_equal_mass == pytest.approx((2 * 0.15 + 2 * 0.35) / 4)  # bins {0.1, 0.2} and {0.4, 0.9}
    assert record.ece_equal_width == pytest.approx((3 * 0.1 + 0.1) / 4)  # bins {0.1, 0.2, 0.4} and {0.9}
    assert (record.mean_p, record.fraction_fake, record.bins) == (pytest.approx(0.4), 0.5, 2)
    tied = calibration(Predictions.from_arrays([0, 1], [0.5, 0.5]))
    assert tied.bins == 10  # the number asked for, though equal scores share one bin
