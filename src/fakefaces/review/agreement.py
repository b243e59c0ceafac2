"""How far two people agree: Cohen's kappa, with an interval."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LABELS = ("real", "fake")
_DRAWS = 20_000
_LEVEL = 0.95


@dataclass(frozen=True)
class Agreement:
    """Agreement of two people on the photographs that both have labelled."""

    n: int  # photographs
    same: int  # of them with equal labels
    kappa: float | None  # -1 to 1, 0 by chance; None where it is undefined, as where both only ever said one label
    low: float | None  # of the 95 % interval; None without kappa
    high: float | None


def agreement(labels: Sequence[tuple[str, str]]) -> Agreement:
    """Compute Cohen's kappa (1960) by scikit-learn, and a 95 % credible interval of it.

    The interval is that of the four counts' shares under Jeffreys' prior, Dirichlet (1/2, 1/2, 1/2, 1/2). As Jeffreys'
    interval of a proportion (Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", Statistical
    Science 16, 2001) it does not shrink to a point where few labels all agree, as a bootstrap's and the normal
    approximation's do. Equal labels give an equal interval.

    Args:
        labels: for each photograph ``real`` or ``fake`` by the one person and by the other.
    """
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    if not labels:
        return Agreement(0, 0, None, None, None)
    first, second = zip(*labels, strict=True)
    same = sum(a == b for a, b in labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where kappa is undefined
        kappa = float(cohen_kappa_score(first, second, labels=LABELS))
    if math.isnan(kappa):
        return Agreement(len(labels), same, None, None, None)
    counts = confusion_matrix(first, second, labels=LABELS).ravel()
    shares = np.random.default_rng(0).dirichlet(counts + 0.5, _DRAWS)
    observed = shares[:, 0] + shares[:, 3]
    fake_first, fake_second = shares[:, 2] + shares[:, 3], shares[:, 1] + shares[:, 3]
    chance = fake_first * fake_second + (1 - fake_first) * (1 - fake_second)
    low, high = np.quantile((observed - chance) / (1 - chance), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Agreement(len(labels), same, kappa, float(min(low, kappa)), float(max(high, kappa)))
