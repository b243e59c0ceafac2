"""Linear ridge regression on residual features, beside the kernels.

A kernel compares images by their principal components, in which they differ most. A linear regression reads all
features of a part, so it also sees directions in which images hardly differ, and forgeries do. Alone it is worse, and
beside the kernels it is worth more than any further group of features that was tried: docs/forensic.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import TrainArrays
from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.experts import Expert, output_targets
from fakefaces.models.forensic.projection import Standardisation, inverse_deviations
from fakefaces.models.forensic.regression import by_image, of_outputs
from fakefaces.models.forensic.ridge import leave_out
from fakefaces.models.forensic.selectors import InputSelector

Array = NDArray[np.float64]

# Of the sum of the features' variances: the best for images that are left out is taken.
_RIDGES = 10.0 ** np.arange(-5, 0.5, 0.5)
_RANK = 1e-6  # of the largest eigenvalue, below which a direction counts as none


@dataclass(frozen=True)
class LinearRegression:
    """A regression that one expert fitted to standardised and clipped features."""

    selector: InputSelector  # of its inputs
    standardise: Standardisation
    weights: Array  # (features,)
    intercept: float
    left_out: Array  # (images, outputs of the selector), predictions for images that were left out

    def predict(self, features: NDArray[np.float32]) -> Array:
        """float32 (n, regions, features) to float64 (n, outputs of the selector); 1 is fake, or a replaced part."""
        inputs = self.selector.select(features)
        return np.column_stack([self.standardise(x) @ self.weights + self.intercept for x in inputs])


def fit_linear_regressions(
    selectors: Sequence[InputSelector],
    standardisations: Sequence[Standardisation],
    train: TrainArrays,
    group: Group,
    experts: Sequence[Expert],
) -> Iterator[list[LinearRegression]]:
    """Fit a group of the features of the training images through each of the input selectors, for each expert.

    The features are read once. Of them sums of products are held, and the inputs of the images that are left out.
    """
    targets = output_targets(train)
    moments = [
        [_Moments(expert, targets[expert.rows][:, list(selector.outputs)]) for expert in experts]
        for selector in selectors
    ]
    for number, start, inputs in group.inputs(selectors):
        for output, examples in enumerate(inputs):
            standardised = standardisations[number](examples)
            for of_expert in moments[number]:
                of_expert.add(standardised, start, output)
    for selector, standardise in zip(selectors, standardisations, strict=True):
        yield [of_expert.solve(selector, standardise) for of_expert in moments.pop(0)]


class _Moments:
    """Sums of the examples of an expert, and the inputs of those that are left out."""

    def __init__(self, expert: Expert, targets: Array) -> None:
        """``targets`` are (n, outputs), of the rows of the expert."""
        self._expert, self._targets, self._sum = expert, targets, 0.0
        self._kept = np.sort(expert.left_out())  # places in its rows
        self._mean = float(targets.mean())
        self._inputs: list[list[NDArray[np.float32]]] = [[] for _ in range(targets.shape[1])]
        self._gram: Array | None = None
        self._right: Array | float = 0.0

    def add(self, examples: NDArray[np.float32], start: int, output: int) -> None:
        """Add those of the expert among standardised examples (k, features), the first of which is of row ``start``."""
        rows = self._expert.rows
        first, last = np.searchsorted(rows, [start, start + len(examples)])
        if first == last:
            return
        own = examples[rows[first:last] - start]
        gram = (own.T @ own).astype(np.float64)
        self._gram = gram if self._gram is None else self._gram + gram
        self._sum = self._sum + own.sum(axis=0, dtype=np.float64)
        self._right = self._right + own.T.astype(np.float64) @ (self._targets[first:last, output] - self._mean)
        kept = self._kept[slice(*np.searchsorted(self._kept, [first, last]))]
        self._inputs[output].append(own[kept - first])

    def solve(self, selector: InputSelector, standardise: Standardisation) -> LinearRegression:
        """The regression with the penalty by which images that are left out are predicted best."""
        from scipy.linalg import eigh

        assert self._gram is not None
        outputs, n = len(self._inputs), self._targets.size
        mean = np.asarray(self._sum) / n
        covariance = self._gram / n - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
        scale = inverse_deviations(mean, deviation)
        values, axes = eigh(covariance * np.outer(scale, scale))
        known = values > _RANK * values[-1]
        values, axes = values[known], axes[:, known] * scale[:, None]
        right = axes.T @ np.asarray(self._right) / n  # of centred targets: the inputs' means drop out

        inputs = np.concatenate([np.concatenate(of_output) for of_output in self._inputs])
        points = (inputs @ axes.astype(np.float32)).astype(np.float64) - mean @ axes
        within = [np.searchsorted(self._kept, family) for family in self._expert.families]
        families = of_outputs(within, outputs, len(self._kept))
        target = self._targets[self._kept].T.ravel() - self._mean
        best: tuple[float, float, Array] | None = None
        for ridge in _RIDGES * values.sum():
            halfway = points / (values + ridge) / n
            left_out = by_image(leave_out(points, halfway, target, halfway @ (right * n), families), outputs)
            error = float(((left_out - self._left_out_targets()) ** 2).mean())
            if best is None or error < best[0]:
                best = error, ridge, left_out
        assert best is not None
        _, ridge, left_out = best
        weights = axes @ (right / (values + ridge))
        return LinearRegression(
            selector, standardise, weights, self._mean - float(mean @ weights), left_out + self._mean
        )

    def _left_out_targets(self) -> Array:
        return self._targets[self._expert.left_out()] - self._mean
