"""The figures of one model on one set of images, from its scores or from four counts.

A figure that the images cannot tell is None, and ``reasons`` says why; it is never a conventional 0 or 1.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.predictions import Array, Mask, Predictions
from fakefaces.evaluation.ranking import rank, ratio

# What each figure is counted on: where one of these is empty, it cannot be told.
COUNTED_ON: dict[str, tuple[str, ...]] = {
    "accuracy": ("images",),
    "balanced_accuracy": ("positives", "negatives"),
    "f1": ("involved",),
    "precision": ("called",),
    "recall": ("positives",),
    "roc_auc": ("positives", "negatives"),
    "average_precision": ("positives", "negatives"),
    "brier": ("images",),
    "auc": ("positives", "negatives"),  # the reference's, of hard predictions
}
METRICS = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "roc_auc",
    "average_precision",
    "brier",
)
REFERENCE_METRICS = ("accuracy", "f1", "precision", "recall", "auc")
_OF_SCORES = {"roc_auc", "average_precision"}


@dataclass(frozen=True)
class Confusion:
    """Counts of predictions against the truth, for one of the classes taken as positive."""

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fp, self.fn, self.tn) < 0:
            raise ModelError(f"confusion counts cannot be negative: {asdict(self)}")

    def swapped(self) -> "Confusion":
        """The same predictions with the other class taken as positive."""
        return Confusion(tp=self.tn, fp=self.fn, fn=self.fp, tn=self.tp)

    def sizes(self) -> dict[str, int]:
        """How many images each figure is counted on, by the names in ``COUNTED_ON``."""
        return {
            "images": self.tp + self.fp + self.fn + self.tn,
            "positives": self.tp + self.fn,
            "negatives": self.fp + self.tn,
            "called": self.tp + self.fp,
            "involved": self.tp + self.fp + self.fn,
        }


def classification_metrics(y_true: ArrayLike, p_fake: ArrayLike, threshold: float = 0.5) -> dict[str, Any]:
    """All figures of a model; fake is positive, the names and values are scikit-learn's.

    Args:
        y_true: (n,), 1 fake, 0 real.
        p_fake: (n,), probability of fake, in [0, 1].
        threshold: an image is called fake where ``p_fake >= threshold``.

    Returns:
        ``n``; the eight :data:`METRICS`, each a float in [0, 1] or None; ``majority_rate``, the accuracy of
        always naming the larger class; ``confusion`` (``tp``, ``fp``, ``fn``, ``tn``); and ``reasons``, a
        sentence for each figure that is None.

    Raises:
        ModelError: see :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    images = Predictions.from_arrays(y_true, p_fake)
    values, reasons = point_metrics(images, threshold)
    counts = confusion(images, threshold)
    return {
        "n": len(images),
        **values,
        "majority_rate": majority_rate(images),
        "confusion": asdict(counts),
        "reasons": reasons,
    }


def reference_metrics(y_true: ArrayLike, p_fake: ArrayLike, threshold: float = 0.5) -> dict[str, Any]:
    """The figures by the reference's convention: real is positive, ``auc`` is that of hard predictions.

    The area under the ROC curve of 0/1 predictions is the balanced accuracy: it ignores the ranking.
    Compare it with published tables only; ``roc_auc`` of :func:`classification_metrics` says more.

    Args:
        y_true: (n,), 1 fake, 0 real, as everywhere.
        p_fake: (n,), probability of fake, in [0, 1].
        threshold: an image is called real where ``p_fake < threshold``.

    Returns:
        As :func:`metrics_from_counts`.

    Raises:
        ModelError: see :func:`fakefaces.evaluation.predictions.Predictions.from_arrays`.
    """
    return metrics_from_counts(confusion(Predictions.from_arrays(y_true, p_fake), threshold).swapped())


def metrics_from_counts(counts: Confusion, *, positive: str = "real", negative: str = "fake") -> dict[str, Any]:
    """The five figures of a published table, from its confusion counts alone.

    Args:
        counts: with ``positive`` as the positive class.
        positive: its name, for the reasons.
        negative: the other class's.

    Returns:
        :data:`REFERENCE_METRICS`, each a float in [0, 1] or None; ``confusion``; ``reasons``.
    """
    cells = (np.array([float(cell)]) for cell in (counts.tp, counts.fp, counts.fn, counts.tn))
    found = _of_counts(*cells)
    found["auc"] = found["balanced_accuracy"]
    reasons = undefined(REFERENCE_METRICS, counts.sizes(), positive=positive, negative=negative)
    values = {name: None if name in reasons else float(found[name][0]) for name in REFERENCE_METRICS}
    return {**values, "confusion": asdict(counts), "reasons": reasons}


def point_metrics(
    images: Predictions, threshold: float, figures: Collection[str] = METRICS
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The figures of all images with equal weight, and why some are None."""
    reasons = undefined(figures, confusion(images, threshold).sizes())
    found = weighted_metrics(images, threshold, np.ones((1, len(images))), figures)
    return {name: None if name in reasons else float(found[name][0]) for name in figures}, reasons


def weighted_metrics(
    images: Predictions, threshold: float, weights: Array, figures: Collection[str] = METRICS
) -> dict[str, Array]:
    """The figures under many weightings of the images at once; scikit-learn's with ``sample_weight``.

    Args:
        images: n of them.
        threshold: an image is called fake where ``p_fake >= threshold``.
        weights: float64 (n_resamples, n), not negative.
        figures: which of :data:`METRICS`.

    Returns:
        float64 (n_resamples,) by figure; NaN where what it is counted on has no weight.
    """
    fake, called = images.fake, images.called(threshold)
    squares = (images.p_fake - fake) ** 2
    rows = np.stack([fake & called, ~fake & called, fake & ~called, ~fake & ~called, squares])
    # Not by BLAS, whose threads make the last digits, and the time, depend on the machine's load.
    *cells, square = np.einsum("kj,ij->ki", rows, weights)
    found = _of_counts(*cells)
    found["brier"] = ratio(square, np.sum(cells, axis=0))
    if _OF_SCORES & set(figures):
        ranking = rank(fake, images.p_fake, weights)
        found["roc_auc"] = ranking.roc_auc()
        if "average_precision" in figures:
            found["average_precision"] = ranking.average_precision()
    return {name: found[name] for name in figures}


def confusion(images: Predictions, threshold: float) -> Confusion:
    """The counts with fake as the positive class."""
    fake, called = images.fake, images.called(threshold)
    cells = (fake & called, ~fake & called, fake & ~called, ~fake & ~called)
    return Confusion(*(int(cell.sum()) for cell in cells))


def populations(images: Predictions, threshold: float) -> dict[str, Mask]:
    """Bool (n,) by the names in ``COUNTED_ON``: the images that each figure is counted on."""
    fake, called = images.fake, images.called(threshold)
    return {
        "images": np.ones(len(images), dtype=bool),
        "positives": fake,
        "negatives": ~fake,
        "called": called,
        "involved": fake | called,
    }


def undefined(
    figures: Collection[str], sizes: Mapping[str, int], *, positive: str = "fake", negative: str = "real"
) -> dict[str, str]:
    """For each figure that cannot be told from sets of these sizes, the reason."""
    among = f"among the {sizes['images']} images"
    empty = {
        "images": "no images",
        "positives": f"no {positive}s {among}",
        "negatives": f"no {negative}s {among}",
        "called": f"none of the {sizes['images']} images is called {positive}",
        "involved": f"none of the {sizes['images']} images is {positive} or called {positive}",
    }
    reasons = {}
    for name in figures:
        lacking = [population for population in ("images", *COUNTED_ON[name]) if not sizes[population]]
        if lacking:
            reasons[name] = empty[lacking[0]]
    return reasons


def majority_rate(images: Predictions) -> float | None:
    """The share of the larger class, which is what naming it always would score; None without images."""
    if not len(images):
        return None
    share = float(images.fake.mean())
    return max(share, 1 - share)


def _of_counts(tp: Array, fp: Array, fn: Array, tn: Array) -> dict[str, Array]:
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    return {
        "accuracy": ratio(tp + tn, tp + fp + fn + tn),
        "balanced_accuracy": (recall + specificity) / 2,
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "precision": ratio(tp, tp + fp),
        "recall": recall,
    }
