"""Metrics of a set of predictions: values, values under many weightings at once, and values with intervals.

A metric that is undefined for a set of images is None with a reason, never a conventional 0 or 1.
"""

from collections.abc import Collection
from typing import TypeVar

import numpy as np

from fakefaces.evaluation.estimates import Confusion, Estimate, Subset
from fakefaces.evaluation.intervals import (
    MIN_GROUPS,
    Interval,
    Resampling,
    bootstrap,
    percentile_interval,
    proportion_interval,
    too_few_groups,
)
from fakefaces.evaluation.predictions import Array, Predictions
from fakefaces.evaluation.subset_metrics import PointMetrics, ReferenceMetrics

S = TypeVar("S", bound=Subset)

# The populations that each metric is estimated from: it is undefined where one of them is empty.
POPULATIONS: dict[str, tuple[str, ...]] = {
    "accuracy": ("images",),
    "balanced_accuracy": ("positives", "negatives"),
    "f1": ("positives_or_predicted",),
    "precision": ("predicted_positives",),
    "recall": ("positives",),
    "roc_auc": ("positives", "negatives"),
    "average_precision": ("positives", "negatives"),
    "brier": ("images",),
    "auc": ("positives", "negatives"),  # the reference's, of hard predictions
}
METRICS = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "roc_auc", "average_precision", "brier")
REFERENCE_METRICS = ("accuracy", "f1", "precision", "recall", "auc")


def point_metrics(predictions: Predictions, threshold: float = 0.5) -> PointMetrics:
    """All metrics of a model; fake is positive, names and values are scikit-learn's."""
    values, reasons = metric_values(predictions, threshold)
    return PointMetrics(
        n=len(predictions),
        majority_rate=majority_rate(predictions),
        confusion=confusion(predictions, threshold),
        reasons=reasons,
        **values,
    )


def reference_metrics(counts: Confusion) -> ReferenceMetrics:
    """The five metrics of the reference's tables from confusion counts with real as the positive class."""
    values = _from_counts(*(np.array([float(cell)]) for cell in (counts.tp, counts.fp, counts.fn, counts.tn)))
    values["auc"] = values["balanced_accuracy"]
    reasons = _undefined(REFERENCE_METRICS, counts, positive="real", negative="fake")
    defined = {name: None if name in reasons else float(values[name][0]) for name in REFERENCE_METRICS}
    return ReferenceMetrics(confusion=counts, reasons=reasons, **defined)


def metric_values(
    predictions: Predictions, threshold: float, names: Collection[str] = METRICS
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Metrics of all images with equal weight, and why some are None."""
    reasons = _undefined(names, confusion(predictions, threshold))
    values = weighted_metrics(predictions, threshold, np.ones((1, len(predictions))), names)
    return {name: None if name in reasons else float(values[name][0]) for name in names}, reasons


def weighted_metrics(
    predictions: Predictions, threshold: float, weights: Array, names: Collection[str] = METRICS
) -> dict[str, Array]:
    """Metrics under many weightings of the images at once; scikit-learn's with ``sample_weight``.

    Args:
        predictions: of n images.
        threshold: an image is called fake where its score reaches it.
        weights: float64 (n_resamples, n), not negative.
        names: a selection of :data:`METRICS`.

    Returns:
        float64 (n_resamples,) by metric; NaN where a population of the metric has no weight.
    """
    fake, called = predictions.fake, predictions.called_fake(threshold)
    squares = (predictions.p_fake - fake) ** 2
    rows = np.stack([fake & called, ~fake & called, fake & ~called, ~fake & ~called, squares])
    # Not by BLAS, whose threads make the last digits, and the time, depend on the machine's load.
    *cells, square = np.einsum("kj,ij->ki", rows, weights)
    values = _from_counts(*cells)
    values["brier"] = ratio(square, np.sum(cells, axis=0))
    if "roc_auc" in names or "average_precision" in names:
        fakes, reals = weights_by_score(predictions, weights)
        values["roc_auc"] = _roc_auc(fakes, reals)
        if "average_precision" in names:
            values["average_precision"] = _average_precision(fakes, reals)
    return {name: values[name] for name in names}


def confusion(predictions: Predictions, threshold: float) -> Confusion:
    """The counts with fake as the positive class."""
    fake, called = predictions.fake, predictions.called_fake(threshold)
    cells = (fake & called, ~fake & called, fake & ~called, ~fake & ~called)
    return Confusion(*(int(cell.sum()) for cell in cells))


def subset_metrics(
    record: type[S], predictions: Predictions, threshold: float, resampling: Resampling, **fields: object
) -> S:
    """Compute the metrics that a type of record has, with 95 % group bootstrap intervals.

    Args:
        record: its fields named in :data:`METRICS` are computed.
        predictions: of the set; it may lack a class or be empty.
        threshold: an image is called fake where its score reaches it.
        resampling: number of resamples, and seed.
        **fields: the other fields of the record.

    Raises:
        ModelError: there are too few resamples for an interval.
    """
    names = [name for name in METRICS if name in record.model_fields]
    values, reasons = metric_values(predictions, threshold, names)
    n_groups = _groups_estimated_from(predictions, threshold, names)
    resampled = resampled_metrics(predictions, threshold, resampling, names)
    fakes = int(predictions.fake.sum())
    fields |= {"n": len(predictions), "reals": len(predictions) - fakes, "fakes": fakes, "groups": predictions.n_groups}
    for name, value in values.items():
        if value is None:
            fields[name] = Estimate(value=None, reason=reasons[name])
        else:
            fields[name] = estimate(value, _interval(name, value, resampled.get(name), n_groups[name]))
    return record.model_validate(fields)


def resampled_metrics(
    predictions: Predictions, threshold: float, resampling: Resampling, names: Collection[str] = METRICS
) -> dict[str, Array]:
    """By metric its values on the resamples, float64 (n_resamples,); without those of too few groups to resample."""
    n_groups = _groups_estimated_from(predictions, threshold, names)
    enough = [name for name in names if n_groups[name] >= MIN_GROUPS]
    if not enough:
        return {}
    return bootstrap(
        lambda weights: weighted_metrics(predictions, threshold, weights, enough), predictions.group, resampling
    )


def estimate(value: float, interval: Interval) -> Estimate:
    """A metric that is defined, with its interval."""
    ends = None if interval.low is None or interval.high is None else (interval.low, interval.high)
    return Estimate(value=value, interval=ends, n_undefined=interval.n_undefined, reason=interval.reason)


def _undefined(
    names: Collection[str], counts: Confusion, *, positive: str = "fake", negative: str = "real"
) -> dict[str, str]:
    """The reason for each metric that is undefined for these counts: the first of its populations that is empty."""
    tp, fp, fn, tn = counts.tp, counts.fp, counts.fn, counts.tn
    n = tp + fp + fn + tn
    populations = {
        "images": (n, "no images"),
        "positives": (tp + fn, f"no {positive}s among the {n} images"),
        "negatives": (fp + tn, f"no {negative}s among the {n} images"),
        "predicted_positives": (tp + fp, f"none of the {n} images is called {positive}"),
        "positives_or_predicted": (tp + fp + fn, f"none of the {n} images is {positive} or called {positive}"),
    }
    empty = {population: reason for population, (size, reason) in populations.items() if not size}
    lacking = {name: [empty[key] for key in ("images", *POPULATIONS[name]) if key in empty] for name in names}
    return {name: reasons[0] for name, reasons in lacking.items() if reasons}


def majority_rate(predictions: Predictions) -> float | None:
    """Accuracy of always predicting the larger class; None without images."""
    if not len(predictions):
        return None
    share = float(predictions.fake.mean())
    return max(share, 1 - share)


def ratio(numerator: Array, denominator: Array) -> Array:
    """The quotient, float64 (n_resamples,); NaN where the denominator is 0."""
    quotient = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def _interval(name: str, value: float, resampled: Array | None, n_groups: int) -> Interval:
    if name in ("accuracy", "precision", "recall"):
        return proportion_interval(value, resampled, n_groups)
    return too_few_groups(n_groups) if resampled is None else percentile_interval(resampled)


def _groups_estimated_from(predictions: Predictions, threshold: float, names: Collection[str]) -> dict[str, int]:
    """Groups in the populations of each metric; of two populations the smaller number."""
    fake, called = predictions.fake, predictions.called_fake(threshold)
    masks = {
        "images": np.ones(len(predictions), dtype=bool),
        "positives": fake,
        "negatives": ~fake,
        "predicted_positives": called,
        "positives_or_predicted": fake | called,
    }
    sizes = {population: len(np.unique(predictions.group[mask])) for population, mask in masks.items()}
    return {name: min(sizes[population] for population in POPULATIONS[name]) for name in names}


def _from_counts(tp: Array, fp: Array, fn: Array, tn: Array) -> dict[str, Array]:
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    return {
        "accuracy": ratio(tp + tn, tp + fp + fn + tn),
        "balanced_accuracy": (recall + specificity) / 2,
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "precision": ratio(tp, tp + fp),
        "recall": recall,
    }


def weights_by_score(predictions: Predictions, weights: Array) -> tuple[Array, Array]:
    """Weight of the fakes and of the reals at each distinct score, highest first; float64 (n_resamples, n_scores)."""
    order = np.argsort(-predictions.p_fake, kind="stable")
    scores = predictions.p_fake[order]
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]]) if len(scores) else np.arange(0)
    ordered = weights[:, order]
    fakes = ordered * predictions.fake[order]
    reals = ordered - fakes
    if len(starts) < len(scores):
        fakes, reals = (np.add.reduceat(weight, starts, axis=1) for weight in (fakes, reals))
    return fakes, reals


def _roc_auc(fakes: Array, reals: Array) -> Array:
    """The share of fake-real pairs in which the fake scores higher, ties counting one half.

    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143 (1982).
    """
    cumulative_reals = np.cumsum(reals, axis=1)
    n_fakes, n_reals = fakes.sum(axis=1), reals.sum(axis=1)
    lower_reals = n_reals[:, None] - cumulative_reals + reals / 2
    return ratio(np.einsum("ij,ij->i", fakes, lower_reals), n_fakes * n_reals)


def _average_precision(fakes: Array, reals: Array) -> Array:
    """The sum over scores of precision times the gain in recall; NaN without reals, where it would always be 1."""
    n_fakes, n_reals = fakes.sum(axis=1), reals.sum(axis=1)
    tp, called = np.cumsum(fakes, axis=1), np.cumsum(fakes + reals, axis=1)
    # Both are 0 before the first score that has weight; no recall is gained there, so any precision will do.
    precision = np.divide(tp, called, out=np.zeros_like(tp), where=called > 0)
    area = np.einsum("ij,ij->i", fakes, precision)
    return ratio(np.where(n_reals > 0, area, 0.0), np.where(n_reals > 0, n_fakes, 0.0))
