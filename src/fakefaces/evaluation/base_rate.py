"""What a threshold means for the people who review: how many fakes are found, and how many reals are accused.

Recall and false-positive rate are properties of a detector; precision also depends on the base rate, the share of
fakes among the photographs, which nobody knows beforehand. So a precision is given here for a stated base rate only.
The page of the report computes the same numbers in ``workload.js``; a test holds both together.
"""

import math
from dataclasses import dataclass

import numpy as np

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.decision_metrics import OperatingMetrics
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.intervals import wilson_interval
from fakefaces.evaluation.predictions import Array, Predictions, ValidationPredictions

RARE = 0.01  # the base rate that sentences give a precision for where a reader has named none

Bounds = tuple[float, float]


@dataclass(frozen=True)
class ErrorRates:
    """How often a detector is right about fakes and wrong about reals at one threshold.

    ``n_fakes`` and ``n_reals`` are the independent observations behind each rate: groups of images that share a
    photograph. None where a class is absent.
    """

    recall: float | None  # share of the fakes that are called fake, in [0, 1]
    fpr: float | None  # share of the reals that are called fake, in [0, 1]
    n_fakes: int
    n_reals: int

    @classmethod
    def at(cls, predictions: Predictions, threshold: float) -> "ErrorRates":
        """The rates of predictions where an image is called fake from ``threshold``, in [0, 1], on."""
        called = predictions.called_fake(threshold)
        n_reals, n_fakes = predictions.n_groups_by_class
        return cls(_share(called[predictions.fake]), _share(called[~predictions.fake]), n_fakes, n_reals)

    @classmethod
    def of(cls, metrics: OperatingMetrics) -> "ErrorRates":
        """The rates at the operating point, from a model's metrics."""
        n_fakes, n_reals = min(metrics.fakes, metrics.groups), min(metrics.reals, metrics.groups)
        return cls(metrics.recall.value, metrics.fpr.value, n_fakes, n_reals)


@dataclass(frozen=True)
class Traffic:
    """The photographs of a day.

    Raises:
        ModelError: a number is out of range.
    """

    base_rate: float  # share of fakes among them, in (0, 1)
    photographs: float  # that arrive a day, above 0
    reviews: float  # photographs called fake that people can look at in a day, above 0

    def __post_init__(self) -> None:
        if not 0 < self.base_rate < 1:
            raise ModelError(f"base rate: {self.base_rate:g} is not between 0 and 1, such as 0.01 for 1 fake in 100")
        for name, value in (("photographs", self.photographs), ("reviews", self.reviews)):
            if not (value > 0 and math.isfinite(value)):
                raise ModelError(f"{name} a day: {value:g} is not above 0")


@dataclass(frozen=True)
class Workload:
    """What is to be expected of an average day, with 95 % intervals of what the detector's rates leave open.

    The values do not count how one day differs from another.
    """

    flagged: Estimate  # photographs called fake
    reviewed: Estimate  # of these, looked at: all, or as many as people can, in no order of the score
    found: Estimate  # fakes among the reviewed
    accused: Estimate  # reals among the reviewed
    missed: Estimate  # fakes that nobody looks at
    precision: Estimate  # share of fakes among the photographs called fake


def workload(rates: ErrorRates, traffic: Traffic) -> Workload:
    """What a detector's rates make of the photographs of a day.

    The intervals of counts come from Wilson's of each rate, that of a sum from both by MOVER: Zou, Huang and Zhang, "A
    note on confidence interval estimation for a linear function of binomial proportions", Computational Statistics and
    Data Analysis 53 (2009). Where people cannot look at all that is flagged, they look at the share that they can.
    """
    fakes = traffic.photographs * traffic.base_rate
    reals = traffic.photographs - fakes
    hits, alarms = _scaled(rates.recall, rates.n_fakes, fakes), _scaled(rates.fpr, rates.n_reals, reals)
    flagged = _sum(hits, alarms)
    precision = precision_at(rates, traffic.base_rate)
    right = _of_reviews(precision, traffic.reviews)
    wrong = _of_reviews(_complement(precision, 1), traffic.reviews)
    found = _smaller(hits, right)
    return Workload(
        flagged=flagged,
        reviewed=_smaller(flagged, Estimate(value=traffic.reviews, interval=(traffic.reviews, traffic.reviews))),
        found=found,
        accused=_smaller(alarms, wrong),
        missed=_complement(found, fakes),
        precision=precision,
    )


def precision_at(rates: ErrorRates, base_rate: float) -> Estimate:
    """The precision at a base rate, in (0, 1); None where nothing is called fake or a class is absent.

    It depends on the rates by their ratio alone, whose interval is MOVER-R's from Wilson's of each: Newcombe, "MOVER-R
    confidence intervals for ratios and products of two independently estimated quantities", Statistical Methods in
    Medical Research 25 (2016). It has width even where no real was called fake.
    """
    recall, fpr = _scaled(rates.recall, rates.n_fakes, 1), _scaled(rates.fpr, rates.n_reals, 1)
    if recall.value is None or fpr.value is None or recall.interval is None or fpr.interval is None:
        return Estimate(value=None, reason="there are no fakes or no reals to estimate the rates on")
    if recall.value + fpr.value == 0:
        return Estimate(value=None, reason="nothing is called fake")
    value = base_rate * recall.value / (base_rate * recall.value + (1 - base_rate) * fpr.value)
    odds = (1 - base_rate) / base_rate  # of a real
    low, high = (
        1 / (1 + odds * ratio)
        for ratio in reversed(_ratio_bounds(fpr.value, fpr.interval, recall.value, recall.interval))
    )
    return Estimate(value=value, interval=(low, high))


def threshold_curve(validation: ValidationPredictions, max_points: int = 200) -> Array:
    """The thresholds to choose from, with their rates on the validation images, highest first.

    Returns:
        float64 (n, 3): threshold, recall, false-positive rate. Thresholds lie halfway between neighbouring scores,
        above the highest, and at 0; of more than ``max_points`` most of the highest are kept, as fakes are rare. No
        rows where a class is absent.
    """
    reals, fakes = np.sort(validation.p_fake[~validation.fake]), np.sort(validation.p_fake[validation.fake])
    if not len(reals) or not len(fakes):
        return np.empty((0, 3))
    scores = np.unique(validation.p_fake)[::-1]
    tops = np.r_[1.0, scores]
    thresholds = np.unique(np.r_[0.0, (tops[1:] + tops[:-1]) / 2])[::-1]  # at 0 everything is flagged
    recall = 1 - np.searchsorted(fakes, thresholds) / len(fakes)
    fpr = 1 - np.searchsorted(reals, thresholds) / len(reals)
    if len(thresholds) > max_points:
        kept = np.unique(np.geomspace(1, len(thresholds), max_points).round().astype(int)) - 1
        thresholds, recall, fpr = thresholds[kept], recall[kept], fpr[kept]
    return np.column_stack([thresholds, recall, fpr])


def threshold_for(curve: Array, traffic: Traffic) -> float | None:
    """The lowest threshold at which people can look at all that is called fake, by the rates on validation.

    ``curve`` is that of :func:`threshold_curve`. None where even the highest threshold flags more.
    """
    shares = traffic.base_rate * curve[:, 1] + (1 - traffic.base_rate) * curve[:, 2]
    fitting = curve[traffic.photographs * shares <= traffic.reviews, 0]
    return float(fitting.min()) if len(fitting) else None


def _share(called: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float | None:
    return float(called.mean()) if len(called) else None


def _scaled(rate: float | None, n: int, size: float) -> Estimate:
    """A count from a rate of ``size`` photographs, with Wilson's interval."""
    if rate is None or not n:
        return Estimate(value=None)
    interval = wilson_interval(rate, n)
    assert interval.low is not None and interval.high is not None
    return Estimate(value=rate * size, interval=(interval.low * size, interval.high * size))


def _sum(first: Estimate, second: Estimate) -> Estimate:
    if first.value is None or second.value is None or first.interval is None or second.interval is None:
        return Estimate(value=None)
    value = first.value + second.value
    low, high = (
        math.hypot(first.value - first.interval[side], second.value - second.interval[side]) for side in (0, 1)
    )
    return Estimate(value=value, interval=(value - low, value + high))


def _ratio_bounds(top: float, of_top: Bounds, bottom: float, of_bottom: Bounds) -> Bounds:
    """MOVER-R's bounds of ``top / bottom``, of two proportions with bounds; the upper one may be infinite."""
    product = top * bottom
    up, down = of_top[0] * (2 * top - of_top[0]), of_bottom[1] * (2 * bottom - of_bottom[1])
    root = math.sqrt(max(0.0, product**2 - up * down))
    low = up / (product + root) if up else 0.0  # the smaller root, in the form that needs no division by ``down``
    up, down = of_top[1] * (2 * top - of_top[1]), of_bottom[0] * (2 * bottom - of_bottom[0])
    high = (product + math.sqrt(max(0.0, product**2 - up * down))) / down if down > 0 else math.inf
    return low, high


def _of_reviews(share: Estimate, reviews: float) -> Estimate:
    if share.value is None or share.interval is None:
        return share
    return Estimate(value=share.value * reviews, interval=(share.interval[0] * reviews, share.interval[1] * reviews))


def _complement(part: Estimate, whole: float) -> Estimate:
    if part.value is None or part.interval is None:
        return part
    return Estimate(value=whole - part.value, interval=(whole - part.interval[1], whole - part.interval[0]))


def _smaller(first: Estimate, second: Estimate) -> Estimate:
    """Value and bounds of the smaller of two; the first where the second is undefined, as nothing is flagged."""
    if second.value is None or second.interval is None or first.value is None or first.interval is None:
        return first
    bounds = tuple(min(pair) for pair in zip(first.interval, second.interval, strict=True))
    return Estimate(value=min(first.value, second.value), interval=(bounds[0], bounds[1]))
