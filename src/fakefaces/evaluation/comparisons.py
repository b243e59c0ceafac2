"""Pairwise comparisons of models on the same images: paired tests and intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import MIN_GROUPS, Resampling, bootstrap, percentile_interval
from fakefaces.evaluation.metrics import weighted_metrics
from fakefaces.evaluation.predictions import Array, TestPredictions


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images; each difference is first minus second.

    McNemar's test assumes independent images: where groups hold several, trust the interval.
    """

    first: str  # a model's name
    second: str  # the other's
    n: int  # images
    groups: int  # independent groups of them
    only_first_right: int  # images that only the first model classifies correctly
    only_second_right: int  # images that only the second model classifies correctly
    accuracy_difference: float  # in [-1, 1]
    accuracy_interval: list[float] | None  # 95 %, from the paired group bootstrap; None where there are too few groups
    accuracy_p: float  # two-sided, McNemar's mid-p
    accuracy_p_holm: float | None  # after Holm's correction for all pairs
    roc_auc_difference: float | None  # in [-1, 1]; None where a class is absent
    roc_auc_interval: list[float] | None  # 95 %, from the paired group bootstrap; None where there are too few groups
    roc_auc_p: float | None  # two-sided, from the paired group bootstrap
    roc_auc_p_holm: float | None  # after Holm's correction for all pairs


def compare_all(
    models: Mapping[str, TestPredictions], thresholds: Mapping[str, float], resampling: Resampling
) -> list[Comparison]:
    """Compare every pair of models, each at its threshold, on the same images and the same resamples of groups."""
    images = next(iter(models.values()))
    if any(not np.array_equal(model.fake, images.fake) for model in models.values()):
        raise ModelError("the models were not tested on the same images")
    point = _metrics(models, thresholds, np.ones((1, len(images))))
    resampled: dict[str, Array] = {}
    if images.n_groups >= MIN_GROUPS:
        resampled = bootstrap(lambda weights: _metrics(models, thresholds, weights), images.group, resampling)
    correct = {name: model.called_fake(thresholds[name]) == model.fake for name, model in models.items()}
    pairs = []
    for first, second in combinations(models, 2):
        only_first = int((correct[first] & ~correct[second]).sum())
        only_second = int((correct[second] & ~correct[first]).sum())
        _, accuracy_interval, _ = _difference((first, second), "accuracy", images.n_groups, point, resampled)
        roc_auc, roc_auc_interval, roc_auc_p = _difference(
            (first, second), "roc_auc", min(images.n_groups_by_class), point, resampled
        )
        pairs.append(
            Comparison(
                first,
                second,
                n=len(images),
                groups=images.n_groups,
                only_first_right=only_first,
                only_second_right=only_second,
                accuracy_difference=(only_first - only_second) / len(images),
                accuracy_interval=accuracy_interval,
                accuracy_p=mcnemar_mid_p(only_first, only_second),
                accuracy_p_holm=None,
                roc_auc_difference=roc_auc,
                roc_auc_interval=roc_auc_interval,
                roc_auc_p=roc_auc_p,
                roc_auc_p_holm=None,
            )
        )
    by_accuracy, by_roc_auc = holm([pair.accuracy_p for pair in pairs]), holm([pair.roc_auc_p for pair in pairs])
    return [
        replace(pair, accuracy_p_holm=accuracy_p, roc_auc_p_holm=roc_auc_p)
        for pair, accuracy_p, roc_auc_p in zip(pairs, by_accuracy, by_roc_auc, strict=True)
    ]


def mcnemar_mid_p(only_first: int, only_second: int) -> float:
    """McNemar's test of equal accuracy, two-sided: the exact binomial mid-p value, in (0, 1].

    The exact conditional test is needlessly conservative; its mid-p variant keeps the level in practice and has
    more power: Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional", BMC Medical Research Methodology 13:91 (2013). The arguments are
    the numbers of images that only one of the models classifies correctly.
    """
    from scipy.special import bdtr  # the binomial distribution function

    n, fewer = only_first + only_second, min(only_first, only_second)
    if only_first == only_second:
        # Twice the one-sided mid-p. The paper's 1 - pmf / 2 would make models that never disagree differ.
        return 1.0
    # Twice the tail with half of the observed outcome is the tail with it plus the tail without it.
    return float(bdtr(fewer, n, 0.5) + (bdtr(fewer - 1, n, 0.5) if fewer else 0.0))


def bootstrap_p(differences: Array) -> float:
    """Two-sided p for no difference: the level at which the percentile interval would just contain 0.

    Twice the smaller share of resamples on either side of 0, with 0 counted on both sides and one resample added
    to each, so that it is never 0: Davison and Hinkley, "Bootstrap Methods and their Application" (1997),
    chapter 4.
    """
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(differences) + 1))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction for the number of comparisons; a None is no comparison and stays None.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979).
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for step, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - step)))
        corrected[place] = largest
    return corrected


def _metrics(
    models: Mapping[str, TestPredictions], thresholds: Mapping[str, float], weights: Array
) -> dict[str, Array]:
    return {
        f"{metric} {name}": values
        for name, model in models.items()
        for metric, values in weighted_metrics(model, thresholds[name], weights, ("accuracy", "roc_auc")).items()
    }


def _difference(
    models: tuple[str, str], metric: str, n_groups: int, point: dict[str, Array], resampled: dict[str, Array]
) -> tuple[float | None, list[float] | None, float | None]:
    """First minus second, its interval and its p, as far as there are any for so many groups."""
    first, second = (f"{metric} {model}" for model in models)
    value = float(point[first][0] - point[second][0])
    if np.isnan(value):
        return None, None, None
    if n_groups < MIN_GROUPS:
        return value, None, None
    differences = resampled[first] - resampled[second]
    return value, percentile_interval(differences).ends, bootstrap_p(differences[~np.isnan(differences)])
