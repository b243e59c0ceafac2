"""How much a model's metrics depend on its seed: mean and spread over several trainings, and one interval for both."""

from collections.abc import Sequence

import numpy as np

from fakefaces.evaluation.intervals import Interval, Resampling, percentile_interval, too_few_groups
from fakefaces.evaluation.metrics import metric_values, resampled_metrics
from fakefaces.evaluation.predictions import Array, Predictions
from fakefaces.evaluation.subset_metrics import OverSeeds, SeedEstimate

SEED_METRICS = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "brier")


def over_seeds(predictions: Sequence[Predictions], thresholds: Sequence[float], resampling: Resampling) -> OverSeeds:
    """Mean, spread and interval of the metrics of several trainings.

    The interval is a bootstrap's over both of what a training's metric depends on: each resample draws one of the
    seeds, and groups of images as :func:`fakefaces.evaluation.intervals.group_weights` does, independently. Owen, "The
    pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), has it for factors that are crossed, as every seed
    scores every image; Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021, say
    why seeds belong into it. Few seeds show their own spread poorly: with five it is itself uncertain by about a third.

    Args:
        predictions: of each seed, two at least, on the same images in the same order.
        thresholds: of each seed, from which on it calls an image fake.
        resampling: number of resamples, and seed.
    """
    values = [
        metric_values(of_seed, threshold, SEED_METRICS)[0]
        for of_seed, threshold in zip(predictions, thresholds, strict=True)
    ]
    resampled = [
        resampled_metrics(of_seed, threshold, resampling, SEED_METRICS)
        for of_seed, threshold in zip(predictions, thresholds, strict=True)
    ]
    drawn = np.random.default_rng([resampling.seed, len(predictions)]).integers(
        len(predictions), size=resampling.n_resamples
    )

    def interval(name: str) -> Interval:
        if any(name not in of_seed for of_seed in resampled):
            return too_few_groups(min(predictions[0].n_groups_by_class))
        by_seed: Array = np.stack([of_seed[name] for of_seed in resampled])
        return percentile_interval(by_seed[drawn, np.arange(resampling.n_resamples)])

    metrics = {name: _estimate([of_seed[name] for of_seed in values], interval(name)) for name in SEED_METRICS}
    return OverSeeds(n=len(predictions), metrics=metrics)


def _estimate(values: list[float | None], interval: Interval) -> SeedEstimate:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return SeedEstimate(values=values, reason=f"undefined for {len(values) - len(known)} of {len(values)} seeds")
    ends = None if interval.low is None or interval.high is None else (interval.low, interval.high)
    mean, spread = float(np.mean(known)), float(np.std(known, ddof=1))
    return SeedEstimate(values=values, mean=mean, spread=spread, interval=ends, reason=interval.reason)
