"""The operating threshold and the abstention band: chosen on validation, measured on test."""

import math

import numpy as np

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import Resampling, wilson_interval
from fakefaces.evaluation.metrics import estimate, subset_metrics
from fakefaces.evaluation.model_metrics import AbstentionBand, Estimate, OperatingMetrics, OperatingPoint
from fakefaces.evaluation.predictions import Array, Mask, TestPredictions, ValidationPredictions


def operating_point(
    validation: ValidationPredictions,
    test: TestPredictions,
    *,
    max_fpr: float,
    max_fnr: float,
    resampling: Resampling,
) -> OperatingPoint:
    """Choose a threshold and an abstention band on validation, and measure both on test.

    ``max_fpr`` is the share of reals that may be called fake, ``max_fnr`` the share of fakes that may be called
    real outside of the band.
    """
    try:
        point = operating_threshold(validation, max_fpr=max_fpr)
    except ModelError as error:
        return OperatingPoint(threshold=None, max_fpr=max_fpr, reason=str(error))
    if point.threshold is None:
        return point
    called_fake = test.called_fake(point.threshold)
    fpr = _rate(called_fake, ~test.fake)
    metrics = subset_metrics(OperatingMetrics, test, point.threshold, resampling, fpr=fpr)
    try:
        band = _measured(abstention_band(validation, point, max_fnr=max_fnr), test, called_fake)
    except ModelError as error:
        band = AbstentionBand(low=None, high=None, reasons={"band": str(error)})
    return point.model_copy(update={"test": metrics, "abstention_band": band})


def operating_threshold(validation: ValidationPredictions, *, max_fpr: float) -> OperatingPoint:
    """The lowest threshold that calls at most a share of ``max_fpr``, in (0, 1), of the reals fake.

    It is conservative: of n reals at most floor(n * max_fpr) score at or above it; ties with the first one
    too many stay below. It lies halfway to the next higher score. With fewer than 1 / ``max_fpr`` reals such
    a rate cannot be observed: then the threshold lies above every real, and ``reason`` and ``fpr_high`` say what
    that is worth. Neyman and Pearson, "On the problem of the most efficient tests of statistical hypotheses",
    Philosophical Transactions A 231 (1933), on the empirical distribution.

    Raises:
        ModelError: there are no reals, or ``max_fpr`` is out of range.
    """
    reals, fakes = validation.p_fake[~validation.fake], validation.p_fake[validation.fake]
    allowed = _allowed_errors(len(reals), max_fpr, "max_fpr", "reals")
    threshold = _threshold_above(reals, validation.p_fake, allowed, end=1.0)
    if threshold is None:
        reason = f"more than {max_fpr:g} of the reals score 1: no threshold in [0, 1] is above them"
        return OperatingPoint(threshold=None, max_fpr=max_fpr, n_reals=len(reals), reason=reason)
    fpr = float((reals >= threshold).mean())
    return OperatingPoint(
        threshold=threshold,
        max_fpr=max_fpr,
        fpr=fpr,
        fpr_high=wilson_interval(fpr, len(reals)).high,
        recall=float((fakes >= threshold).mean()) if len(fakes) else None,
        n_reals=len(reals),
        reason=_too_few(len(reals), allowed, max_fpr, "reals"),
    )


def abstention_band(validation: ValidationPredictions, point: OperatingPoint, *, max_fnr: float) -> AbstentionBand:
    """The band of scores below the operating threshold in which calling an image real would be wrong too often.

    Its lower bound is the highest that lets at most ``max_fnr`` of the fakes be called real, and the threshold
    itself if that keeps the rate: then the band is empty. In the band the model abstains: the reject option of Chow,
    "On optimum recognition error and reject tradeoff", IEEE Transactions on Information Theory 16 (1970). Error
    rates within each class, unlike precision, do not depend on the share of fakes, which nobody knows beforehand.

    Raises:
        ModelError: there are no fakes, or ``max_fnr`` is not in (0, 1).
    """
    threshold, fakes = point.threshold, validation.p_fake[validation.fake]
    assert threshold is not None
    misses = _allowed_errors(len(fakes), max_fnr, "max_fnr", "fakes")
    # The mirror image: on negated scores the fakes are the ones that must not lie above.
    negated = _threshold_above(-fakes, -validation.p_fake, misses, end=0.0)
    low = None if negated is None else min(-negated, threshold)
    reason = (
        f"more than {max_fnr:g} of the fakes score 0" if low is None else _too_few(len(fakes), misses, max_fnr, "fakes")
    )
    reasons = {name: text for name, text in (("high", point.reason), ("low", reason)) if text}
    return AbstentionBand(low=low, high=threshold, max_fnr=max_fnr, reasons=reasons)


def _measured(band: AbstentionBand, test: TestPredictions, called_fake: Mask) -> AbstentionBand:
    """The band with its rates on test; without a lower bound no image is called real."""
    called_real = test.p_fake < (0 if band.low is None else band.low)
    rates = {
        "share": _rate(~(called_fake | called_real), np.ones(len(test), dtype=bool)),
        "fpr": _rate(called_fake, ~test.fake),
        "fnr": _rate(called_real, test.fake),
    }
    return AbstentionBand.model_validate(dict(band) | {name: rate.value for name, rate in rates.items()})


def _rate(selected: Mask, population: Mask) -> Estimate:
    """The share of a population that is selected, with Wilson's interval."""
    n = int(population.sum())
    if not n:
        return Estimate(value=None)
    rate = float((selected & population).sum() / n)
    return estimate(rate, wilson_interval(rate, n))


def _threshold_above(class_scores: Array, all_scores: Array, allowed: int, *, end: float) -> float | None:
    """The midpoint above all of a class but the ``allowed`` highest; None if there is no room below ``end``."""
    highest = float(np.sort(class_scores)[::-1][allowed])
    if highest >= end:
        return None
    above = all_scores[all_scores > highest]
    following = float(above.min()) if len(above) else end
    middle = (highest + following) / 2
    return middle if middle > highest else following  # of two neighbouring floats the upper one


def _allowed_errors(n: int, rate: float, name: str, plural: str) -> int:
    """How many of ``n`` may be on the wrong side: the largest count with ``count / n <= rate``."""
    if not 0 < rate < 1:
        raise ModelError(f"{name}: {rate} is not between 0 and 1")
    if not n:
        raise ModelError(f"no {plural} to keep {name} on")
    count = math.floor(n * rate)
    return count + 1 if (count + 1) / n <= rate else count  # 0.29 * 100 is below 29 in floats


def _too_few(n: int, allowed: int, rate: float, plural: str) -> str | None:
    if allowed:
        return None
    return f"{n} {plural} cannot show a rate of {rate:g}, which takes {math.ceil(1 / rate)}; no error is allowed"
