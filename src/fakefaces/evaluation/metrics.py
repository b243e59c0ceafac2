"""Metrics of a set of predictions, under equal weights or many weightings at once.

A metric that is undefined for a set of images is None with a reason, never a conventional 0 or 1.
"""

from collections.abc import Collection, Mapping

import numpy as np

from fakefaces.evaluation.confusion import Confusion
from fakefaces.evaluation.model_metrics import PointMetrics, ReferenceMetrics
from fakefaces.evaluation.predictions import Array, Mask, Predictions
from fakefaces.evaluation.ranking import rank, ratio

# The populations that each metric is estimated from: it is undefined where one of them is empty.
POPULATIONS: dict[str, tuple[str, ...]] = {
    "accuracy": ("images",),
    "balanced_accuracy": ("positives", "negatives"),
    "f1": ("positives_or_predicted",),
    "precision": ("predicted_positives",),
    "recall": ("positives",),
    "roc_auc": ("positives", "negatives"),
    "average_precision": ("positives", "negatives"),
    "brier": ("images",),
    "auc": ("positives", "negatives"),  # the reference's, of hard predictions
}
METRICS = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "roc_auc", "average_precision", "brier")
REFERENCE_METRICS = ("accuracy", "f1", "precision", "recall", "auc")


def point_metrics(predictions: Predictions, threshold: float = 0.5) -> PointMetrics:
    """All metrics of a model; fake is positive, names and values are scikit-learn's.

    Args:
        predictions: of n images.
        threshold: an image is called fake where ``p_fake >= threshold``.

    Raises:
        ModelError: the threshold is not in [0, 1].
    """
    values, reasons = metric_values(predictions, threshold)
    return PointMetrics(
        n=len(predictions),
        majority_rate=majority_rate(predictions),
        confusion=confusion(predictions, threshold),
        reasons=reasons,
        **values,
    )


def reference_metrics(predictions: Predictions, threshold: float = 0.5) -> ReferenceMetrics:
    """The metrics by the reference's convention.

    Args:
        predictions: of n images.
        threshold: an image is called real where ``p_fake < threshold``.
    """
    return metrics_from_counts(confusion(predictions, threshold).swapped())


def metrics_from_counts(counts: Confusion) -> ReferenceMetrics:
    """The five metrics of a published table from its confusion counts, with real as the positive class."""
    values = _from_counts(*(np.array([float(cell)]) for cell in (counts.tp, counts.fp, counts.fn, counts.tn)))
    values["auc"] = values["balanced_accuracy"]
    reasons = undefined(REFERENCE_METRICS, counts.sizes(), positive="real", negative="fake")
    defined = {name: None if name in reasons else float(values[name][0]) for name in REFERENCE_METRICS}
    return ReferenceMetrics(confusion=counts, reasons=reasons, **defined)


def metric_values(
    predictions: Predictions, threshold: float, names: Collection[str] = METRICS
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Metrics of all images with equal weight, and why some are None."""
    reasons = undefined(names, confusion(predictions, threshold).sizes())
    values = weighted_metrics(predictions, threshold, np.ones((1, len(predictions))), names)
    return {name: None if name in reasons else float(values[name][0]) for name in names}, reasons


def weighted_metrics(
    predictions: Predictions, threshold: float, weights: Array, names: Collection[str] = METRICS
) -> dict[str, Array]:
    """Metrics under many weightings of the images at once; scikit-learn's with ``sample_weight``.

    Args:
        predictions: of n images.
        threshold: an image is called fake where ``p_fake >= threshold``.
        weights: float64 (n_resamples, n), not negative.
        names: a selection of :data:`METRICS`.

    Returns:
        float64 (n_resamples,) by metric; NaN where a population of the metric has no weight.
    """
    fake, called = predictions.fake, predictions.called_fake(threshold)
    squares = (predictions.p_fake - fake) ** 2
    rows = np.stack([fake & called, ~fake & called, fake & ~called, ~fake & ~called, squares])
    # Not by BLAS, whose threads make the last digits, and the time, depend on the machine's load.
    *cells, square = np.einsum("kj,ij->ki", rows, weights)
    values = _from_counts(*cells)
    values["brier"] = ratio(square, np.sum(cells, axis=0))
    if "roc_auc" in names or "average_precision" in names:
        ranking = rank(fake, predictions.p_fake, weights)
        values["roc_auc"] = ranking.roc_auc()
        if "average_precision" in names:
            values["average_precision"] = ranking.average_precision()
    return {name: values[name] for name in names}


def confusion(predictions: Predictions, threshold: float) -> Confusion:
    """The counts with fake as the positive class."""
    fake, called = predictions.fake, predictions.called_fake(threshold)
    cells = (fake & called, ~fake & called, fake & ~called, ~fake & ~called)
    return Confusion(*(int(cell.sum()) for cell in cells))


def population_masks(predictions: Predictions, threshold: float) -> dict[str, Mask]:
    """The images of each population of :data:`POPULATIONS`, bool (n,)."""
    fake, called = predictions.fake, predictions.called_fake(threshold)
    return {
        "images": np.ones(len(predictions), dtype=bool),
        "positives": fake,
        "negatives": ~fake,
        "predicted_positives": called,
        "positives_or_predicted": fake | called,
    }


def undefined(
    names: Collection[str], sizes: Mapping[str, int], *, positive: str = "fake", negative: str = "real"
) -> dict[str, str]:
    """The reason for each metric that is undefined for populations of these sizes."""
    among = f"among the {sizes['images']} images"
    empty = {
        "images": "no images",
        "positives": f"no {positive}s {among}",
        "negatives": f"no {negative}s {among}",
        "predicted_positives": f"none of the {sizes['images']} images is called {positive}",
        "positives_or_predicted": f"none of the {sizes['images']} images is {positive} or called {positive}",
    }
    reasons = {}
    for name in names:
        lacking = [population for population in ("images", *POPULATIONS[name]) if not sizes[population]]
        if lacking:
            reasons[name] = empty[lacking[0]]
    return reasons


def majority_rate(predictions: Predictions) -> float | None:
    """Accuracy of always predicting the larger class; None without images."""
    if not len(predictions):
        return None
    share = float(predictions.fake.mean())
    return max(share, 1 - share)


def _from_counts(tp: Array, fp: Array, fn: Array, tn: Array) -> dict[str, Array]:
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    return {
        "accuracy": ratio(tp + tn, tp + fp + fn + tn),
        "balanced_accuracy": (recall + specificity) / 2,
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "precision": ratio(tp, tp + fp),
        "recall": recall,
    }
