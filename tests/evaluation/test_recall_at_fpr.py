"""Recall at a false-positive rate, against scikit-learn's ROC curve."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.recall_at_fpr import recall_at_fpr

RATES = (0.01, 0.05, 0.1, 0.5)


@pytest.mark.parametrize("levels", [0, 8], ids=["distinct", "ties"])
def test_it_is_the_point_of_the_roc_curve(levels):
    rng = np.random.default_rng(2)
    fake = rng.integers(0, 2, 400)
    scores = np.clip(0.5 + 0.2 * (fake - 0.5) + rng.normal(0, 0.2, 400), 0, 1)
    scores = np.round(scores * levels) / levels if levels else scores
    predictions = Predictions.from_arrays(fake, scores)
    fpr, tpr, _ = roc_curve(fake, scores, drop_intermediate=False)
    found = recall_at_fpr(predictions, RATES, Resampling(200, 1))
    for rate in RATES:
        assert found[rate].value == pytest.approx(tpr[fpr <= rate].max(), abs=1e-6)
        assert found[rate].interval[0] <= found[rate].value <= found[rate].interval[1]


def test_weights_of_resamples_count():
    # Of two equally large groups one is separated and the other reversed: resamples of the one give 1, of the other 0.
    group = np.repeat(np.arange(20), 2)
    fake = np.tile([1, 0], 20)
    scores = np.where(group < 10, np.tile([0.9, 0.1], 20), np.tile([0.2, 0.8], 20))
    low, high = recall_at_fpr(Predictions.from_arrays(fake, scores, group), (0.5,), Resampling(500, 1))[0.5].interval
    assert low < 0.5 < high


def test_what_cannot_be_shown_has_a_reason():
    few = Predictions.from_arrays([0] * 15 + [1] * 15, np.linspace(0, 1, 30))
    found = recall_at_fpr(few, (0.01, 0.1), Resampling(100, 1))
    assert found[0.01].value is None and found[0.01].reason == "15 reals cannot show a rate of 0.01"
    assert found[0.1].value == 1
    assert "no reals" in recall_at_fpr(Predictions.from_arrays([1], [0.5]), (0.1,), Resampling(100, 1))[0.1].reason
