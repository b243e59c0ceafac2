"""One record a set of images: each figure with its interval, or with the reason why it has none."""

from collections.abc import Collection
from typing import Any

import numpy as np

from fakefaces.evaluation import intervals, metrics
from fakefaces.evaluation.intervals import Interval
from fakefaces.evaluation.predictions import Array, Predictions

_PROPORTIONS = {"accuracy", "precision", "recall"}


def subset_metrics(
    images: Predictions, *, threshold: float, n_resamples: int, seed: int, figures: Collection[str] = metrics.METRICS
) -> dict[str, Any]:
    """The figures of one set of images with 95 % group bootstrap intervals.

    Args:
        images: the set; it may lack a class or be empty.
        threshold: an image is called fake where ``p_fake >= threshold``.
        n_resamples: resamples of the groups.
        seed: of the resampling.
        figures: which of :data:`fakefaces.evaluation.metrics.METRICS`.

    Returns:
        A JSON-ready record:

        - ``n``, ``reals``, ``fakes``, ``groups``: counts.
        - each figure: a float in [0, 1], or None.
        - ``intervals``: ``[low, high]`` or None by figure.
        - ``left_out``: resamples in which a figure is undefined, for figures that have such draws.
        - ``reasons``: for each None, under the figure's name or ``intervals.`` and the name, why; also
          where Wilson's interval stands in for the bootstrap's.

    Raises:
        ModelError: too few n_resamples for an interval.
    """
    values, reasons = metrics.point_metrics(images, threshold, figures)
    sizes = _groups_counted_on(images, threshold, figures)
    wanted = [name for name in figures if sizes[name] >= intervals.MIN_GROUPS]
    found: dict[str, Array] = {}
    if wanted:
        found = intervals.bootstrap(
            lambda weights: metrics.weighted_metrics(images, threshold, weights, wanted),
            images.group,
            n_resamples=n_resamples,
            seed=seed,
        )
    record = _counts(images) | values
    return record | shown({name: _interval(name, values[name], found, sizes[name]) for name in figures}, reasons)


def shown(found: dict[str, Interval | None], reasons: dict[str, str]) -> dict[str, Any]:
    """The three entries that tell of intervals in a record; an interval is None where its figure is.

    Args:
        found: by figure.
        reasons: why figures are None, by figure.
    """
    given = {name: interval for name, interval in found.items() if interval is not None}
    return {
        "intervals": {name: interval.ends if interval else None for name, interval in found.items()},
        "left_out": {name: interval.left_out for name, interval in given.items() if interval.left_out},
        "reasons": reasons
        | {f"intervals.{name}": interval.reason for name, interval in given.items() if interval.reason},
    }


def _interval(name: str, value: float | None, found: dict[str, Array], n_groups: int) -> Interval | None:
    if value is None:
        return None
    values = found.get(name)
    if name in _PROPORTIONS:
        return intervals.proportion_interval(value, values, n_groups)
    return intervals.too_few_groups(n_groups) if values is None else intervals.percentile_interval(values)


def _groups_counted_on(images: Predictions, threshold: float, figures: Collection[str]) -> dict[str, int]:
    """For each figure the groups it rests on; of two classes, the class with fewer counts."""
    masks = metrics.populations(images, threshold)
    sizes = {name: len(np.unique(images.group[mask])) for name, mask in masks.items()}
    return {name: min(sizes[population] for population in metrics.COUNTED_ON[name]) for name in figures}


def _counts(images: Predictions) -> dict[str, Any]:
    fakes = int(images.fake.sum())
    return {"n": len(images), "reals": len(images) - fakes, "fakes": fakes, "groups": images.n_groups}
