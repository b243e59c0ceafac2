"""How unlike the training photographs a photograph is: one kernel ridge regression on all groups of features.

It tells the training images and their corrupted copies (0) from strangers that were made of them (1). Its kernel
compares all groups at once, since a stranger is a combination that does not occur, and each group by itself can look
familiar: docs/unfamiliar.md has what was tried.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import TrainArrays
from fakefaces.models.forensic.layers import dense, selected, variances
from fakefaces.models.forensic.regression import Projection, RidgeSystem, Settings, evenly, fit_projection, gaussian
from fakefaces.models.forensic.selectors import SELECTORS

COMPONENTS = 60  # of each group
_FACE = SELECTORS[0]
_SETTINGS = Settings(components=COMPONENTS)


@dataclass(frozen=True)
class Unfamiliarity:
    """A fitted regression; see :mod:`fakefaces.models.forensic.unfamiliarity`."""

    projections: Sequence[Projection]  # of each group, to components whose variances sum up to 1
    landmarks: NDArray[np.float32]  # (landmarks, components of all groups)
    gamma: float  # of the kernel exp(-gamma * squared distance)
    weights: NDArray[np.float64]  # (landmarks,)
    intercept: float

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (n, regions, features) to float64 (n,), 0 to 1: what :func:`as_layer` computes."""
        faces, start, points = _FACE.select(features)[0].reshape(len(features), -1, features.shape[-1]), 0, []
        for projection in self.projections:
            end = start + len(projection.mean) // faces.shape[1]
            points.append(projection.transform(faces[..., start:end].reshape(len(faces), -1)))
            start = end
        kernel = gaussian(np.concatenate(points, axis=1), self.landmarks, self.gamma)
        return np.asarray(np.clip(kernel @ self.weights + self.intercept, 0, 1))


def fit_unfamiliarity(train: TrainArrays, group_sizes: Sequence[int]) -> Unfamiliarity:
    """Fit it to the training images, their copies and their strangers, features (n, regions, features)."""
    projections, projected = [], []
    for start, end in pairwise(accumulate(group_sizes, initial=0)):
        examples = np.concatenate(
            [_FACE.select(features[..., start:end])[0] for features in (train.features, train.strangers)]
        )
        projection = fit_projection(examples, _SETTINGS)
        spread = np.sqrt(projection.transform(examples).var(axis=0, dtype=np.float64).sum())
        projection = projection.scaled(1 / max(float(spread), 1e-6))
        projections.append(projection)
        projected.append(projection.transform(examples))
    points = np.concatenate(projected, axis=1)
    n, strangers = len(train.features), len(train.strangers)
    target = np.concatenate([np.zeros(n), np.ones(strangers)])
    intercept = float(target.mean())
    half = _SETTINGS.landmarks // 2
    landmarks = np.concatenate([evenly(n - len(train.copy_of), half), n + evenly(strangers, half)])
    gamma = _SETTINGS.width / max(float(points.var(axis=0, dtype=np.float64).sum()), 1e-6)
    system = RidgeSystem(gaussian(points, points[landmarks], gamma), landmarks, _SETTINGS.ridge)
    return Unfamiliarity(projections, points[landmarks], gamma, system.solve(target - intercept), intercept)


def as_layer(fitted: Unfamiliarity, inputs: Any) -> Any:
    """The regression as layers: from features (batch, regions, features) to (batch, 1), clipped to 0 to 1."""
    import keras
    from keras import layers

    rows = np.concatenate(_FACE.matrices)
    means = [projection.mean.reshape(len(rows), -1) for projection in fitted.projections]
    variance = [variances(projection.scale).reshape(len(rows), -1) for projection in fitted.projections]
    unit = selected(rows, np.concatenate(means, axis=1), np.concatenate(variance, axis=1), inputs, "unfamiliar_")
    start, scale, points = 0, np.float32(np.sqrt(fitted.gamma)), []
    for number, (projection, mean) in enumerate(zip(fitted.projections, means, strict=True)):
        group = layers.Flatten()(unit[:, :, start : start + mean.shape[1]])
        start += mean.shape[1]
        axes = projection.axes * scale
        points.append(dense(axes, -projection.centre @ axes, f"unfamiliar_place{number}")(group))
    placed = layers.Concatenate(name="unfamiliar_places")(points) if len(points) > 1 else points[0]
    landmarks = fitted.landmarks * scale
    near = dense(2 * landmarks.T, -np.einsum("ij,ij->i", landmarks, landmarks), "unfamiliar_near")(placed)
    kernel = keras.ops.exp(near - keras.ops.sum(keras.ops.square(placed), axis=-1, keepdims=True))
    answer = dense(fitted.weights[:, None], [fitted.intercept], "unfamiliar_answer")(kernel)
    return keras.ops.clip(answer, 0.0, 1.0)
