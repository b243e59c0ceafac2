"""A frozen backbone over the face at native resolution: its maps, pooled in each box."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.features.residuals.boxes import BOXES, cells

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

_FLOOR = 1e-6  # under the root of a variance
_FINE = 32  # cells a side, below which a box holds too few for a standard deviation to tell much


def boxed(backbone: Any, layers: Sequence[str]) -> tuple[Any, list[int]]:
    """Pool maps of a backbone in the boxes.

    Args:
        backbone: the network of a :class:`fakefaces.models.backbones.Backbone`, built for the crop's size.
        layers: the backbone's layers whose maps are pooled; the rest above them is dropped.

    Returns:
        A frozen Keras model from crops (batch, size, size, 3), 0 to 255, to (batch, boxes, numbers): of every map
        its mean in each box and, of fine ones, its standard deviation there; and how many of these numbers are of
        each layer.

    Raises:
        ModelError: the backbone has no such layer, or it gives no map.
    """
    import keras

    core = next(part for part in backbone.layers if isinstance(part, keras.Model))
    names = [layer.name for layer in core.layers]
    for layer in layers:
        if layer not in names or len(core.get_layer(layer).output.shape) != 4:
            raise ModelError(
                f"params.yaml: prepare.features: layers: {core.name} has no map '{layer}'; "
                f"its last layers are {', '.join(names[-12:])}"
            )
    below = keras.Model(core.input, [core.get_layer(layer).output for layer in layers], name=core.name)
    inputs = keras.Input(backbone.input.shape[1:], name="crop")
    maps = below(backbone.layers[1](inputs))
    pooled = [_pooled(one, layer) for one, layer in zip(maps, layers, strict=True)]
    outputs = keras.layers.Concatenate(name="pooled")(pooled) if len(pooled) > 1 else pooled[0]
    frozen = keras.Model(inputs, outputs, name="frozen")
    frozen.trainable = False
    return frozen, [int(one.shape[-1]) for one in pooled]


def embedding(frozen: Any) -> Embed:
    """The pooled maps of crops, float32 (n, boxes, numbers), in batches filled up to a power of two."""
    batch = 16

    def embed(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = []
        for start in range(0, len(crops), batch):
            part = crops[start : start + batch]
            filled = np.zeros((1 << (len(part) - 1).bit_length(), *crops.shape[1:]), np.float32)
            filled[: len(part)] = part
            found.append(np.asarray(frozen.predict_on_batch(filled), np.float32)[: len(part)])
        return np.concatenate(found)

    return embed


def _pooled(maps: Any, name: str) -> Any:
    """(batch, side, side, channels) to (batch, boxes, numbers), by a product with the boxes' shares."""
    import keras
    from keras import layers

    side, channels = maps.shape[1], maps.shape[-1]
    shares = cells(side).T

    def mean(values: Any, what: str) -> Any:
        flat = layers.Permute((2, 1))(layers.Reshape((side * side, channels))(values))
        product = layers.Dense(len(BOXES), use_bias=False, trainable=False, name=f"{name}_{what}")
        product.build((None, channels, side * side))
        product.set_weights([shares])
        return layers.Permute((2, 1))(product(flat))

    first = mean(maps, "mean")
    if side < _FINE:
        return first
    second = mean(keras.ops.square(maps), "square")
    spread = keras.ops.sqrt(keras.ops.relu(second - keras.ops.square(first)) + _FLOOR)
    return layers.Concatenate()([first, spread])
