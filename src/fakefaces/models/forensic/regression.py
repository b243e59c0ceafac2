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
from numpy.typing import ArrayLike, NDArray

from fakefaces.data.arrays import SplitArrays, TrainArrays
from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.projection import Projection, fit_projections, project, variance
from fakefaces.models.forensic.ridge import RidgeSystem, gaussian
from fakefaces.models.forensic.selectors import InputSelector
from fakefaces.models.forensic.settings import Settings

Array = NDArray[np.float64]

_LEFT_OUT = 8192  # examples that are left out to see how well they are ranked, at most; evenly spaced ones


@dataclass(frozen=True)
class Kernel:
    """How images are compared with landmarks, in one group of features and through one input selector."""

    selector: InputSelector  # of its inputs
    projection: Projection  # of what was selected
    landmarks: NDArray[np.float32]  # (landmarks, components), projected
    gamma: float  # of exp(-gamma * squared distance)

    def compare(self, features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """float32 (n, regions, features) to float32 (n, landmarks) for each output of the selector."""
        inputs = self.selector.select(features)
        return [gaussian(self.projection.transform(x), self.landmarks, self.gamma) for x in inputs]


@dataclass(frozen=True)
class Regression:
    """A regression that one expert fitted in a kernel."""

    kernel: Kernel
    weights: Array  # (landmarks,)
    intercept: float  # the prediction far from all landmarks
    level: float  # 0 to 1, the mean of the kernel
    somers_d: float  # 0 to 1, how well left-out images are ranked; see :func:`group_weights`

    def scaled(self, factor: float) -> "Regression":
        """The regression whose predictions are ``factor`` times as large."""
        return replace(self, weights=self.weights * factor, intercept=self.intercept * factor)

    def predict(self, features: NDArray[np.float32]) -> Array:
        """float32 (n, regions, features) to float64 (n, outputs of the selector); 1 is fake, or a replaced part."""
        return np.column_stack([values @ self.weights + self.intercept for values in self.kernel.compare(features)])


def fit_regressions(
    settings: Settings, selectors: Sequence[InputSelector], train: TrainArrays, columns: slice = slice(None)
) -> Iterator[list[Regression]]:
    """Fit a group of features, ``columns`` of (n, regions, features), through each of the input selectors.

    Yields:
        For each selector the regressions of the experts on originals and, if ``train`` has any, on copies, which share
        their kernel: its components are those of all images, its landmarks originals.
    """
    group = Group([train.features], columns)
    projections = fit_projections(group, selectors, settings)
    points = project(group, selectors, projections)
    for selector, projection in zip(selectors, projections, strict=True):
        examples = points.pop(0).reshape(len(selector.outputs), len(train.labels), -1)
        gamma = settings.width / float(variance(examples.reshape(-1, examples.shape[-1])).sum())
        marked = evenly(len(train.labels) - len(train.copy_of), settings.landmarks // len(selector.outputs))
        landmarks = examples[:, marked].reshape(-1, examples.shape[-1])
        kernel = Kernel(selector, projection, landmarks, gamma)
        yield [_fit_regression(kernel, settings.ridge, examples, train, families) for families in experts(train)]


def experts(train: TrainArrays) -> list[NDArray[np.intp]]:
    """The rows that each expert learns from: the originals; and the copies, if there are any.

    Returns:
        (families, k) each: in a row are the images that are left out together, the copies of one original.
    """
    n_originals = len(train.labels) - len(train.copy_of)
    originals = np.arange(n_originals)[:, None]
    if not len(train.copy_of):
        return [originals]
    return [originals, n_originals + np.argsort(train.copy_of, kind="stable").reshape(n_originals, -1)]


def _fit_regression(
    kernel: Kernel, ridge: float, examples: NDArray[np.float32], train: TrainArrays, families: NDArray[np.intp]
) -> Regression:
    """Fit an expert to projected examples (outputs, images, components), its rows for each output of the selector."""
    rows, n_outputs = np.sort(families, axis=None), len(examples)
    points = examples[:, rows].reshape(-1, examples.shape[-1])
    target = output_targets(train)[rows][:, list(kernel.selector.outputs)].T.ravel()
    intercept = float(target.mean())
    system = RidgeSystem(points, kernel.landmarks, kernel.gamma, target - intercept, ridge)
    left_out = np.searchsorted(rows, families[:: -(-len(points) // _LEFT_OUT)])
    of_outputs = np.concatenate([left_out + start for start in np.arange(n_outputs) * len(rows)], axis=1)
    of_images = system.leave_out(of_outputs).reshape(len(left_out), n_outputs, -1).mean(axis=1)
    somers_d = _somers_d(train.labels[rows][left_out].ravel(), of_images.ravel())
    return Regression(kernel, system.solve(), intercept, level=system.level, somers_d=somers_d)


def group_weights(somers_d: ArrayLike) -> Array:
    """The weight of each group of features in their mean, float64 (groups, ...), proportional to Somers' D."""
    values = np.asarray(somers_d, dtype=np.float64)
    total = values.sum(axis=0)
    return np.where(total > 0, values / np.where(total > 0, total, 1), 1 / len(values))


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
