"""The weight of evidence of a score: a calibrated likelihood ratio, its limits, and what it costs.

The log10 likelihood ratio says how many times as probable a score is if the photograph is fake than if it is real: 1
means ten times, -1 a tenth. Unlike ``p_fake`` it does not depend on the share of fakes among the training images; with
a base rate it gives the odds: posterior odds = prior odds x 10^(log10 LR).
"""

import numpy as np

from fakefaces.evaluation.decision_metrics import LikelihoodRatio
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import MIN_GROUPS, Resampling, bootstrap, percentile_interval, too_few_groups
from fakefaces.evaluation.metrics import estimate, ratio
from fakefaces.evaluation.predictions import Array, Mask, Predictions, TestPredictions, ValidationPredictions

_STEP = 0.01  # of log10 likelihood ratios, on which limits are searched
_CLIP = 1e-6  # scores nearer to 0 or 1 are taken for this


def likelihood_ratio(
    validation: ValidationPredictions, test: TestPredictions, resampling: Resampling
) -> LikelihoodRatio | None:
    """Calibrate likelihood ratios on validation, and measure their cost on test.

    Logistic regression on the log odds of the scores, both classes with equal weight: Brümmer and du Preez,
    "Application-independent evaluation of speaker detection", Computer Speech & Language 20 (2006); Morrison, "Tutorial
    on logistic-regression calibration and fusion", Australian Journal of Forensic Sciences 45 (2013). A ridge penalty
    keeps the slope finite where the classes are separated.

    Returns:
        None where validation lacks a class, or the scores do not rise with the evidence.
    """
    if len(np.unique(validation.fake)) < 2:
        return None
    slope, intercept = _calibrate(validation)
    if slope <= 0:
        return None
    low, high = limits(slope * log_odds(validation.p_fake) + intercept, validation.fake)
    ours = LikelihoodRatio(
        slope=slope,
        intercept=intercept,
        low=low,
        high=high,
        n_reals=int((~validation.fake).sum()),
        n_fakes=int(validation.fake.sum()),
    )
    log10_lr = ours.log10_lr(test.p_fake)
    cost = {"cllr": _cllr(log10_lr, test, resampling), "min_cllr": min_cllr(test)}
    return LikelihoodRatio.model_validate(dict(ours) | cost)


def log_odds(p_fake: Array) -> Array:
    """Log10 odds of scores, float64 (n,); those nearer to 0 or 1 than 1e-6 are clipped."""
    p = np.clip(p_fake, _CLIP, 1 - _CLIP)
    return np.asarray(np.log10(p / (1 - p)))


def limits(log10_lr: Array, fake: Mask) -> tuple[float, float]:
    """The range of log10 likelihood ratios that so many images support: empirical lower and upper bounds (ELUB).

    Beyond it a decision at the ratio would cost more than one without any evidence, if one more image of either class
    were misleading. Vergeer, van Es, de Jongh, Alberink and Stoel, "Numerical likelihood ratios outputted by LR systems
    are often based on extrapolation: When to stop extrapolating?", Science & Justice 56 (2016).

    Args:
        log10_lr: float64 (n,), of images that the ratios were calibrated on.
        fake: bool (n,), their labels; both classes are present.

    Returns:
        Lower and upper bound; at most 0 and at least 0.
    """
    return min(0.0, -_upper(-log10_lr, ~fake)), max(0.0, _upper(log10_lr, fake))


def cllr(log10_lr: Array, fake: Mask) -> float:
    """The log-likelihood-ratio cost: 0 for perfect ratios, 1 for ones that say nothing, above 1 for misleading ones.

    Brümmer and du Preez (2006). In bits, for both classes with equal weight.
    """
    bits = _bits(log10_lr, fake)
    return float((bits[fake].mean() + bits[~fake].mean()) / 2)


def min_cllr(predictions: Predictions) -> float | None:
    """The cost after the best monotonic calibration of the same scores: what discrimination alone leaves.

    Pool-adjacent-violators on the images themselves (Brümmer and du Preez 2006); the rest of the cost is calibration.
    None where a class is absent.
    """
    from sklearn.isotonic import IsotonicRegression

    fake = predictions.fake
    if fake.all() or not fake.any():
        return None
    weights = np.where(fake, 0.5 / fake.sum(), 0.5 / (~fake).sum())
    monotonic = IsotonicRegression(y_min=0, y_max=1).fit(predictions.p_fake, fake.astype(float), weights)
    p = monotonic.predict(predictions.p_fake)
    with np.errstate(divide="ignore"):
        bits = -np.log2(np.where(fake, p, 1 - p))
    return float(np.sum(weights * bits))


def _calibrate(validation: ValidationPredictions) -> tuple[float, float]:
    """Slope and intercept from log10 odds of scores to log10 likelihood ratios."""
    from sklearn.linear_model import LogisticRegression

    x = log_odds(validation.p_fake)
    centre, spread = float(x.mean()), float(x.std()) or 1.0
    model = LogisticRegression(class_weight="balanced", C=1.0, tol=1e-8, max_iter=1000)
    model.fit(((x - centre) / spread)[:, None], validation.fake)
    slope = float(model.coef_[0, 0]) / spread / np.log(10)
    return slope, float(model.intercept_[0]) / np.log(10) - slope * centre


def _upper(log10_lr: Array, fake: Mask) -> float:
    """The highest ratio up to which all thresholds are worth more than no evidence."""
    grid = np.arange(0.0, max(float(log10_lr.max()), 0.0) + _STEP, _STEP)
    hits = (log10_lr[fake][:, None] > grid).sum(axis=0) / (fake.sum() + 1)
    false_alarms = ((log10_lr[~fake][:, None] > grid).sum(axis=0) + 1) / ((~fake).sum() + 1)
    worthless = np.flatnonzero(hits < false_alarms * 10**grid)
    return float(grid[max(0, worthless[0] - 1)] if len(worthless) else grid[-1])


def _bits(log10_lr: Array, fake: Mask) -> Array:
    natural = np.where(fake, -log10_lr, log10_lr) * np.log(10)
    return np.asarray(np.logaddexp(0, natural) / np.log(2))


def _cllr(log10_lr: Array, test: TestPredictions, resampling: Resampling) -> Estimate:
    """The cost with its interval from the group bootstrap."""
    n_groups = min(test.n_groups_by_class)
    if not n_groups:
        return Estimate(value=None, reason="a class is absent from the test images")
    value = cllr(log10_lr, test.fake)
    if n_groups < MIN_GROUPS:
        return estimate(value, too_few_groups(n_groups))
    bits, fake = _bits(log10_lr, test.fake), test.fake

    def weighted(weights: Array) -> dict[str, Array]:
        # Not by BLAS, whose threads make the last digits depend on the machine's load.
        rows = np.stack([fake * bits, ~fake * bits, fake, ~fake])
        cost_fakes, cost_reals, fakes, reals = np.einsum("kj,ij->ki", rows, weights)
        means = [ratio(cost_fakes, fakes), ratio(cost_reals, reals)]
        return {"cllr": (means[0] + means[1]) / 2}

    return estimate(value, percentile_interval(bootstrap(weighted, test.group, resampling)["cllr"]))
