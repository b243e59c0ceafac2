"""Kernel ridge regression on residual features.

Features are standardised and their principal components partly whitened; a Gaussian kernel compares them with landmarks
among the training images. Landmarks as in C. Williams & M. Seeger, "Using the Nyström Method to Speed Up Kernel
Machines", NIPS 2000: all images are learned from, and the solution is as small as the landmarks are few.

Of an image its projections are held, not its features, which are read three times for each group, nor its kernel's
values, which are computed when they are needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import SplitArrays, TrainArrays
from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.projection import Projection, fit_projections, project, variance
from fakefaces.models.forensic.ridge import RidgeSystem, gaussian
from fakefaces.models.forensic.selectors import InputSelector
from fakefaces.models.forensic.settings import Settings

Array = NDArray[np.float64]

_LEFT_OUT = 8192  # examples that are left out to see how well they are ranked, at most; evenly spaced ones


@dataclass(frozen=True)
class Regression:
    """A fitted regression on one group of features through one input selector."""

    selector: InputSelector  # of its inputs
    projection: Projection  # of what was selected
    landmarks: NDArray[np.float32]  # (landmarks, components), projected
    gamma: float  # of the kernel exp(-gamma * squared distance)
    weights: Array  # (landmarks,)
    intercept: float  # the prediction far from all landmarks
    level: float  # 0 to 1, the mean of the kernel
    somers_d: float  # 0 to 1, how well left-out images are ranked; see :func:`group_weights`

    def scaled(self, factor: float) -> "Regression":
        """The regression whose predictions are ``factor`` times as large."""
        return replace(self, weights=self.weights * factor, intercept=self.intercept * factor)

    def predict(self, features: NDArray[np.float32]) -> Array:
        """float32 (n, regions, features) to float64 (n, outputs of the selector); 1 is fake, or a replaced part."""
        inputs = self.selector.select(features)
        kernels = [gaussian(self.projection.transform(x), self.landmarks, self.gamma) for x in inputs]
        return np.column_stack([kernel @ self.weights + self.intercept for kernel in kernels])


def fit_regressions(
    settings: Settings, selectors: Sequence[InputSelector], train: TrainArrays, columns: slice = slice(None)
) -> Iterator[Regression]:
    """Fit a group of features, ``columns`` of (n, regions, features), through each of the input selectors."""
    group = Group([train.features], columns)
    projections = fit_projections(group, selectors, settings)
    points = project(group, selectors, projections)
    for selector, projection in zip(selectors, projections, strict=True):
        yield _fit_regression(settings, selector, projection, points.pop(0), train)


def _fit_regression(
    settings: Settings,
    selector: InputSelector,
    projection: Projection,
    points: NDArray[np.float32],
    train: TrainArrays,
) -> Regression:
    """Fit projected examples: all images for the first output of the selector, then for the next."""
    n, n_outputs = len(train.labels), len(selector.outputs)
    gamma = settings.width / float(variance(points).sum())
    target = output_targets(train)[:, list(selector.outputs)].T.ravel()
    intercept = float(target.mean())
    n_originals, starts = n - len(train.copy_of), np.arange(n_outputs) * n
    landmarks = (starts[:, None] + evenly(n_originals, settings.landmarks // n_outputs)).ravel()
    system = RidgeSystem(points, landmarks, gamma, target - intercept, settings.ridge)
    # an original and its copies are left out together
    groups = np.argsort(np.r_[:n_originals, train.copy_of], kind="stable").reshape(n_originals, -1)
    groups = groups[:: -(-n * n_outputs // _LEFT_OUT)]
    left_out = system.leave_out(np.concatenate([groups + start for start in starts], axis=1))
    of_images = left_out.reshape(len(groups), n_outputs, -1).mean(axis=1)
    somers_d = _somers_d(train.labels[groups].ravel(), of_images.ravel())
    return Regression(
        selector,
        projection,
        points[landmarks],
        gamma,
        system.solve(),
        intercept,
        level=system.level,
        somers_d=somers_d,
    )


def group_weights(somers_d: Sequence[float]) -> Array:
    """The weight of each group of features in their mean, float64 (groups,), proportional to Somers' D."""
    values = np.asarray(somers_d, dtype=np.float64)
    return values / values.sum() if values.sum() > 0 else np.full(len(values), 1 / len(values))


def output_targets(arrays: SplitArrays) -> Array:
    """The targets float64 (n, 5): fake, and each part replaced; the mean of fakes where it is unknown."""
    replaced = arrays.replaced.astype(np.float64)
    unknown = replaced < 0
    known = replaced[(arrays.labels == 1) & ~unknown.any(axis=1)]
    replaced = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, replaced)
    return np.column_stack([arrays.labels.astype(np.float64), replaced])


def evenly(n_originals: int, most: int) -> NDArray[np.intp]:
    """Evenly spaced rows of originals; copies are worse landmarks, though as good examples: docs/forensic.md."""
    return np.unique(np.linspace(0, n_originals - 1, min(n_originals, most)).round().astype(np.intp))


def _somers_d(labels: NDArray[np.float32], predictions: Array) -> float:
    """2 * ROC AUC - 1, and 0 where that is negative or there is one class only."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        return 0.0
    return max(0.0, 2 * float(roc_auc_score(labels, predictions)) - 1)
