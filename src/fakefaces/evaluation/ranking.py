"""ROC AUC and average precision under many weightings of the same images at once."""

from dataclasses import dataclass

import numpy as np

from fakefaces.evaluation.predictions import Array, Mask


@dataclass(frozen=True)
class Ranking:
    """The weight of each class at each distinct score, highest score first; made by :func:`rank`."""

    scores: Array  # float64 (k,), the distinct scores, descending
    fakes: Array  # float64 (n_resamples, k), total weight of the fakes that have that score
    reals: Array  # float64 (n_resamples, k), total weight of the reals that have that score

    def roc_auc(self) -> Array:
        """Area under the ROC curve, float64 (n_resamples,); NaN where a class has no weight.

        The share of fake-real pairs in which the fake scores higher, ties counting one half: Hanley and
        McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
        Radiology 143 (1982).
        """
        cumulative_reals = np.cumsum(self.reals, axis=1)
        n_fakes, n_reals = self.fakes.sum(axis=1), self.reals.sum(axis=1)
        lower_reals = n_reals[:, None] - cumulative_reals + self.reals / 2
        return ratio(np.einsum("ij,ij->i", self.fakes, lower_reals), n_fakes * n_reals)

    def average_precision(self) -> Array:
        """Average precision, float64 (n_resamples,), in (0, 1]; NaN where a class has no weight.

        The sum over distinct scores of precision times the gain in recall, without interpolation, as
        ``sklearn.metrics.average_precision_score``. Without reals it would be 1 whatever the scores are,
        so there it is undefined here.
        """
        n_fakes, n_reals = self.fakes.sum(axis=1), self.reals.sum(axis=1)
        tp, called = np.cumsum(self.fakes, axis=1), np.cumsum(self.fakes + self.reals, axis=1)
        # Both are 0 before the first score that has weight; no recall is gained there, so any precision will do.
        precision = np.divide(tp, called, out=np.zeros_like(tp), where=called > 0)
        area = np.einsum("ij,ij->i", self.fakes, precision)
        return ratio(np.where(n_reals > 0, area, 0.0), np.where(n_reals > 0, n_fakes, 0.0))


def rank(fake: Mask, p_fake: Array, weights: Array) -> Ranking:
    """Sort the images once and sum the weights of each distinct score.

    Args:
        fake: bool (n,).
        p_fake: float64 (n,).
        weights: float64 (n_resamples, n), not negative.
    """
    order = np.argsort(-p_fake, kind="stable")
    scores = p_fake[order]
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]]) if len(scores) else np.arange(0)
    ordered = weights[:, order]
    fakes = ordered * fake[order]
    reals = ordered - fakes
    if len(starts) < len(scores):
        fakes, reals = (np.add.reduceat(weight, starts, axis=1) for weight in (fakes, reals))
    return Ranking(scores[starts], fakes, reals)


def ratio(numerator: Array, denominator: Array) -> Array:
    """The quotient, float64 (n_resamples,); NaN where the denominator is 0."""
    quotient = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
