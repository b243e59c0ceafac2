"""How unlike the training photographs a photograph is: one kernel ridge regression on all groups of features.

It tells the training images and their corrupted copies (0) from strangers that were made of them (1). Its kernel
compares all groups at once, and the size of the face, since a stranger is a combination that does not occur, and each
by itself can look familiar: a face that was scaled down is smaller than others. docs/unfamiliar.md has what was tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import TrainArrays
from fakefaces.data.stored_rows import chunks
from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.experts import evenly
from fakefaces.models.forensic.layers import dense, selected, variances
from fakefaces.models.forensic.projection import Projection, fit_projection, fit_standardisations, project, variance
from fakefaces.models.forensic.ridge import RidgeSystem, gaussian
from fakefaces.models.forensic.selectors import SELECTORS
from fakefaces.models.forensic.settings import Settings

COMPONENTS = 60  # of each group
_LEAST = 0.01  # standard deviation of logarithms of sizes: 1 %
Bounds = Sequence[tuple[int, int]]
_FACE = SELECTORS[0]
_SETTINGS = Settings(components=COMPONENTS)


@dataclass(frozen=True)
class Unfamiliarity:
    """A fitted regression; see :mod:`fakefaces.models.forensic.unfamiliarity`."""

    bounds: Bounds  # of the groups
    sizes: tuple[float, float]  # factor and summand of the mean logarithm of the sizes of regions
    projections: Sequence[Projection]  # of each group, to components whose variances sum up to 1
    landmarks: NDArray[np.float32]  # (landmarks, 1 + components of all groups)
    gamma: float  # of the kernel exp(-gamma * squared distance)
    weights: NDArray[np.float64]  # (landmarks,)
    intercept: float
    level: float  # 0 to 1, the mean of the kernel

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (n, regions, features) to float64 (n,), 0 to 1: what :func:`as_layer` computes."""
        factor, summand = self.sizes
        points = [factor * log_size(features, self.bounds) + summand]
        for (start, end), projection in zip(self.bounds, self.projections, strict=True):
            points.append(projection.transform(_FACE.select(features[..., start:end])[0]))
        kernel = gaussian(np.concatenate(points, axis=1, dtype=np.float32), self.landmarks, self.gamma)
        return np.asarray(np.clip(kernel @ self.weights + self.intercept, 0, 1))


def group_bounds(n_features: int, group_sizes: Sequence[int]) -> Bounds:
    """First and last column of each group of features: they come last, the sizes of regions first if there are any."""
    return list(pairwise(accumulate(group_sizes, initial=n_features - sum(group_sizes))))


def log_size(features: NDArray[np.float32], bounds: Bounds) -> NDArray[np.float32]:
    """The mean logarithm of the sizes of regions, float32 (n, 1); 0 where features (n, regions, features) lack them."""
    sizes = features[..., : bounds[0][0]]
    return sizes.mean(axis=1) if sizes.shape[-1] else np.zeros((len(features), 1), np.float32)


def fit_unfamiliarity(train: TrainArrays, group_sizes: Sequence[int]) -> Unfamiliarity:
    """Fit it to the training images, their copies and their strangers, features (n, regions, features)."""
    bounds, arrays = group_bounds(train.features.shape[-1], group_sizes), [train.features, train.strangers]
    log_sizes = np.concatenate([log_size(rows, bounds) for array in arrays for rows in chunks(array)])
    factor = float(np.sqrt(len(bounds)) / max(float(log_sizes.std()), _LEAST))  # counts as much as all groups together
    summand = float(-factor * log_sizes.mean())
    groups = [Group(arrays, slice(start, end)) for start, end in bounds]
    projections = [_unit_projection(group) for group in groups]
    edges = list(accumulate((projection.axes.shape[1] for projection in projections), initial=1))
    points = np.empty((len(log_sizes), edges[-1]), np.float32)
    points[:, :1] = factor * log_sizes + summand
    for group, projection, (start, end) in zip(groups, projections, pairwise(edges), strict=True):
        (points[:, start:end],) = project(group, [_FACE], [projection])
    n, strangers = len(train.features), len(train.strangers)
    target = np.concatenate([np.zeros(n), np.ones(strangers)])
    intercept = float(target.mean())
    half = _SETTINGS.landmarks // 2
    landmarks = np.concatenate([evenly(n - len(train.copy_of), half), n + evenly(strangers, half)])
    gamma = _SETTINGS.width / max(float(variance(points).sum()), 1e-6)
    system = RidgeSystem(points, points[landmarks], gamma, target - intercept, _SETTINGS.ridge)
    return Unfamiliarity(
        bounds,
        (factor, summand),
        projections,
        points[landmarks],
        gamma,
        system.solve(),
        intercept,
        level=system.level,
    )


def _unit_projection(group: Group) -> Projection:
    """The projection of a group to components whose variances sum up to 1."""
    ((standardise, sample),) = fit_standardisations(group, [_FACE])
    projection = fit_projection(standardise, sample, _SETTINGS)
    (points,) = project(group, [_FACE], [projection])
    return projection.scaled(1 / max(float(np.sqrt(variance(points).sum())), 1e-6))


def as_layer(fitted: Unfamiliarity, inputs: Any) -> Any:
    """The regression as layers: from features (batch, regions, features) to (batch, 1), clipped to 0 to 1."""
    import keras
    from keras import layers

    rows = np.concatenate(_FACE.matrices)
    means = [projection.standardise.mean.reshape(len(rows), -1) for projection in fitted.projections]
    variance = [variances(projection.standardise.scale).reshape(len(rows), -1) for projection in fitted.projections]
    first, scale, points = fitted.bounds[0][0], np.float32(np.sqrt(fitted.gamma)), []
    grouped = inputs[:, :, first:]
    unit = selected(rows, np.concatenate(means, axis=1), np.concatenate(variance, axis=1), grouped, "unfamiliar_")
    if first:
        factor, summand = fitted.sizes
        size = dense(np.full((inputs.shape[1], 1), factor * scale / inputs.shape[1]), [summand * scale], "log_size")
        points.append(size(layers.Flatten()(inputs[:, :, :first])))
    for number, ((start, end), projection) in enumerate(zip(fitted.bounds, fitted.projections, strict=True)):
        group = layers.Flatten()(unit[:, :, start - first : end - first])
        axes = projection.axes * scale
        points.append(dense(axes, -projection.centre @ axes, f"unfamiliar_place{number}")(group))
    placed = layers.Concatenate(name="unfamiliar_places")(points) if len(points) > 1 else points[0]
    landmarks = fitted.landmarks[:, 0 if first else 1 :] * scale
    near = dense(2 * landmarks.T, -np.einsum("ij,ij->i", landmarks, landmarks), "unfamiliar_near")(placed)
    kernel = keras.ops.exp(near - keras.ops.sum(keras.ops.square(placed), axis=-1, keepdims=True))
    intercept = fitted.intercept + fitted.level * fitted.weights.sum()
    answer = dense(fitted.weights[:, None], [intercept], "unfamiliar_answer")(kernel - fitted.level)
    return keras.ops.clip(answer, 0.0, 1.0)
