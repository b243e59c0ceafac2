"""Kernel ridge regression on traces of processing: p_fake and the four parts at once, solved, not descended to.

Features are brought to unit variance and their principal components part of the way there; a Gaussian kernel
compares an image with all that were learned from, and with their mirror images. The solution is written down as a
network of ordinary layers, so that a detector of this kind is saved, loaded and served like any other.

That a mirror image has the same score, with its eyes exchanged, is built in: what is learned of left and right
alike, and of their difference, are two systems of equations of half the size.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.strict import Strict
from fakefaces.forensics.boxes import MIRRORED
from fakefaces.forensics.features import mirrored

if TYPE_CHECKING:
    from fakefaces.training import Part

Array = NDArray[np.float64]

_FARTHEST = 6.0  # standard deviations at which a feature is cut off
_FLAT = 1e-6  # below it a standard deviation is none
_NEVER = 1e12  # the variance that silences a feature which has none
_ENOUGH = 2000  # images from which the components are found, evenly taken, with their mirror images
_SWAPPED = [0, 2, 1, 3, 4]  # the outputs of a mirror image


class Settings(Strict):
    """What ``params.yaml`` may set."""

    components: Annotated[int, Field(ge=1)] = 200  # principal ones that are kept
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps their variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: the larger, the more alike must images be to count
    ridge: Annotated[float, Field(gt=0)] = 0.2  # the more, the smoother


def fit(settings: Settings, train: "Part", validation: "Part") -> Any:
    """Solve for the training images and calibrate on the validation images.

    Args:
        settings: this kind's.
        train: views float32 (n, boxes, numbers), labels and parts.
        validation: likewise.

    Returns:
        A Keras model from views (batch, boxes, numbers) to (batch, 5): p_fake, and for each part the probability
        that it was replaced.
    """
    space = _space(train.views, settings)
    places, others = space.places(train.views), space.places(mirrored(train.views))
    width = settings.width / float(places.var(axis=0, dtype=np.float64).sum())
    targets = _targets(train)
    level = targets.mean(axis=0)
    level[1:3] = level[1:3].mean()
    centred = targets - level
    alike, apart = (centred + centred[:, _SWAPPED]) / 2, (centred - centred[:, _SWAPPED]) / 2
    same, crossed = _kernel(places, places, width), _kernel(places, others, width)
    weights = _solved(same + crossed, alike, settings.ridge), _solved(same - crossed, apart, settings.ridge)
    return _calibrated(_network(space, places, width, weights, level), validation)


@dataclass(frozen=True)
class _Space:
    """From features to places among which distances are taken.

    Attributes:
        shape: of the features of one image, (boxes, numbers).
        mean: float64 (boxes * numbers,), the same for an image and its mirror image, as all of these.
        scale: likewise, one over the standard deviation; 0 where there is none.
        middle: likewise, of the scaled features.
        axes: float32 (boxes * numbers, components).
    """

    shape: tuple[int, ...]
    mean: Array
    scale: Array
    middle: NDArray[np.float32]
    axes: NDArray[np.float32]

    def places(self, views: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, components)."""
        return np.asarray((_scaled(views, self.mean, self.scale) - self.middle) @ self.axes, dtype=np.float32)


def _space(views: NDArray[np.float32], settings: Settings) -> _Space:
    from scipy.linalg import eigh

    some = views[:: -(-len(views) // _ENOUGH)]
    both = np.concatenate([some, mirrored(some)])
    flat = both.reshape(len(both), -1)
    mean, spread = flat.mean(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64)
    scale = np.where(spread > _FLAT, 1 / np.maximum(spread, _FLAT), 0)
    centred = _scaled(both, mean, scale)
    middle = centred.mean(axis=0)
    centred -= middle
    tall = centred.shape[0] > centred.shape[1]
    size = min(centred.shape)
    count = min(settings.components, size if tall else size - 1)  # centring takes one from what images span
    gram = (centred.T @ centred if tall else centred @ centred.T).astype(np.float64)
    values, vectors = eigh(gram, subset_by_index=[size - count, size - 1])
    values = np.maximum(values, _FLAT)
    axes = vectors if tall else centred.T @ (vectors / np.sqrt(values))
    # The sign of an eigenvector is the solver's whim; the largest entry is made positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])
    axes = axes / np.sqrt(values / len(centred)) ** settings.whitening
    return _Space(views.shape[1:], mean, scale, middle, axes.astype(np.float32))


def _scaled(views: NDArray[np.float32], mean: Array, scale: Array) -> NDArray[np.float32]:
    flat = views.reshape(len(views), -1)
    return np.clip((flat - mean.astype(np.float32)) * scale.astype(np.float32), -_FARTHEST, _FARTHEST)


def _targets(part: "Part") -> Array:
    """(n, 5): fake, and each part replaced; where it is not known, as often as it is among those known."""
    parts = part.parts.astype(np.float64)
    unknown = parts < 0
    known = parts[(part.labels == 1) & ~unknown.any(axis=1)]
    parts = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, parts)
    return np.column_stack([part.labels.astype(np.float64), parts])


def _kernel(some: NDArray[np.float32], others: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """exp(-width * squared distance), float32 (n, m)."""
    found = some @ others.T
    found *= 2
    found -= np.einsum("ij,ij->i", some, some)[:, None]
    found -= np.einsum("ij,ij->i", others, others)
    found *= np.float32(width)
    return np.exp(np.minimum(found, 0, out=found), out=found)


def _solved(kernel: NDArray[np.float32], targets: Array, ridge: float) -> Array:
    from scipy.linalg import solve

    system = kernel.astype(np.float64)
    system = (system + system.T) / 2  # an image's likeness to a mirror image is the other's, but for rounding
    system[np.diag_indices(len(system))] += ridge
    return solve(system, targets, assume_a="pos", overwrite_a=True)


def _network(
    space: _Space, places: NDArray[np.float32], width: float, weights: tuple[Array, Array], level: Array
) -> Any:
    """The solution as layers: the square of a distance is two squares and a product."""
    import keras
    from keras import layers

    keras.utils.clear_session()  # operations are named by a count, which must not depend on what was built before
    inputs = keras.Input(space.shape, name="traces")
    unit = layers.Normalization(name="unit")
    unit.build((None, len(space.mean)))
    variance = np.where(space.scale > 0, 1 / np.maximum(space.scale, _FLAT) ** 2, _NEVER)
    unit.set_weights([space.mean, variance, np.zeros((), np.int32)])
    unit.finalize_state()
    components = _dense(space.axes, -space.middle @ space.axes, "components")
    own = np.einsum("ij,ij->i", places, places)
    products = _dense(2 * width * places.T, -width * own, "products")
    flatten = layers.Flatten(name="flatten")

    def likeness(views: Any) -> Any:
        x = components(keras.ops.clip(unit(flatten(views)), -_FARTHEST, _FARTHEST))
        squares = keras.ops.sum(keras.ops.square(x), axis=-1, keepdims=True)
        return keras.ops.exp(keras.ops.minimum(products(x) - width * squares, 0.0))

    here, there = likeness(inputs), likeness(keras.ops.take(inputs, list(MIRRORED), axis=1))
    outputs = _dense(weights[0], level, "alike")(here + there)
    outputs = outputs + _dense(weights[1], np.zeros(len(level)), "apart")(here - there)
    return keras.Model(inputs, outputs, name="forensic")


def _calibrated(network: Any, validation: "Part") -> Any:
    """Put Platt's sigmoid on each output, with slopes and offsets found on the validation images."""
    import keras
    from sklearn.linear_model import LogisticRegression

    evidence = np.asarray(network.predict(validation.views, batch_size=256, verbose=0), dtype=np.float64)
    truths = (_targets(validation) > 0.5).astype(int)
    slopes, offsets = np.ones(evidence.shape[1]), np.zeros(evidence.shape[1])
    for column, (values, truth) in enumerate(zip(evidence.T, truths.T, strict=True)):
        if 0 < truth.sum() < len(truth):
            found = LogisticRegression(C=100.0).fit(values[:, None], truth)
            slopes[column], offsets[column] = found.coef_[0, 0], found.intercept_[0]
    outputs = _dense(np.diag(slopes), offsets, "calibration")(network.output)
    outputs = keras.layers.Activation("sigmoid", name="probabilities")(outputs)
    return keras.Model(network.input, outputs, name="forensic")


def _dense(kernel: Any, bias: Any, name: str) -> Any:
    import keras

    layer = keras.layers.Dense(np.shape(kernel)[1], name=name)
    layer.build((None, np.shape(kernel)[0]))
    layer.set_weights([np.asarray(kernel, np.float32), np.asarray(bias, np.float32)])
    return layer
