"""A confidence sequence: an interval for a mean that holds at all times at once, however often one looks at it.

A 95 % interval that is computed anew after each observation misses the mean at some time with a probability far above
5 %, and one who stops when it looks well stops there. This one misses it at any time with at most 5 %. For each value m
that the mean may have, a gambler bets on the next observation; were m the mean, no strategy would be expected to gain,
so by Ville's inequality the capital reaches 1 / 0.05 with a probability of at most 0.05. The values of m at which it
did are left out. Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", Journal of the
Royal Statistical Society B 86 (2024), doi:10.1093/jrsssb/qkad009: the hedged capital process (theorem 3) with the
predictable plug-in bets of their equation 26.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import LEVEL
from fakefaces.evaluation.predictions import Array, Mask

_CANDIDATES = 1001  # values of the mean that are tried: a step of 0.002 for observations in [-1, 1]
_MOST = 0.5  # share of the capital that may be lost by one bet, in the paper's notation c
_BLOCK = 1024  # observations at a time


@dataclass(frozen=True)
class ConfidenceSequence:
    """The interval after each observation; it never widens."""

    low: Array  # float64 (n,)
    high: Array  # float64 (n,)


def confidence_sequence(observations: Array, *, level: float = LEVEL) -> ConfidenceSequence:
    """The confidence sequence of the mean of independent observations of one mean, in the order in which they came.

    Args:
        observations: float64 (n,), in [-1, 1], such as the differences of two models' correctness.
        level: the probability that all n intervals hold the mean, at least.

    Raises:
        ModelError: an observation is out of range.
    """
    x = _scaled(observations)
    bets = _bets(x[None], level)[0]
    means = np.linspace(0, 1, _CANDIDATES)
    up = down = np.zeros(_CANDIDATES)  # logarithms of the capital of who bets on a higher mean, and on a lower one
    wall = _wall(level)
    low, high = np.empty(len(x)), np.empty(len(x))
    for start in range(0, len(x), _BLOCK):
        block = slice(start, start + _BLOCK)
        rises = up + np.cumsum(_gains(x[block, None], bets[block, None], means), axis=0)
        falls = down + np.cumsum(_gains(1 - x[block, None], bets[block, None], 1 - means), axis=0)
        up, down = rises[-1], falls[-1]
        # Beyond each end lie the values that were ruled out; the last of these counts, as the true end is between two.
        low[block] = means[np.maximum(_leading(rises >= wall) - 1, 0)]
        high[block] = 1 - means[np.maximum(_leading(falls[:, ::-1] >= wall) - 1, 0)]
    return ConfidenceSequence(2 * np.maximum.accumulate(low) - 1, 2 * np.minimum.accumulate(high) - 1)


def observations_until(
    observations: Array, *, above: float, below: float, limit: int, seed: int, level: float = LEVEL
) -> int | None:
    """How many more observations like these it takes until the interval lies above one value, or below another.

    The median of 200 continuations that are drawn from the observations with replacement.

    Args:
        observations: float64 (n,), in [-1, 1]; at least one.
        above: the interval's low end must reach it.
        below: or its high end.
        limit: observations after which a continuation is given up.
        seed: of the draws.
        level: of the sequence.

    Returns:
        None where at least half of the continuations reach the limit.

    Raises:
        ModelError: an observation is out of range.
    """
    seen = _scaled(observations)
    drawn = np.random.default_rng(seed).choice(seen, size=(200, limit))
    x = np.concatenate([np.broadcast_to(seen, (200, len(seen))), drawn], axis=1)
    bets, wall = _bets(x, level), _wall(level)
    low, high = (above + 1) / 2, (below + 1) / 2
    reached = np.cumsum(_gains(x, bets, low), axis=1) >= wall
    reached |= np.cumsum(_gains(1 - x, bets, 1 - high), axis=1) >= wall
    reached = reached[:, len(seen) :]
    steps = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, limit + 1)
    median = int(np.ceil(np.median(steps)))
    return None if median > limit else median


def _leading(ruled_out: Mask) -> NDArray[np.intp]:
    """How many columns of each row are true before the first that is not."""
    return np.asarray(ruled_out.cumprod(axis=1).sum(axis=1), dtype=np.intp)


def _scaled(observations: Array) -> Array:
    """From [-1, 1] to [0, 1]."""
    if not (np.abs(observations) <= 1).all():
        raise ModelError("a confidence sequence takes observations from -1 to 1")
    return (np.asarray(observations, dtype=np.float64) + 1) / 2


def _bets(x: Array, level: float) -> Array:
    """The bet on each observation of sequences (rows, n), from those before it."""
    n = np.arange(1, x.shape[1] + 1)
    mean = (0.5 + np.cumsum(x, axis=1)) / (n + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2, axis=1)) / (n + 1)
    before = np.concatenate([np.full((len(x), 1), 0.25), variance[:, :-1]], axis=1)
    return np.asarray(np.sqrt(2 * np.log(2 / (1 - level)) / (before * n * np.log(1 + n))), dtype=np.float64)


def _gains(x: Array, bets: Array, mean: Array | float) -> Array:
    """The logarithm of the factor by which a bet on more than ``mean`` changes the capital."""
    # a mean of 0 is never ruled out by a bet on more, as any bet would be safe
    limited = np.minimum(bets, _MOST / np.maximum(mean, 1e-9))
    return np.asarray(np.log1p(limited * (x - mean)), dtype=np.float64)


def _wall(level: float) -> float:
    """The logarithm of the capital that rules a value out, where half of it was bet on each side."""
    return float(np.log(2 / (1 - level)))
