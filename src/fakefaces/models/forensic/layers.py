"""Arrays as Keras layers, of which a fitted network is made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.models.forensic.projection import CLIP, CONSTANT

_SILENCING_VARIANCE = 1e12  # of a constant feature


def dense(kernel: NDArray[Any], bias: Any, name: str, *inner_shape: int) -> Any:
    """A dense layer with its weights; ``inner_shape`` are the axes between the batch and the last one."""
    import keras

    layer = keras.layers.Dense(np.shape(kernel)[1], name=name)
    layer.build((None, *inner_shape, np.shape(kernel)[0]))
    layer.set_weights([np.asarray(kernel, np.float32), np.asarray(bias, np.float32)])
    return layer


def selected(
    matrix: NDArray[Any], mean: NDArray[np.float64], variance: NDArray[np.float64], inputs: Any, prefix: str = ""
) -> Any:
    """Linear maps of regions, (rows, regions), standardised and clipped: (batch, regions, features) to rows, features.

    ``mean`` and ``variance`` are (rows, features); layers are named with the prefix.
    """
    from keras import layers

    select = dense(matrix.T, np.zeros(len(matrix)), f"{prefix}rows", inputs.shape[-1])
    turned = layers.Permute((2, 1), name=f"{prefix}turned")
    rows = turned(select(layers.Permute((2, 1), name=f"{prefix}boxes")(inputs)))
    return standardised(rows, mean, variance, f"{prefix}unit")


def standardised(inputs: Any, mean: NDArray[np.float64], variance: NDArray[np.float64], name: str) -> Any:
    """Standardise by ``mean`` and ``variance``, of the shape of an input, and clip: (batch, ...) to the same shape."""
    import keras

    layer = keras.layers.Normalization(axis=tuple(range(1, 1 + mean.ndim)), name=name)
    layer.build((None, *mean.shape))
    layer.set_weights([mean, variance, np.zeros((), np.int32)])
    layer.finalize_state()
    return keras.ops.clip(layer(inputs), -CLIP, CLIP)


def variances(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of one over standard deviations; those of constant features, 0, become so large that nothing is left of them."""
    return np.where(scale > 0, 1 / np.maximum(scale, CONSTANT) ** 2, _SILENCING_VARIANCE)
