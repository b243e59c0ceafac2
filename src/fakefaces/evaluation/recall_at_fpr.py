"""Recall at a stated false-positive rate, read off the ROC curve of the very images that it is reported of."""

from collections.abc import Sequence

import numpy as np

from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import MIN_GROUPS, Resampling, bootstrap, proportion_interval
from fakefaces.evaluation.metrics import estimate, ratio, weights_by_score
from fakefaces.evaluation.predictions import Array, Predictions

_ROUNDING = 1e-9  # of weights and their sums


def recall_at_fpr(predictions: Predictions, max_fprs: Sequence[float], resampling: Resampling) -> dict[float, Estimate]:
    """The largest share of fakes at or above a threshold that at most a given share of the reals reach.

    The threshold is chosen on these images, in each resample anew, so this is a point of the ROC curve and compares
    scores of any scale; an operating point, chosen on validation, says what a user gets.

    Args:
        predictions: of at least one image.
        max_fprs: shares of the reals, each in (0, 1).
        resampling: number of resamples of the groups, and seed.

    Returns:
        The recall by share; None with a reason where a class is missing, or where the reals are too few for one of them
        to be called fake.
    """
    n_reals, n_fakes = int((~predictions.fake).sum()), int(predictions.fake.sum())
    if not n_reals or not n_fakes:
        missing = "reals" if not n_reals else "fakes"
        none = Estimate(value=None, reason=f"no {missing} among the {len(predictions)} images")
        return dict.fromkeys(max_fprs, none)
    shown = [rate for rate in max_fprs if n_reals * rate >= 1 - _ROUNDING]

    def recalls(weights: Array) -> dict[str, Array]:
        return {str(rate): recall for rate, recall in zip(shown, _recalls(predictions, shown, weights), strict=True)}

    values = recalls(np.ones((1, len(predictions))))
    n_groups = min(predictions.n_groups_by_class)
    resampled = bootstrap(recalls, predictions.group, resampling) if n_groups >= MIN_GROUPS and shown else {}
    estimates = {}
    for rate in max_fprs:
        if rate in shown:
            value = float(values[str(rate)][0])
            interval = proportion_interval(value, resampled.get(str(rate)), n_groups)
            estimates[rate] = estimate(value, interval)
        else:
            estimates[rate] = Estimate(value=None, reason=f"{n_reals} reals cannot show a rate of {rate:g}")
    return estimates


def _recalls(predictions: Predictions, max_fprs: Sequence[float], weights: Array) -> list[Array]:
    """The recall under each weighting, float64 (n_resamples,), by share; NaN where a class has no weight."""
    fakes, reals = weights_by_score(predictions, weights)
    n_fakes, n_reals = fakes.sum(axis=1), reals.sum(axis=1)
    found, called = np.cumsum(fakes, axis=1), np.cumsum(reals, axis=1)
    shares = []
    for rate in max_fprs:
        # Both sums rise with falling thresholds, so the last allowed threshold has the highest recall.
        allowed = called <= (rate * n_reals)[:, None] + _ROUNDING
        shares.append(ratio(np.where(allowed, found, 0.0).max(axis=1), np.where(n_reals > 0, n_fakes, 0.0)))
    return shares
