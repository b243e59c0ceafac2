"""Mean and spread over seeds, and the interval over seeds and photographs."""

from statistics import NormalDist

import numpy as np
import pytest

from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import subset_metrics
from fakefaces.evaluation.predictions import Predictions
from fakefaces.evaluation.seeds import SEED_METRICS, over_seeds
from fakefaces.evaluation.subset_metrics import AllMetrics, SeedEstimate

RESAMPLING = Resampling(400, seed=3)


def predictions(strength: float, seed: int = 0, n: int = 120) -> Predictions:
    """Groups of two images; fakes score higher by ``strength`` standard deviations."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    p = 1 / (1 + np.exp(-rng.normal(strength * (labels - 0.5), 1)))
    return Predictions.from_arrays(labels, p, np.arange(n) // 2)


def test_equal_seeds_have_no_spread_and_the_interval_of_the_photographs_alone():
    same = predictions(1.0)
    over = over_seeds([same] * 3, [0.5] * 3, RESAMPLING)
    alone = subset_metrics(
        AllMetrics, same, 0.5, RESAMPLING, majority_rate=None, confusion={"tp": 0, "fp": 0, "fn": 0, "tn": 0}
    )
    assert over.n == 3
    assert set(over.metrics) == set(SEED_METRICS)
    for name, metric in over.metrics.items():
        assert metric.values == [alone.estimate(name).value] * 3
        assert (metric.mean, metric.spread) == (alone.estimate(name).value, 0)
        assert metric.interval == alone.estimate(name).interval


def test_mean_and_spread_are_of_the_seeds_values_and_the_interval_has_both_in_it():
    seeds = [predictions(strength, seed=k) for k, strength in enumerate((0.2, 1.5, 3.0))]
    thresholds = [0.4, 0.5, 0.6]
    over = over_seeds(seeds, thresholds, RESAMPLING)
    accuracies = [
        (of_seed.called_fake(threshold) == of_seed.fake).mean()
        for of_seed, threshold in zip(seeds, thresholds, strict=True)
    ]
    assert over.metrics["accuracy"].values == [round(value, 6) for value in accuracies]
    assert over.metrics["accuracy"].mean == pytest.approx(np.mean(accuracies), abs=1e-6)
    assert over.metrics["accuracy"].spread == pytest.approx(np.std(accuracies, ddof=1), abs=1e-6)
    low, high = over.metrics["roc_auc"].interval
    values = over.metrics["roc_auc"].values
    assert low < min(values) < max(values) < high
    for value, of_seed in zip(values, seeds, strict=True):
        alone = over_seeds([of_seed, of_seed], [0.5, 0.5], RESAMPLING).metrics["roc_auc"]
        assert high - low > alone.interval[1] - alone.interval[0]
        assert low < value < high
    assert over == over_seeds(seeds, thresholds, RESAMPLING)


def test_the_interval_has_the_width_of_both_variances_where_seeds_are_many():
    """Against the sum of variances: of the seeds' values, and of one seed's resamples of photographs."""
    seeds = [predictions(1 + 0.3 * NormalDist().inv_cdf((k + 0.5) / 20), n=240) for k in range(20)]
    metric = over_seeds(seeds, [0.5] * 20, Resampling(2000, seed=1)).metrics["roc_auc"]
    alone = over_seeds([seeds[0]] * 2, [0.5] * 2, Resampling(2000, seed=1)).metrics["roc_auc"]
    photographs = (alone.interval[1] - alone.interval[0]) / 3.92
    expected = np.hypot(metric.spread, photographs)
    assert (metric.interval[1] - metric.interval[0]) / 3.92 == pytest.approx(expected, rel=0.2)


def test_what_is_undefined_has_a_reason():
    few = predictions(1.0, n=12)
    metric = over_seeds([few, few], [0.5, 0.5], RESAMPLING).metrics["roc_auc"]
    assert metric.interval is None and "groups" in metric.reason
    fakes = Predictions.from_arrays([1] * 30, np.linspace(0, 1, 30))
    metric = over_seeds([fakes, fakes], [0.5, 0.5], RESAMPLING).metrics["roc_auc"]
    assert (metric.mean, metric.spread, metric.interval) == (None, None, None)
    assert metric.reason == "undefined for 2 of 2 seeds"


def test_people_read_mean_spread_and_interval():
    assert f"{SeedEstimate(values=[0.9, 0.92], mean=0.91, spread=0.0141, interval=(0.85, 0.96))}" == (
        "0.910 ± 0.014 [0.85, 0.96]"
    )
    assert f"{SeedEstimate(values=[None, 0.9])}" == "–"
