"""Kernel ridge regression on residual features.

Features are standardised and their principal components partly whitened; a Gaussian kernel compares them with landmarks
among the training images. Landmarks as in C. Williams & M. Seeger, "Using the Nyström Method to Speed Up Kernel
Machines", NIPS 2000: all images are learned from, and the solution is as small as the landmarks are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.schema import Schema
from fakefaces.data.arrays import SplitArrays, TrainArrays
from fakefaces.models.forensic.selectors import InputSelector

Array = NDArray[np.float64]

CLIP = 6.0  # standard deviations
CONSTANT = 1e-6  # a standard deviation below it counts as none
_MAX_PCA_EXAMPLES = 1500  # evenly spaced ones
_JITTER = 1e-8  # of the mean of a diagonal, so that rounding leaves no system indefinite


class Settings(Schema):
    """The settings of this kind in ``params.yaml``."""

    components: Annotated[int, Field(ge=1)] = 75  # principal components
    landmarks: Annotated[int, Field(ge=2)] = 1000  # training examples in the kernel, at most
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps the components' variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: the larger, the more alike must images be to count
    ridge: Annotated[float, Field(gt=0)] = 0.1  # regularisation: the larger, the smoother


@dataclass(frozen=True)
class Projection:
    """From features to the space of the kernel."""

    mean: Array  # (features,)
    scale: Array  # (features,), one over the standard deviation; 0 for constant features
    centre: NDArray[np.float32]  # (features,), the mean of standardised and clipped features
    axes: NDArray[np.float32]  # (features, components)

    def transform(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, features) to float32 (n, components)."""
        return np.asarray((_standardised(features, self.mean, self.scale) - self.centre) @ self.axes)

    def scaled(self, factor: float) -> "Projection":
        """The projection to components that are ``factor`` times as large."""
        return replace(self, axes=self.axes * np.float32(factor))


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


def fit_regression(settings: Settings, selector: InputSelector, train: TrainArrays) -> Regression:
    """Fit a group of features, float32 (n, regions, features of the group), through one input selector."""
    inputs = selector.select(train.features)
    n_outputs, n = inputs.shape[:2]
    examples = inputs.reshape(n_outputs * n, -1)  # all images for the first output, then for the next
    projection = fit_projection(examples, settings)
    projected = projection.transform(examples)
    gamma = settings.width / float(projected.var(axis=0, dtype=np.float64).sum())
    target = output_targets(train)[:, list(selector.outputs)].T.ravel()
    intercept = float(target.mean())
    n_originals, starts = n - len(train.copy_of), np.arange(n_outputs) * n
    landmarks = (starts[:, None] + evenly(n_originals, settings.landmarks // n_outputs)).ravel()
    system = RidgeSystem(gaussian(projected, projected[landmarks], gamma), landmarks, settings.ridge)
    # an original and its copies are left out together
    groups = np.argsort(np.r_[:n_originals, train.copy_of], kind="stable").reshape(n_originals, -1)
    left_out = system.leave_out(target - intercept, np.concatenate([groups + start for start in starts], axis=1))
    somers_d = _somers_d(train.labels, left_out.reshape(n_outputs, n).mean(axis=0))
    return Regression(
        selector,
        projection,
        projected[landmarks],
        gamma,
        system.solve(target - intercept),
        intercept,
        level=float(system.kernel.mean()),
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


class RidgeSystem:
    """Ridge regression in the span of landmarks; kernel ridge regression where every example is a landmark.

    ``kernel`` compares all examples with the landmarks, (n, landmarks); ``landmarks`` are their rows.
    """

    def __init__(self, kernel: NDArray[np.float32], landmarks: NDArray[np.intp], ridge: float) -> None:
        """Factorise the system."""
        from scipy.linalg import cho_factor

        self.kernel = kernel.astype(np.float64)
        gram = self.kernel[landmarks]
        gram = (gram + gram.T) / 2  # symmetric but for rounding
        system = self.kernel.T @ self.kernel + ridge * gram
        system[np.diag_indices(len(system))] += _JITTER * np.trace(system) / len(system)
        self.factor = cho_factor(system, overwrite_a=True)

    def solve(self, target: Array) -> Array:
        """The weights float64 (landmarks,) for a target float64 (n,)."""
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self.factor, self.kernel.T @ target))

    def leave_out(self, target: Array, groups: NDArray[np.intp]) -> Array:
        """Predictions float64 (n,) for each group by the regression on all others, from the blocks of the hat matrix.

        R. D. Cook & S. Weisberg, "Residuals and Influence in Regression", 1982. ``groups`` (groups, k) are the rows
        that are left out together, ``target`` is float64 (n,).
        """
        from scipy.linalg import cho_solve

        halfway = np.asarray(cho_solve(self.factor, self.kernel.T)).T
        hat = np.einsum("nam,nbm->nab", self.kernel[groups], halfway[groups])
        residual = target - halfway @ (self.kernel.T @ target)
        left_out = np.linalg.solve(np.eye(groups.shape[1]) - hat, residual[groups][..., None])[..., 0]
        predictions = np.empty_like(target)
        predictions[groups] = target[groups] - left_out
        return predictions


def fit_projection(examples: NDArray[np.float32], settings: Settings) -> Projection:
    """Standardise features (n, features), and find their principal components, partly whitened."""
    from scipy.linalg import eigh

    mean, deviation = examples.mean(axis=0, dtype=np.float64), examples.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > CONSTANT, 1 / np.maximum(deviation, CONSTANT), 0)
    sample = _standardised(examples[:: -(-len(examples) // _MAX_PCA_EXAMPLES)], mean, scale)
    centre = sample.mean(axis=0)
    sample = sample - centre
    tall = sample.shape[0] > sample.shape[1]
    gram = (sample.T @ sample if tall else sample @ sample.T).astype(np.float64)
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=[max(0, size - settings.components), size - 1])
    positive = values > CONSTANT * values[-1]  # centring removes at least one dimension
    values, vectors = values[positive], vectors[:, positive]
    if not tall:
        vectors = sample.T @ (vectors / np.sqrt(values))
    # The sign of an eigenvector is arbitrary; the largest entry is made positive.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
    axes = vectors / np.sqrt(values / len(sample)) ** settings.whitening
    return Projection(mean, scale, centre, axes.astype(np.float32))


def _standardised(features: NDArray[np.float32], mean: Array, scale: Array) -> NDArray[np.float32]:
    return np.clip((features - mean.astype(np.float32)) * scale.astype(np.float32), -CLIP, CLIP)


def gaussian(a: NDArray[np.float32], b: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    """exp(-gamma * squared distance), float32 (len(a), len(b))."""
    kernel = a @ b.T
    kernel *= 2
    kernel -= np.einsum("ij,ij->i", a, a)[:, None]
    kernel -= np.einsum("ij,ij->i", b, b)
    kernel *= np.float32(gamma)
    np.minimum(kernel, 0, out=kernel)
    return np.asarray(np.exp(kernel, out=kernel))


def evenly(n_originals: int, most: int) -> NDArray[np.intp]:
    """Evenly spaced rows of originals; copies are worse landmarks, though as good examples: docs/forensic.md."""
    return np.unique(np.linspace(0, n_originals - 1, min(n_originals, most)).round().astype(np.intp))


def _somers_d(labels: NDArray[np.float32], predictions: Array) -> float:
    """2 * ROC AUC - 1, and 0 where that is negative or there is one class only."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        return 0.0
    return max(0.0, 2 * float(roc_auc_score(labels, predictions)) - 1)
