"""ROC and precision-recall curves with few enough points to be plotted and kept as JSON."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefaces.evaluation.predictions import Array, Predictions
from fakefaces.evaluation.ranking import Ranking, rank

MOST_POINTS = 200


def roc_curve(y_true: ArrayLike, p_fake: ArrayLike) -> dict[str, Any]:
    """The ROC curve; fake is positive.

    Args:
        y_true: (n,), 1 fake, 0 real.
        p_fake: (n,), in [0, 1].

    Returns:
        ``fpr``, ``tpr`` and ``threshold``: lists of one length, at most :data:`MOST_POINTS`, from (0, 0) to
        (1, 1). The first threshold is None: nothing is called fake. Lists are empty, with a ``reason``,
        where a class is absent.

    Raises:
        ModelError: see :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    found = _counts(y_true, p_fake)
    if isinstance(found, str):
        return {"fpr": [], "tpr": [], "threshold": [], "reason": found}
    tp, fp, thresholds = found
    fpr, tpr = np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]]
    kept = _thinned(fpr, tpr)
    limits: list[float | None] = [None, *thresholds.tolist()]
    return {
        "fpr": fpr[kept].tolist(),
        "tpr": tpr[kept].tolist(),
        "threshold": [limits[i] for i in kept],
        "reason": None,
    }


def precision_recall_curve(y_true: ArrayLike, p_fake: ArrayLike) -> dict[str, Any]:
    """The precision-recall curve; fake is positive.

    Unlike scikit-learn's it has no point for "nothing is called fake", where precision is undefined. Points
    are not to be joined by straight lines but by steps: Davis and Goadrich, "The relationship between
    precision-recall and ROC curves", ICML 2006.

    Args:
        y_true: (n,), 1 fake, 0 real.
        p_fake: (n,), in [0, 1].

    Returns:
        ``recall`` (ascending), ``precision`` and ``threshold``: lists of one length, at most
        :data:`MOST_POINTS`. Lists are empty, with a ``reason``, where a class is absent.

    Raises:
        ModelError: see :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    found = _counts(y_true, p_fake)
    if isinstance(found, str):
        return {"recall": [], "precision": [], "threshold": [], "reason": found}
    tp, fp, thresholds = found
    recall, precision = tp / tp[-1], tp / (tp + fp)
    kept = _thinned(recall, precision)
    return {
        "recall": recall[kept].tolist(),
        "precision": precision[kept].tolist(),
        "threshold": thresholds[kept].tolist(),
        "reason": None,
    }


def _counts(y_true: ArrayLike, p_fake: ArrayLike) -> tuple[Array, Array, Array] | str:
    """True and false positives at each distinct score, descending; or why there is no curve."""
    images = Predictions.from_arrays(y_true, p_fake)
    if images.fake.all() or not images.fake.any():
        return f"only one class among the {len(images)} images" if len(images) else "no images"
    ranking: Ranking = rank(images.fake, images.p_fake, np.ones((1, len(images))))
    return np.cumsum(ranking.fakes[0]), np.cumsum(ranking.reals[0]), ranking.scores


def _thinned(x: Array, y: Array) -> NDArray[np.intp]:
    """Places of the points to keep: the corners, and of many corners those evenly spread along the curve."""
    dx, dy = np.diff(x), np.diff(y)
    turns = ~np.isclose(dx[:-1] * dy[1:], dx[1:] * dy[:-1], rtol=0, atol=1e-15)
    corners = np.flatnonzero(np.r_[True, turns, True]) if len(x) > 1 else np.arange(len(x))
    if len(corners) <= MOST_POINTS:
        return corners
    walked = np.r_[0, np.cumsum(np.abs(np.diff(x[corners])) + np.abs(np.diff(y[corners])))]
    even = np.searchsorted(walked, np.linspace(0, walked[-1], MOST_POINTS) - 1e-12)
    return corners[np.unique(np.r_[even[:-1], len(corners) - 1])]
