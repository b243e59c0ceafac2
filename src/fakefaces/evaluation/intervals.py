"""Confidence intervals: the cluster bootstrap's, and Wilson's for a proportion."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.predictions import Array

LEVEL = 0.95
MIN_GROUPS = 10  # resampling fewer gives intervals that are far too narrow
MAX_UNDEFINED = 0.1  # share of resamples that may be undefined before the others are a biased sample
ALL_EQUAL = "all resamples are equal and give no interval"
_MIN_RESAMPLES = math.ceil(2 / (1 - LEVEL))  # so that at least one resample lies in each tail
_BLOCK = 2**21  # weights in memory at a time, 16 MiB


@dataclass(frozen=True)
class Resampling:
    """How groups are resampled; metrics under equal seeds and groups may be subtracted resample by resample."""

    n_resamples: int  # at least 40
    seed: int


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, or why there is none."""

    low: float | None = None  # lower bound; None where there is no interval
    high: float | None = None  # upper bound; None where there is no interval
    n_undefined: int = 0  # resamples in which the statistic is undefined
    reason: str | None = None  # why there is no interval, or why it is Wilson's; else None

    @property
    def ends(self) -> list[float] | None:
        """Lower and upper bound."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def group_weights(group: NDArray[np.intp], resampling: Resampling) -> Iterator[Array]:
    """Resample groups with replacement, as weights of the images.

    Drawing whole groups keeps images that share a source photograph together, so an interval is as wide as
    the independent photographs allow. Field and Welsh, "Bootstrapping clustered data", Journal of the Royal
    Statistical Society B 69 (2007), call it the cluster bootstrap.

    Args:
        group: intp (n,), codes 0 … G - 1.
        resampling: number of resamples, enough for one to lie in each tail of the interval, and seed.

    Yields:
        float64 (rows, n): how often each resample holds each image, in blocks of resamples.
    """
    n_resamples = resampling.n_resamples
    if n_resamples < _MIN_RESAMPLES:
        raise ModelError(
            f"n_resamples: {n_resamples} are too few for a {LEVEL:.0%} interval; take at least {_MIN_RESAMPLES}"
        )
    n_groups = int(group.max()) + 1
    random = np.random.default_rng(resampling.seed)
    block = max(1, _BLOCK // len(group))
    for start in range(0, n_resamples, block):
        rows = min(block, n_resamples - start)
        picks = random.integers(n_groups, size=(rows, n_groups))
        picks += np.arange(rows)[:, None] * n_groups
        counts = np.bincount(picks.ravel(), minlength=rows * n_groups).reshape(rows, n_groups)
        yield counts.astype(np.float64)[:, group]


def bootstrap(
    statistics: Callable[[Array], dict[str, Array]], group: NDArray[np.intp], resampling: Resampling
) -> dict[str, Array]:
    """Compute statistics on every resample: float64 (n_resamples,) by name.

    Args:
        statistics: float64 weights (rows, n) to float64 (rows,) by name; NaN where undefined.
        group: intp (n,), codes 0 … G - 1.
        resampling: number of resamples, and seed.
    """
    blocks = [statistics(weights) for weights in group_weights(group, resampling)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def percentile_interval(values: Array) -> Interval:
    """Efron's percentile interval: the middle 95 % of a statistic's resamples.

    NaN, where the statistic is undefined, is left out and counted. There are no bounds where more than a tenth of the
    resamples are undefined, or where all are equal: an interval of no width would claim certainty. Efron and
    Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    known = values[~np.isnan(values)]
    n_undefined = len(values) - len(known)
    if n_undefined > MAX_UNDEFINED * len(values):
        return Interval(n_undefined=n_undefined, reason=f"undefined in {n_undefined} of {len(values)} resamples")
    if np.ptp(known) < 1e-9:  # they differ by rounding only
        return Interval(n_undefined=n_undefined, reason=ALL_EQUAL)
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(float(low), float(high), n_undefined)


def wilson_interval(proportion: float, n: float) -> Interval:
    """Wilson's score interval of a proportion; it has width even where the proportion is 0 or 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927). ``n`` is the number of independent observations.
    """
    if not 0 <= proportion <= 1 or not n > 0:
        raise ModelError(f"no proportion: {proportion} of {n}")
    z2 = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2
    centre = (proportion + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (proportion * (1 - proportion) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def proportion_interval(proportion: float, values: Array | None, n_groups: int) -> Interval:
    """The bootstrap's interval of a proportion, or Wilson's where the bootstrap has none.

    ``values`` are those of the resamples, None where there are too few groups. To Wilson each group is one
    observation, which is conservative if images of a group differ.
    """
    interval = too_few_groups(n_groups) if values is None else percentile_interval(values)
    if interval.ends is not None:
        return interval
    wilson = wilson_interval(proportion, n_groups)
    return Interval(wilson.low, wilson.high, interval.n_undefined, f"{interval.reason}: Wilson's on {n_groups} groups")


def too_few_groups(n_groups: int) -> Interval:
    """No interval, because there are fewer than :data:`MIN_GROUPS`."""
    return Interval(reason=f"estimated from {n_groups} groups; the bootstrap takes at least {MIN_GROUPS}")
