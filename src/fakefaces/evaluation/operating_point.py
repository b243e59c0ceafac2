"""The operating threshold and the abstention band: chosen on validation, measured on test."""

import math

import numpy as np
import pandas as pd

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS, REAL
from fakefaces.evaluation.decision_metrics import AbstentionBand, OperatingMetrics, OperatingPoint
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import LEVEL, Resampling, wilson_interval
from fakefaces.evaluation.metrics import estimate, subset_metrics
from fakefaces.evaluation.predictions import PART_SCORES, Array, Mask, TestPredictions, ValidationPredictions


def operating_point(
    validation: ValidationPredictions,
    test: TestPredictions,
    *,
    max_fpr: float,
    max_fnr: float | None,
    resampling: Resampling,
) -> OperatingPoint:
    """Choose a threshold and an abstention band on validation, and measure both on test.

    ``max_fpr`` is the share of reals that may be called fake, ``max_fnr`` the share of fakes that may score below the
    band; None does not limit it.
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
        band = _measured(abstention_band(validation, point, max_fnr=max_fnr), test)
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


def part_thresholds(validation: pd.DataFrame, *, max_fpr: float) -> dict[str, float | None] | None:
    """The score from which on each part is suspected, chosen on the validation images.

    All parts together are suspected in at most a share of ``max_fpr`` of the reals, for each has a quarter of it: the
    correction of Bonferroni.

    Args:
        validation: ``label`` and the parts' scores, :data:`fakefaces.evaluation.predictions.PART_SCORES`.
        max_fpr: in (0, 1).

    Returns:
        By part; None for one of which none can be chosen. None where the model does not score parts.
    """
    if not set(PART_SCORES) <= set(validation):
        return None
    reals = validation[validation["label"] == REAL]
    thresholds: dict[str, float | None] = {}
    for part, score in zip(PARTS, PART_SCORES, strict=True):
        clean = reals[reals[score].notna()]
        scores = ValidationPredictions.from_arrays(clean["label"], clean[score])
        thresholds[part] = operating_threshold(scores, max_fpr=max_fpr / len(PARTS)).threshold if len(clean) else None
    return thresholds


def abstention_band(
    validation: ValidationPredictions, point: OperatingPoint, *, max_fnr: float | None = None
) -> AbstentionBand:
    """The scores of which the validation images do not show on which side of the threshold they belong.

    The threshold estimates a quantile of the reals' scores. The band lies between the bounds of its 95 % confidence
    interval, which order statistics give without an assumption on the distribution: Wilks, "Order statistics", Bulletin
    of the AMS 54 (1948); Hahn and Meeker, "Statistical Intervals" (1991), chapter 5. At or above ``high`` the false
    positive rate is shown to be below ``max_fpr``, below ``low`` to be above it. Each bound reaches as far as no
    validation image scores, so that the band is never empty. In it the model abstains: the reject option of Chow, "On
    optimum recognition error and reject tradeoff", IEEE Transactions on Information Theory 16 (1970).

    Args:
        validation: the images that the threshold was chosen on.
        point: with its threshold.
        max_fnr: the band reaches down to where at most this share of the fakes scores below it; None: not for that.

    Raises:
        ModelError: there are no reals, or with ``max_fnr`` no fakes, or it is not in (0, 1).
    """
    threshold, reals = point.threshold, np.sort(validation.p_fake[~validation.fake])[::-1]
    assert threshold is not None
    if not len(reals):
        raise ModelError("no reals to keep max_fpr on")
    most, least = _allowed_errors_between(len(reals), point.max_fpr)
    reasons = {}
    high = low = None
    if most is None:
        reasons["high"] = f"{len(reals)} reals cannot show a false positive rate below {point.max_fpr:g}"
    else:
        above = validation.p_fake[validation.p_fake > reals[most]]
        high = max(threshold, float(above.min()) if len(above) else 1.0)
        high = high if high > reals[most] else None  # where reals score 1
    if least is None:
        reasons["low"] = f"{len(reals)} reals cannot show a false positive rate above {point.max_fpr:g}"
    else:
        low = min(threshold, float(reals[least]))
    if max_fnr is not None and low is not None:
        fakes = validation.p_fake[validation.fake]
        misses = _allowed_errors(len(fakes), max_fnr, "max_fnr", "fakes")
        # The mirror image: on negated scores the fakes are the ones that must not lie above.
        negated = _threshold_above(-fakes, -validation.p_fake, misses, end=0.0)
        low = None if negated is None else min(low, -negated)
        if reason := _too_few(len(fakes), misses, max_fnr, "fakes"):
            reasons["low"] = reason
        if low is None:
            reasons["low"] = f"more than {max_fnr:g} of the fakes score 0"
    return AbstentionBand(low=low, high=high, max_fnr=max_fnr, reasons=reasons)


def _allowed_errors_between(n: int, rate: float) -> tuple[int | None, int | None]:
    """Of n reals, the most above a bound that show a rate below ``rate``, and the fewest that show one above it.

    Exact binomial bounds, each at half of the level's complement: Clopper and Pearson, "The use of confidence or
    fiducial limits illustrated in the case of the binomial", Biometrika 26 (1934). None where no number shows it.
    """
    from scipy.special import bdtr, bdtrc  # the binomial distribution function, and its complement

    counts, tail = np.arange(n), (1 - LEVEL) / 2
    below, above = counts[bdtr(counts, n, rate) <= tail], counts[bdtrc(counts, n, rate) <= tail]
    return int(below[-1]) if len(below) else None, int(above[0]) if len(above) else None


def _measured(band: AbstentionBand, test: TestPredictions) -> AbstentionBand:
    """The band with its rates on test; without a bound no image is surely of the class beyond it."""
    called_real = test.p_fake < (0 if band.low is None else band.low)
    called_fake = test.p_fake >= (np.inf if band.high is None else band.high)
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
