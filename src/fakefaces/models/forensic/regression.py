"""Kernel ridge regression on residual features.

Features are standardised and their principal components partly whitened; a Gaussian kernel compares them with landmarks
among the training images. Landmarks as in C. Williams & M. Seeger, "Using the Nyström Method to Speed Up Kernel
Machines", NIPS 2000: all images are learned from, and the solution is as small as the landmarks are few.

Of an image its projections are held, not its features, which are read three times for each group, nor its kernel's
values, which are computed when they are needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import TrainArrays
from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.experts import Expert, evenly, output_targets
from fakefaces.models.forensic.projection import Projection, Standardisation, project, variance
from fakefaces.models.forensic.ridge import RidgeSystem, gaussian
from fakefaces.models.forensic.selectors import InputSelector
from fakefaces.models.forensic.settings import Settings

Array = NDArray[np.float64]


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
class KernelRegression:
    """A regression that one expert fitted in a kernel."""

    kernel: Kernel
    weights: Array  # (landmarks,)
    intercept: float  # the prediction far from all landmarks
    level: float  # 0 to 1, the mean of the kernel
    left_out: Array  # (images, outputs of the selector), predictions for images that were left out

    @property
    def selector(self) -> InputSelector:
        """What selects its inputs."""
        return self.kernel.selector

    @property
    def standardise(self) -> Standardisation:
        """What is done to its inputs first."""
        return self.kernel.projection.standardise

    def predict(self, features: NDArray[np.float32]) -> Array:
        """float32 (n, regions, features) to float64 (n, outputs of the selector); 1 is fake, or a replaced part."""
        return np.column_stack([values @ self.weights + self.intercept for values in self.kernel.compare(features)])


def fit_kernel_regressions(
    settings: Settings,
    selectors: Sequence[InputSelector],
    projections: Sequence[Projection],
    train: TrainArrays,
    group: Group,
    experts: Sequence[Expert],
) -> Iterator[list[KernelRegression]]:
    """Fit a group of the features of the training images through each of the input selectors, with its projection.

    Yields:
        For each selector the regressions of the experts, which share their kernel: its components are those of all
        images, its landmarks originals, for copies are worse ones, though as good examples (docs/forensic.md).
    """
    points = project(group, selectors, projections)
    for selector, projection in zip(selectors, projections, strict=True):
        examples = points.pop(0).reshape(len(selector.outputs), len(train.labels), -1)
        gamma = settings.width / float(variance(examples.reshape(-1, examples.shape[-1])).sum())
        marked = evenly(len(train.labels) - len(train.copy_of), settings.landmarks // len(selector.outputs))
        landmarks = examples[:, marked].reshape(-1, examples.shape[-1])
        kernel = Kernel(selector, projection, landmarks, gamma)
        yield [_fit(kernel, settings.ridge, examples, train, expert) for expert in experts]


def _fit(
    kernel: Kernel, ridge: float, examples: NDArray[np.float32], train: TrainArrays, expert: Expert
) -> KernelRegression:
    """Fit an expert to projected examples (outputs, images, components), its rows for each output of the selector."""
    outputs = kernel.selector.outputs
    points = examples[:, expert.rows].reshape(-1, examples.shape[-1])
    target = output_targets(train)[expert.rows][:, list(outputs)].T.ravel()
    intercept = float(target.mean())
    system = RidgeSystem(points, kernel.landmarks, kernel.gamma, target - intercept, ridge)
    left_out = by_image(system.leave_out(of_outputs(expert.families, len(outputs), len(expert.rows))), len(outputs))
    return KernelRegression(kernel, system.solve(), intercept, system.level, left_out + intercept)


def of_outputs(families: Sequence[NDArray[np.intp]], outputs: int, n: int) -> list[NDArray[np.intp]]:
    """Families (k, size) of images as families (k, outputs * size) of examples, ``n`` for each output."""
    return [np.concatenate([family + output * n for output in range(outputs)], axis=1) for family in families]


def by_image(predictions: Sequence[Array], outputs: int) -> Array:
    """Predictions for families (k, outputs * size) of examples as (images, outputs), the images in the same order."""
    shaped = [of_size.reshape(len(of_size), outputs, -1).swapaxes(1, 2).reshape(-1, outputs) for of_size in predictions]
    return np.concatenate(shaped)
