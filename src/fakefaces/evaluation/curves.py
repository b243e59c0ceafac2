"""ROC and precision-recall curves with few enough points to be plotted."""

import numpy as np
import pandas as pd
from sklearn import metrics

from fakefaces.evaluation.predictions import Array, Predictions

MAX_POINTS = 200


def roc_curve(predictions: Predictions) -> pd.DataFrame:
    """The ROC curve from (0, 0) to (1, 1): ``fpr`` and ``tpr``; no rows where a class is absent."""
    if len(np.unique(predictions.fake)) < 2:
        return pd.DataFrame({"fpr": [], "tpr": []})
    fpr, tpr, _ = metrics.roc_curve(predictions.fake, predictions.p_fake, drop_intermediate=False)
    return _corners(pd.DataFrame({"fpr": fpr, "tpr": tpr}))


def precision_recall_curve(predictions: Predictions) -> pd.DataFrame:
    """The precision-recall curve: ``recall`` (ascending) and ``precision``; no rows where a class is absent.

    Unlike scikit-learn's it has no point for "nothing is called fake", where precision is undefined. Points
    are to be joined by steps, not by straight lines: Davis and Goadrich, "The relationship between
    precision-recall and ROC curves", ICML 2006.
    """
    if len(np.unique(predictions.fake)) < 2:
        return pd.DataFrame({"recall": [], "precision": []})
    precision, recall, _ = metrics.precision_recall_curve(predictions.fake, predictions.p_fake)
    return _corners(pd.DataFrame({"recall": recall[-2::-1], "precision": precision[-2::-1]}))


def _corners(curve: pd.DataFrame) -> pd.DataFrame:
    """The corners of a curve; of more than :data:`MAX_POINTS` those evenly spread along it."""
    points: Array = curve.to_numpy()
    dx, dy = np.diff(points, axis=0).T
    turns = ~np.isclose(dx[:-1] * dy[1:], dx[1:] * dy[:-1], rtol=0, atol=1e-15)
    corners = np.flatnonzero(np.r_[True, turns, True]) if len(points) > 1 else np.arange(len(points))
    if len(corners) > MAX_POINTS:
        length = np.r_[0, np.cumsum(np.abs(np.diff(points[corners], axis=0)).sum(axis=1))]
        even = np.searchsorted(length, np.linspace(0, length[-1], MAX_POINTS) - 1e-12)
        corners = corners[np.unique(np.r_[even[:-1], len(corners) - 1])]
    return curve.iloc[corners].reset_index(drop=True)
