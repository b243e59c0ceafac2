"""From features to the space of a kernel: standardised, clipped, and their principal components partly whitened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fakefaces.models.forensic.examples import Group
from fakefaces.models.forensic.selectors import InputSelector
from fakefaces.models.forensic.settings import Settings

Array = NDArray[np.float64]

CLIP = 6.0  # standard deviations
CONSTANT = 1e-6  # a standard deviation below it counts as none
_ROUNDING = 1e-5  # of a mean: what sums of float32 leave of a channel that is the same everywhere
_MAX_PCA_EXAMPLES = 1500  # evenly spaced ones
_PIECE = 512  # rows that are float64 at a time


@dataclass(frozen=True)
class Standardisation:
    """To means of 0 and standard deviations of 1, clipped."""

    mean: Array  # (features,)
    scale: Array  # (features,), one over the standard deviation; 0 for constant features

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, features) to the same shape."""
        values = features - self.mean.astype(np.float32)
        values *= self.scale.astype(np.float32)
        return np.clip(values, -CLIP, CLIP, out=values)


@dataclass(frozen=True)
class Projection:
    """From features to the space of the kernel."""

    standardise: Standardisation
    centre: NDArray[np.float32]  # (features,), the mean of standardised and clipped features
    axes: NDArray[np.float32]  # (features, components)

    def transform(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, features) to float32 (n, components)."""
        standardised = self.standardise(features)
        standardised -= self.centre
        return np.asarray(standardised @ self.axes)

    def scaled(self, factor: float) -> "Projection":
        """The projection to components that are ``factor`` times as large."""
        return replace(self, axes=self.axes * np.float32(factor))


def fit_standardisations(
    group: Group, selectors: Sequence[InputSelector]
) -> list[tuple[Standardisation, NDArray[np.float32]]]:
    """Of what each selector selects of all images, for all its outputs alike; and evenly spaced examples of that."""
    n = len(group)
    totals, squares = ([_Sum() for _ in selectors] for _ in range(2))
    sampled: list[list[list[NDArray[np.float32]]]] = [[[] for _ in selector.outputs] for selector in selectors]
    for number, start, inputs in group.inputs(selectors):
        step = -(-len(inputs) * n // _MAX_PCA_EXAMPLES)
        for output, examples in enumerate(inputs):
            totals[number].add(examples)
            # a copy, as a view would keep all examples in memory
            sampled[number][output].append(examples[-(output * n + start) % step :: step].copy())
    means = [total.value / (n * len(selector.outputs)) for total, selector in zip(totals, selectors, strict=True)]
    for number, _, inputs in group.inputs(selectors):
        for examples in inputs:
            squares[number].add(examples, means[number])
    fitted = []
    for mean, square, selector, of_outputs in zip(means, squares, selectors, sampled, strict=True):
        deviation = np.sqrt(square.value / (n * len(selector.outputs)))
        scale = inverse_deviations(mean, deviation)
        sample = np.concatenate([examples for of_output in of_outputs for examples in of_output])
        fitted.append((Standardisation(mean, scale), sample))
    return fitted


def inverse_deviations(mean: Array, deviation: Array) -> Array:
    """One over the standard deviations of features with these means; 0 for features that do not vary."""
    varies = deviation > np.maximum(CONSTANT, _ROUNDING * np.abs(mean))
    return np.where(varies, 1 / np.maximum(deviation, CONSTANT), 0)


def fit_projection(standardise: Standardisation, sample: NDArray[np.float32], settings: Settings) -> Projection:
    """Find the principal components of examples (n, features), once these are standardised, and partly whiten them."""
    from scipy.linalg import eigh

    sample = standardise(sample)
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
    return Projection(standardise, centre, axes.astype(np.float32))


def project(
    group: Group, selectors: Sequence[InputSelector], projections: Sequence[Projection]
) -> list[NDArray[np.float32]]:
    """The examples of each selector, projected, float32 (outputs * images, components)."""
    n = len(group)
    points = [
        np.empty((len(selector.outputs), n, projection.axes.shape[1]), np.float32)
        for selector, projection in zip(selectors, projections, strict=True)
    ]
    for number, start, inputs in group.inputs(selectors):
        outputs, k = inputs.shape[:2]
        projected = projections[number].transform(inputs.reshape(outputs * k, -1))
        points[number][:, start : start + k] = projected.reshape(outputs, k, -1)
    return [of_selector.reshape(len(of_selector) * n, -1) for of_selector in points]


def variance(points: NDArray[np.float32]) -> Array:
    """The variance of each column, float64 (columns,), as numpy's but for the memory that this takes."""
    total, square = _Sum(), _Sum()
    total.add(points)
    square.add(points, total.value / len(points))
    return square.value / len(points)


class _Sum:
    """A sum of rows in float64, one row after another: its digits do not depend on how many are added at a time."""

    value: Array  # (columns,), once rows were added

    def add(self, rows: NDArray[np.float32], mean: Array | None = None) -> None:
        """Add rows (k, columns), or the squares of their differences from a mean."""
        for values in _pieces(rows):
            if mean is not None:
                values -= mean
                values *= values
            if hasattr(self, "value"):
                values[0] += self.value
            self.value = np.asarray(values.sum(axis=0))


def _pieces(rows: NDArray[np.float32]) -> Iterator[Array]:
    for start in range(0, len(rows), _PIECE):
        yield rows[start : start + _PIECE].astype(np.float64)
