"""The operating point and the abstention band: chosen on validation, measured on test."""

import numpy as np

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import Resampling, wilson_interval
from fakefaces.evaluation.model_metrics import AbstentionBand, Estimate, OperatingMetrics, OperatingPoint
from fakefaces.evaluation.predictions import Mask, TestPredictions, ValidationPredictions
from fakefaces.evaluation.subset_metrics import estimate, subset_metrics
from fakefaces.evaluation.thresholds import abstention_band, operating_threshold


def operating_point(
    validation: ValidationPredictions,
    test: TestPredictions,
    *,
    max_fpr: float,
    max_fnr: float,
    resampling: Resampling,
) -> OperatingPoint:
    """Choose a threshold and an abstention band on validation, and measure both on test.

    Args:
        validation: what they are chosen on.
        test: what they are measured on.
        max_fpr: share of reals that may be called fake.
        max_fnr: share of fakes that may be called real outside of the abstention band.
        resampling: number of resamples of the groups, and seed.
    """
    try:
        point = operating_threshold(validation, max_fpr=max_fpr)
    except ModelError as error:
        return OperatingPoint(threshold=None, max_fpr=max_fpr, reason=str(error))
    if point.threshold is None:
        return point
    fpr = _rate(test.called_fake(point.threshold), ~test.fake)
    measured = subset_metrics(OperatingMetrics, test, point.threshold, resampling, fpr=fpr)
    band = _measured_band(validation, test, point.threshold, max_fpr=max_fpr, max_fnr=max_fnr)
    return point.model_copy(update={"test": measured, "abstention_band": band})


def _measured_band(
    validation: ValidationPredictions, test: TestPredictions, threshold: float, *, max_fpr: float, max_fnr: float
) -> AbstentionBand:
    try:
        band = abstention_band(validation, threshold, max_fpr=max_fpr, max_fnr=max_fnr)
    except ModelError as error:
        return AbstentionBand(low=None, high=None, reasons={"band": str(error)})
    called_fake = test.p_fake >= band.high if band.high is not None else test.p_fake > 1
    called_real = test.p_fake < band.low if band.low is not None else test.p_fake < 0
    called_real &= ~called_fake
    rates = {
        "share": _rate(~(called_fake | called_real), np.ones(len(test), dtype=bool)),
        "fpr": _rate(called_fake, ~test.fake),
        "fnr": _rate(called_real, test.fake),
    }
    return AbstentionBand.model_validate(dict(band) | {name: rate.value for name, rate in rates.items()})


def _rate(chosen: Mask, population: Mask) -> Estimate:
    """The share of a population that is chosen, with Wilson's interval."""
    n = int(population.sum())
    if not n:
        return Estimate(value=None)
    rate = float((chosen & population).sum() / n)
    return estimate(rate, wilson_interval(rate, n))
