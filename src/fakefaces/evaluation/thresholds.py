"""Where to call an image fake, and where to call it unsure; chosen on validation scores, never on test ones."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.intervals import wilson_interval
from fakefaces.evaluation.predictions import Array, Predictions


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and what it did on the images it was chosen on.

    Attributes:
        threshold: an image is called fake where ``p_fake >= threshold``; None where every threshold in
            [0, 1] calls too many reals fake. Keep all its digits: rounding may move it past a score.
        max_fpr: the false-positive rate that was asked for.
        fpr: the one that was found, at most ``max_fpr``.
        fpr_high: the upper end of Wilson's 95 % interval around it, which is what new reals may show.
        recall: the share of fakes that are called fake; None without fakes.
        n_reals: reals it was chosen on.
        reason: what is amiss, where something is.
    """

    threshold: float | None
    max_fpr: float
    fpr: float | None
    fpr_high: float | None
    recall: float | None
    n_reals: int
    reason: str | None = None


@dataclass(frozen=True)
class UnsureBand:
    """Three verdicts: real below ``low``, unsure from there, fake from ``high`` on.

    Attributes:
        low: None where no image may be called real.
        high: None where no image may be called fake.
        max_fpr: share of reals that may be called fake.
        max_fnr: share of fakes that may be called real.
        unsure_share: images in between, on the set that the band was chosen on.
        reasons: what is amiss, by attribute.
    """

    low: float | None
    high: float | None
    max_fpr: float
    max_fnr: float
    unsure_share: float
    reasons: dict[str, str] = field(default_factory=dict)

    def verdict(self, p_fake: float) -> str:
        """``fake``, ``real`` or ``unsure``."""
        if self.high is not None and p_fake >= self.high:
            return "fake"
        return "real" if self.low is not None and p_fake < self.low else "unsure"


def operating_point(y_true: ArrayLike, p_fake: ArrayLike, *, max_fpr: float) -> OperatingPoint:
    """The lowest threshold that calls at most a share of ``max_fpr`` of the reals fake.

    It is conservative: of n reals at most floor(n * max_fpr) score at or above it; ties with the first one
    too many stay below. It lies halfway to the next higher score. With fewer than 1 / ``max_fpr`` reals such
    a rate cannot be seen: then the threshold lies above every real, and ``reason`` and ``fpr_high`` say what
    that is worth. The threshold of Neyman and Pearson, "On the problem of the most efficient tests of
    statistical hypotheses", Philosophical Transactions A 231 (1933), on the empirical distribution.

    Args:
        y_true: (n,), 1 fake, 0 real; the validation set.
        p_fake: (n,), in [0, 1].
        max_fpr: in (0, 1).

    Raises:
        ModelError: there are no reals, ``max_fpr`` is no share, or as
            :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    images = Predictions.from_arrays(y_true, p_fake)
    reals, fakes = images.p_fake[~images.fake], images.p_fake[images.fake]
    allowed = _allowed(len(reals), max_fpr, "max_fpr", "reals")
    threshold = _cut(reals, images.p_fake, allowed, end=1.0)
    reason = _too_few(len(reals), allowed, max_fpr, "reals")
    if threshold is None:
        reason = f"more than {max_fpr:g} of the reals score 1: no threshold in [0, 1] is above them"
        return OperatingPoint(None, max_fpr, None, None, None, len(reals), reason)
    fpr = float((reals >= threshold).mean())
    return OperatingPoint(
        threshold,
        max_fpr,
        fpr=fpr,
        fpr_high=wilson_interval(fpr, len(reals)).high,
        recall=float((fakes >= threshold).mean()) if len(fakes) else None,
        n_reals=len(reals),
        reason=reason,
    )


def unsure_band(
    y_true: ArrayLike, p_fake: ArrayLike, threshold: float, *, max_fpr: float, max_fnr: float
) -> UnsureBand:
    """The scores around the threshold at which a verdict would err too often.

    The upper bound is the lowest that lets at most ``max_fpr`` of the reals be called fake, the lower bound
    the highest that lets at most ``max_fnr`` of the fakes be called real; in between the model abstains:
    the reject option of Chow, "On optimum recognition error and reject tradeoff", IEEE Transactions on
    Information Theory 16 (1970). Error rates within each class, unlike precision, do not move with the share
    of fakes, which nobody knows beforehand. Where the threshold itself keeps a bound, it is that bound; where
    it keeps both, the band is empty.

    Args:
        y_true: (n,), 1 fake, 0 real; the validation set.
        p_fake: (n,), in [0, 1].
        threshold: the operating threshold; the band holds it or ends at it.
        max_fpr: in (0, 1).
        max_fnr: in (0, 1).

    Raises:
        ModelError: a class is absent, a share is none, or as :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    images = Predictions.from_arrays(y_true, p_fake)
    reals, fakes = images.p_fake[~images.fake], images.p_fake[images.fake]
    false_alarms = _allowed(len(reals), max_fpr, "max_fpr", "reals")
    misses = _allowed(len(fakes), max_fnr, "max_fnr", "fakes")
    high = _cut(reals, images.p_fake, false_alarms, end=1.0)
    # The mirror image: on negated scores the fakes are the ones that must not lie above.
    low = _cut(-fakes, -images.p_fake, misses, end=0.0)
    reasons = {
        "high": _too_few(len(reals), false_alarms, max_fpr, "reals"),
        "low": _too_few(len(fakes), misses, max_fnr, "fakes"),
    }
    if high is None:
        reasons["high"] = f"more than {max_fpr:g} of the reals score 1"
    else:
        high = max(high, threshold)
    if low is None:
        reasons["low"] = f"more than {max_fnr:g} of the fakes score 0"
    else:
        low = min(-low, threshold)
    given = {name: reason for name, reason in reasons.items() if reason}
    band = UnsureBand(low, high, max_fpr, max_fnr, unsure_share=0.0, reasons=given)
    unsure = np.mean([band.verdict(p) == "unsure" for p in images.p_fake])
    return UnsureBand(low, high, max_fpr, max_fnr, unsure_share=float(unsure), reasons=given)


def _cut(below: Array, scores: Array, allowed: int, *, end: float) -> float | None:
    """The midpoint above all of ``below`` but the ``allowed`` highest; None if there is no room below ``end``."""
    highest = float(np.sort(below)[::-1][allowed])
    if highest >= end:
        return None
    above = scores[scores > highest]
    following = float(above.min()) if len(above) else end
    middle = (highest + following) / 2
    return middle if middle > highest else following  # of two neighbouring floats the upper one


def _allowed(n: int, share: float, name: str, plural: str) -> int:
    """How many of ``n`` may be on the wrong side: the largest count with ``count / n <= share``."""
    if not 0 < share < 1:
        raise ModelError(f"{name}: {share} is not between 0 and 1")
    if not n:
        raise ModelError(f"no {plural} to keep {name} on")
    count = math.floor(n * share)
    return count + 1 if (count + 1) / n <= share else count  # 0.29 * 100 is below 29 in floats


def _too_few(n: int, allowed: int, share: float, plural: str) -> str | None:
    if allowed:
        return None
    return f"{n} {plural} cannot show a rate of {share:g}, which takes {math.ceil(1 / share)}; none may err"
