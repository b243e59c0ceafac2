"""Whether a score of 0.8 is right eight times in ten, and a map that makes it so."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.predictions import Array, Mask, Predictions

Binning = Literal["equal_mass", "equal_width"]

_SATURATED = 1e-7  # nearer to 0 or 1 a float32 sigmoid tells nothing any more
_STEPS = 100


@dataclass(frozen=True)
class Bin:
    """The images whose scores lie in one range.

    Attributes:
        low: its lower edge, inclusive.
        high: its upper edge, exclusive but for the last bin.
        n: images in it, at least 1.
        mean_p: their mean score.
        fraction_fake: the share of them that is fake; ``mean_p`` if calibrated.
    """

    low: float
    high: float
    n: int
    mean_p: float
    fraction_fake: float


def reliability(y_true: ArrayLike, p_fake: ArrayLike, *, bins: int = 10, binning: Binning = "equal_mass") -> list[Bin]:
    """The points of a reliability diagram.

    Niculescu-Mizil and Caruana, "Predicting good probabilities with supervised learning", ICML 2005.

    Args:
        y_true: (n,), 1 fake, 0 real.
        p_fake: (n,), in [0, 1].
        bins: how many, at least 1.
        binning: ``equal_mass`` has its edges at quantiles of the scores; equal scores are never parted, so
            bins may be unequal or fewer. ``equal_width`` cuts [0, 1] evenly.

    Returns:
        The bins that hold an image, in ascending order.

    Raises:
        ModelError: no images, fewer than one bin, or as :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    images = Predictions.from_arrays(y_true, p_fake)
    if not len(images) or bins < 1:
        raise ModelError(f"no calibration of {len(images)} images in {bins} bins")
    shares = np.linspace(0, 1, bins + 1)
    edges = shares if binning == "equal_width" else np.unique(np.quantile(images.p_fake, shares))
    place = np.searchsorted(edges[1:-1], images.p_fake, side="right")
    n = np.bincount(place)
    mean_p, fakes = (np.bincount(place, weights=of) / np.maximum(n, 1) for of in (images.p_fake, images.fake))
    highs = edges[1:] if len(edges) > 1 else edges  # one distinct score makes one bin without width
    rows = zip(edges, highs, n, mean_p, fakes, strict=False)
    return [Bin(float(a), float(b), int(k), float(mean), float(share)) for a, b, k, mean, share in rows if k]


def expected_calibration_error(bins: list[Bin]) -> float:
    """The mean distance of a bin's score from its share of fakes, weighted by images; in [0, 1].

    For the probability of fake, not for the confidence in the likelier class. Even a calibrated model's is
    above 0, by chance, the more so the smaller the bins. Naeini, Cooper and Hauskrecht, "Obtaining well
    calibrated probabilities using Bayesian binning", AAAI 2015; by equal mass as in Nguyen and O'Connor,
    "Posterior calibration and exploratory analysis for natural language processing models", EMNLP 2015.
    """
    return sum(one.n * abs(one.mean_p - one.fraction_fake) for one in bins) / sum(one.n for one in bins)


def calibration(y_true: ArrayLike, p_fake: ArrayLike, *, bins: int = 10) -> dict[str, Any]:
    """Brier score and both calibration errors, in one JSON-ready record.

    Args:
        y_true: (n,), 1 fake, 0 real.
        p_fake: (n,), in [0, 1].
        bins: at most.

    Returns:
        ``brier`` (Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
        Review 78 (1950)), ``ece_equal_mass``, ``ece_equal_width``, ``mean_p``, ``fraction_fake`` and
        ``bins``.

    Raises:
        ModelError: as :func:`reliability`.
    """
    by_mass, by_width = (reliability(y_true, p_fake, bins=bins, binning=kind) for kind in ("equal_mass", "equal_width"))
    labels, scores = np.asarray(y_true, dtype=np.float64), np.asarray(p_fake, dtype=np.float64)
    return {
        "brier": float(np.mean((scores - labels) ** 2)),
        "ece_equal_mass": expected_calibration_error(by_mass),
        "ece_equal_width": expected_calibration_error(by_width),
        "mean_p": float(scores.mean()),
        "fraction_fake": float(labels.mean()),
        "bins": bins,
    }


@dataclass(frozen=True)
class Scaling:
    """A map of scores to calibrated ones: ``sigmoid(slope * logit(p) + intercept)``.

    Attributes:
        slope: below 1 it takes back overconfidence; 0 maps all scores to one; below 0 it reverses their
            order, which says that the model ranks the classes the wrong way round.
        intercept: shifts towards fake where positive.
    """

    slope: float
    intercept: float

    def __call__(self, p_fake: ArrayLike) -> Array:
        """Calibrated probabilities, float64 of the shape of ``p_fake``, within (0, 1)."""
        from scipy.special import expit

        return np.asarray(expit(self.slope * _logit(p_fake) + self.intercept), dtype=np.float64)


def fit_platt(y_true: ArrayLike, p_fake: ArrayLike) -> Scaling:
    """Platt scaling on the logit of the scores: slope and intercept of least log loss.

    Platt, "Probabilistic outputs for support vector machines", 1999, with its smoothed targets, which keep
    the fit finite where the scores separate the classes; Newton's method of Lin, Lin and Weng, "A note on
    Platt's probabilistic outputs for support vector machines", Machine Learning 68 (2007).

    Args:
        y_true: (n,), 1 fake, 0 real; of images that the model was not fitted on.
        p_fake: (n,), in [0, 1].

    Raises:
        ModelError: a class is absent, or as :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    return _fit(y_true, p_fake, free=np.array([True, True]))


def fit_temperature(y_true: ArrayLike, p_fake: ArrayLike) -> Scaling:
    """Temperature scaling: the slope 1 / T alone, so that 0.5 stays 0.5.

    Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017. Targets are
    smoothed as in :func:`fit_platt`. A temperature is positive: where the best slope would be negative, it
    is 0, the limit of infinite temperature.

    Args:
        y_true: (n,), 1 fake, 0 real; of images that the model was not fitted on.
        p_fake: (n,), in [0, 1].

    Raises:
        ModelError: as :func:`fit_platt`.
    """
    found = _fit(y_true, p_fake, free=np.array([True, False]))
    return Scaling(max(0.0, found.slope), 0.0)


def _logit(p_fake: ArrayLike) -> Array:
    from scipy.special import logit

    return np.asarray(logit(np.clip(p_fake, _SATURATED, 1 - _SATURATED)), dtype=np.float64)


def _fit(y_true: ArrayLike, p_fake: ArrayLike, *, free: Mask) -> Scaling:
    from scipy.special import expit

    images = Predictions.from_arrays(y_true, p_fake)
    fakes = int(images.fake.sum())
    reals = len(images) - fakes
    if not fakes or not reals:
        raise ModelError(f"scaling takes both classes; there are {reals} reals and {fakes} fakes")
    target = np.where(images.fake, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    design = np.stack([_logit(images.p_fake), np.ones(len(images))], axis=1)[:, free]

    def loss(theta: Array) -> float:
        z = design @ theta
        return float(np.sum(np.logaddexp(0, z) - target * z))

    theta = np.array([1.0, 0.0])[free]
    for _ in range(_STEPS):
        q = expit(design @ theta)
        gradient = design.T @ (q - target)
        if np.abs(gradient).max() < 1e-9 * len(images):
            break
        # The ridge holds where all scores are equal and slope and intercept cannot be told apart.
        hessian = design.T @ (design * (q * (1 - q))[:, None]) + 1e-12 * np.eye(len(theta))
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while size > 1e-10 and loss(theta - size * step) > loss(theta) - 1e-4 * size * (gradient @ step):
            size /= 2
        theta = theta - size * step
    found = np.zeros(2)
    found[free] = theta
    return Scaling(float(found[0]), float(found[1]))
