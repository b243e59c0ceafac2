"""Kernel ridge regression on traces of processing: p_fake and the four parts at once, solved, not descended to.

Features are brought to unit variance and their principal components part of the way there; a Gaussian kernel
compares an image with all that were learned from. The solution is written down as a network of ordinary layers, so
that a detector of this kind is saved, loaded and served like any other.
"""

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.strict import Strict

if TYPE_CHECKING:
    from fakefaces.training import Part

Array = NDArray[np.float64]

_FARTHEST = 6.0  # standard deviations at which a feature is cut off
_FLAT = 1e-6  # below it a standard deviation is none


class Settings(Strict):
    """What ``params.yaml`` may set."""

    components: Annotated[int, Field(ge=1)] = 250  # principal ones that are kept
    whitening: Annotated[float, Field(ge=0, le=1)] = 0.5  # 0 keeps their variances, 1 makes them equal
    width: Annotated[float, Field(gt=0)] = 0.5  # of the kernel: exp(-width) is the mean image's likeness to another
    ridge: Annotated[float, Field(gt=0)] = 0.3  # the more, the smoother


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
    flat = train.views.reshape(len(train.views), -1)
    mean, spread = flat.mean(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64)
    scale = 1 / np.where(spread > _FLAT, spread, np.inf)
    scaled = np.clip((flat - mean.astype(np.float32)) * scale.astype(np.float32), -_FARTHEST, _FARTHEST)
    middle, axes = _components(scaled, settings.components, settings.whitening)
    places = (scaled - middle) @ axes
    width = settings.width / float(places.var(axis=0, dtype=np.float64).sum())
    targets = _targets(train)
    level = targets.mean(axis=0)
    weights = _solved(places, targets - level, width, settings.ridge)
    network = _network(train.views.shape[1:], mean, scale, middle, axes, places, width, weights, level)
    return _calibrated(network, validation)


def _components(scaled: NDArray[np.float32], count: int, whitening: float) -> tuple[Array, NDArray[np.float32]]:
    """The mean and the principal axes (numbers, count), each divided by its spread to the power of ``whitening``."""
    from scipy.linalg import eigh

    middle = scaled.mean(axis=0)
    centred = scaled - middle
    size = min(centred.shape)
    count = min(count, size - 1)
    tall = centred.shape[0] > centred.shape[1]
    gram = (centred.T @ centred if tall else centred @ centred.T).astype(np.float64)
    values, vectors = eigh(gram, subset_by_index=[size - count, size - 1])
    values = np.maximum(values, _FLAT)
    axes = vectors if tall else centred.T @ (vectors / np.sqrt(values))
    # The sign of an eigenvector is the solver's whim; the largest entry is made positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])
    spread = np.sqrt(values / len(centred))
    return middle, (axes / spread**whitening).astype(np.float32)


def _targets(part: "Part") -> Array:
    """(n, 5): fake, and each part replaced; where it is not known, as often as it is among those known."""
    parts = part.parts.astype(np.float64)
    unknown = parts < 0
    known = parts[(part.labels == 1) & ~unknown.any(axis=1)]
    parts = np.where(unknown, known.mean(axis=0) if len(known) else 0.5, parts)
    return np.column_stack([part.labels.astype(np.float64), parts])


def _solved(places: NDArray[np.float32], targets: Array, width: float, ridge: float) -> Array:
    from scipy.linalg import solve

    squares = np.einsum("ij,ij->i", places, places)
    kernel = np.exp(-width * np.maximum(squares[:, None] + squares - 2 * places @ places.T, 0)).astype(np.float64)
    kernel[np.diag_indices(len(kernel))] += ridge
    return solve(kernel, targets, assume_a="pos", overwrite_a=True)


def _network(
    shape: tuple[int, ...],
    mean: Array,
    scale: Array,
    middle: Array,
    axes: NDArray[np.float32],
    places: NDArray[np.float32],
    width: float,
    weights: Array,
    level: Array,
) -> Any:
    """The solution as layers: the square of a distance is two squares and a product."""
    import keras
    from keras import layers

    keras.utils.clear_session()  # operations are named by a count, which must not depend on what was built before
    inputs = keras.Input(shape, name="traces")
    x = layers.Flatten(name="flatten")(inputs)
    variance = np.where(scale > 0, 1 / np.maximum(scale, _FLAT) ** 2, 1e12)
    unit = layers.Normalization(name="unit")
    unit.build((None, len(mean)))
    unit.set_weights([mean, variance, np.zeros((), np.int32)])
    unit.finalize_state()
    x = unit(x)
    x = keras.ops.clip(x, -_FARTHEST, _FARTHEST)
    x = _dense(axes, -middle @ axes, "components")(x)
    squares = keras.ops.sum(keras.ops.square(x), axis=-1, keepdims=True)
    own = np.einsum("ij,ij->i", places, places)
    likeness = _dense(2 * width * places.T, -width * own, "products")(x) - width * squares
    likeness = layers.Activation("exponential", name="likeness")(likeness)
    outputs = _dense(weights, level, "evidence")(likeness)
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
