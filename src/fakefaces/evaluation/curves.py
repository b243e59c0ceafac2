"""ROC and precision-recall curves with few enough points to be plotted."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics

from fakefaces.evaluation.predictions import Array, Predictions

MAX_POINTS = 200


def roc_curve(predictions: Predictions) -> pd.DataFrame:
    """The ROC curve; fake is positive.

    Returns:
        Columns ``fpr`` and ``tpr`` with at most :data:`MAX_POINTS` rows, from (0, 0) to (1, 1); no rows where a class
        is absent.
    """
    if not _both_classes(predictions):
        return pd.DataFrame({"fpr": [], "tpr": []})
    fpr, tpr, _ = metrics.roc_curve(predictions.fake, predictions.p_fake, drop_intermediate=False)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr}).iloc[_corners(fpr, tpr)].reset_index(drop=True)


def precision_recall_curve(predictions: Predictions) -> pd.DataFrame:
    """The precision-recall curve; fake is positive.

    Unlike scikit-learn's it has no point for "nothing is called fake", where precision is undefined. Points
    are to be joined by steps, not by straight lines: Davis and Goadrich, "The relationship between
    precision-recall and ROC curves", ICML 2006.

    Returns:
        Columns ``recall`` (ascending) and ``precision`` with at most :data:`MAX_POINTS` rows; no rows where a class is
        absent.
    """
    if not _both_classes(predictions):
        return pd.DataFrame({"recall": [], "precision": []})
    precision, recall, _ = metrics.precision_recall_curve(predictions.fake, predictions.p_fake)
    precision, recall = precision[-2::-1], recall[-2::-1]
    return (
        pd.DataFrame({"recall": recall, "precision": precision})
        .iloc[_corners(recall, precision)]
        .reset_index(drop=True)
    )


def _both_classes(predictions: Predictions) -> bool:
    return bool(predictions.fake.any() and not predictions.fake.all())


def _corners(x: Array, y: Array) -> NDArray[np.intp]:
    """Positions of the corners of a curve; of too many those evenly spread along it."""
    dx, dy = np.diff(x), np.diff(y)
    turns = ~np.isclose(dx[:-1] * dy[1:], dx[1:] * dy[:-1], rtol=0, atol=1e-15)
    corners = np.flatnonzero(np.r_[True, turns, True]) if len(x) > 1 else np.arange(len(x))
    if len(corners) <= MAX_POINTS:
        return corners
    walked = np.r_[0, np.cumsum(np.abs(np.diff(x[corners])) + np.abs(np.diff(y[corners])))]
    even = np.searchsorted(walked, np.linspace(0, walked[-1], MAX_POINTS) - 1e-12)
    spread: NDArray[np.intp] = corners[np.unique(np.r_[even[:-1], len(corners) - 1])]
    return spread
