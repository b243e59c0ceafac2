"""The operating point and the abstention band: chosen on validation, measured on test."""

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import Resampling, wilson_interval
from fakefaces.evaluation.model_metrics import AbstentionBand, Estimate, OperatingMetrics, OperatingPoint
from fakefaces.evaluation.predictions import Mask, TestPredictions, ValidationPredictions
from fakefaces.evaluation.subset_metrics import estimate, subset_metrics
from fakefaces.evaluation.thresholds import abstention_bounds, operating_threshold


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
    band = _abstention_band(validation, test, point.threshold, max_fpr=max_fpr, max_fnr=max_fnr)
    return point.model_copy(update={"test": measured, "abstention_band": band})


def _abstention_band(
    validation: ValidationPredictions, test: TestPredictions, threshold: float, *, max_fpr: float, max_fnr: float
) -> AbstentionBand:
    try:
        bounds = abstention_bounds(validation, threshold, max_fpr=max_fpr, max_fnr=max_fnr)
    except ModelError as error:
        return AbstentionBand(low=None, high=None, reasons={"band": str(error)})
    called_fake = test.p_fake >= bounds.high if bounds.high is not None else test.p_fake > 1
    called_real = test.p_fake < bounds.low if bounds.low is not None else test.p_fake < 0
    called_real &= ~called_fake
    return AbstentionBand(
        low=bounds.low,
        high=bounds.high,
        max_fnr=max_fnr,
        share=float((~(called_fake | called_real)).mean()) if len(test) else None,
        fpr=_rate(called_fake, ~test.fake).value,
        fnr=_rate(called_real, test.fake).value,
        reasons=bounds.reasons,
    )


def _rate(chosen: Mask, population: Mask) -> Estimate:
    """The share of a population that is chosen, with Wilson's interval."""
    n = int(population.sum())
    if not n:
        return Estimate(value=None)
    rate = float((chosen & population).sum() / n)
    return estimate(rate, wilson_interval(rate, n))
