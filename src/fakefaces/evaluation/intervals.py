"""How far a figure could be off: intervals from resampled groups, and Wilson's for a proportion."""

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
MAX_UNDEFINED = 0.1  # share of n_resamples that may be undefined before the rest stops being a fair sample
_FEWEST_DRAWS = math.ceil(2 / (1 - LEVEL))  # so that at least one draw lies in each tail
_BLOCK = 2**21  # weights held at a time, 16 MiB
_SAME = 1e-9  # n_resamples that differ by less differ by rounding only


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, or why there is none.

    Attributes:
        low: the lower end; None where there is no interval.
        high: the upper end; None where there is no interval.
        left_out: resamples in which the figure was undefined.
        reason: why there is no interval, or why another kind stands in for the bootstrap's; else None.
    """

    low: float | None = None
    high: float | None = None
    left_out: int = 0
    reason: str | None = None

    @property
    def ends(self) -> list[float] | None:
        """``[low, high]`` for JSON."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def group_weights(group: NDArray[np.intp], *, n_resamples: int, seed: int) -> Iterator[Array]:
    """Resample groups with replacement, as weights of the images.

    Drawing whole groups keeps images that share a source photograph together, so an interval is as wide as
    the independent photographs allow. Field and Welsh, "Bootstrapping clustered data", Journal of the Royal
    Statistical Society B 69 (2007), call it the cluster bootstrap.

    Args:
        group: intp (n,), codes 0 … G - 1.
        n_resamples: resamples of G groups.
        seed: the same seed, draws and groups give the same weights.

    Yields:
        float64 (rows, n): how often each draw took each image; the rows of all blocks are the draws.

    Raises:
        ModelError: so few n_resamples that a tail of the interval would hold none.
    """
    if n_resamples < _FEWEST_DRAWS:
        raise ModelError(
            f"n_resamples: {n_resamples} are too few for a {LEVEL:.0%} interval; take at least {_FEWEST_DRAWS}"
        )
    n_groups = int(group.max()) + 1
    random = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(group))
    for start in range(0, n_resamples, rows):
        taken = min(rows, n_resamples - start)
        picks = random.integers(n_groups, size=(taken, n_groups))
        picks += np.arange(taken)[:, None] * n_groups
        counts = np.bincount(picks.ravel(), minlength=taken * n_groups).reshape(taken, n_groups)
        yield counts.astype(np.float64)[:, group]


def bootstrap(
    figures: Callable[[Array], dict[str, Array]], group: NDArray[np.intp], *, n_resamples: int, seed: int
) -> dict[str, Array]:
    """Compute figures on every draw.

    Args:
        figures: float64 weights (rows, n) to float64 (rows,) by name; NaN where undefined.
        group: intp (n,), codes 0 … G - 1.
        n_resamples: resamples.
        seed: of the resampling. Figures of one call, and of calls with the same seed and groups, share
            their draws and may be subtracted draw by draw.

    Returns:
        float64 (n_resamples,) by name.
    """
    blocks = [figures(weights) for weights in group_weights(group, n_resamples=n_resamples, seed=seed)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def percentile_interval(values: Array) -> Interval:
    """The middle 95 % of a figure's n_resamples: Efron's percentile interval.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Args:
        values: float64 (n_resamples,); NaN where the figure is undefined. Those are left out and counted.

    Returns:
        An interval; without ends where more than a tenth of the draws are undefined, or where all resamples
        agree: an interval of no width would claim certainty.
    """
    known = values[~np.isnan(values)]
    left_out = len(values) - len(known)
    if left_out > MAX_UNDEFINED * len(values):
        return Interval(left_out=left_out, reason=f"undefined in {left_out} of {len(values)} n_resamples")
    if np.ptp(known) < _SAME:
        return Interval(left_out=left_out, reason="all draws agree, so they tell no interval")
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(float(low), float(high), left_out)


def wilson_interval(share: float, n: float) -> Interval:
    """Wilson's score interval of a proportion; it has width even where the share is 0 or 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927).

    Args:
        share: the observed proportion, in [0, 1].
        n: independent observations, more than 0.

    Raises:
        ModelError: ``share`` is no proportion or ``n`` is not positive.
    """
    if not 0 <= share <= 1 or not n > 0:
        raise ModelError(f"no proportion: {share} of {n}")
    z2 = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def proportion_interval(share: float, values: Array | None, n_groups: int) -> Interval:
    """The bootstrap's interval of a proportion, or Wilson's where the bootstrap has none.

    Args:
        share: the observed proportion, in [0, 1].
        values: float64 (n_resamples,); None where there are too few groups to resample.
        n_groups: groups that the proportion is counted on. Wilson's interval takes each for one
            observation, which is on the safe side if images of a group differ.
    """
    interval = too_few_groups(n_groups) if values is None else percentile_interval(values)
    if interval.low is not None:
        return interval
    wilson = wilson_interval(share, n_groups)
    return Interval(wilson.low, wilson.high, interval.left_out, f"{interval.reason}: Wilson's on {n_groups} groups")


def too_few_groups(n_groups: int) -> Interval:
    """No interval, for want of groups."""
    return Interval(reason=f"counted on {n_groups} groups; to resample takes {MIN_GROUPS}")
