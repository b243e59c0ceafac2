"""Metrics of a set of images with their intervals, or with the reason why they have none."""

from collections.abc import Collection
from typing import TypeVar

import numpy as np

from fakefaces.evaluation.intervals import (
    MIN_GROUPS,
    Interval,
    Resampling,
    bootstrap,
    percentile_interval,
    proportion_interval,
    too_few_groups,
)
from fakefaces.evaluation.metrics import METRICS, POPULATIONS, metric_values, population_masks, weighted_metrics
from fakefaces.evaluation.model_metrics import Estimate, Subset
from fakefaces.evaluation.predictions import Array, Predictions

S = TypeVar("S", bound=Subset)


def subset_metrics(
    record: type[S], predictions: Predictions, threshold: float, resampling: Resampling, **fields: object
) -> S:
    """Compute the metrics that a type of record has, with 95 % group bootstrap intervals.

    Args:
        record: its fields named in :data:`fakefaces.evaluation.metrics.METRICS` are computed.
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
    resampled: dict[str, Array] = {}
    if enough := [name for name in names if n_groups[name] >= MIN_GROUPS]:
        resampled = bootstrap(
            lambda weights: weighted_metrics(predictions, threshold, weights, enough), predictions.group, resampling
        )
    fakes = int(predictions.fake.sum())
    fields |= {"n": len(predictions), "reals": len(predictions) - fakes, "fakes": fakes, "groups": predictions.n_groups}
    for name, value in values.items():
        if value is None:
            fields[name] = Estimate(value=None, reason=reasons[name])
        else:
            fields[name] = estimate(value, _interval(name, value, resampled.get(name), n_groups[name]))
    return record.model_validate(fields)


def estimate(value: float, interval: Interval) -> Estimate:
    """A metric that is defined, with its interval."""
    ends = interval.ends and (interval.ends[0], interval.ends[1])
    return Estimate(value=value, interval=ends, n_undefined=interval.n_undefined, reason=interval.reason)


def _interval(name: str, value: float, resampled: Array | None, n_groups: int) -> Interval:
    if name in ("accuracy", "precision", "recall"):
        return proportion_interval(value, resampled, n_groups)
    return too_few_groups(n_groups) if resampled is None else percentile_interval(resampled)


def _groups_estimated_from(predictions: Predictions, threshold: float, names: Collection[str]) -> dict[str, int]:
    """Groups in the populations of each metric; of two populations the smaller number."""
    masks = population_masks(predictions, threshold)
    sizes = {population: len(np.unique(predictions.group[mask])) for population, mask in masks.items()}
    return {name: min(sizes[population] for population in POPULATIONS[name]) for name in names}
