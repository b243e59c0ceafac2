"""ROI pooling: a frozen backbone over the crop of a face, its feature maps pooled in each region of the face."""

from collections.abc import Sequence
from typing import Any

from fakefaces.base.errors import ModelError
from fakefaces.data.face_regions import NAMES, cell_weights

_EPSILON = 1e-6  # added to a variance before its root
_FINE = 32  # cells a side; in coarser maps a region has too few cells for a standard deviation


def roi_pooled(backbone: Any, layers: Sequence[str]) -> tuple[Any, list[int]]:
    """Pool maps of a backbone's layers, built for the size of the crop, in the regions of the face.

    Returns:
        A frozen Keras model from crops (batch, size, size, 3), 0 to 255, to (batch, regions, features): for each
        channel its mean in the region, and in fine maps its standard deviation; and the number of features a layer.

    Raises:
        ModelError: the backbone has no such layer, or the layer's output is not a feature map.
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
    pooled = [_pooled(layer_maps, layer) for layer_maps, layer in zip(maps, layers, strict=True)]
    outputs = keras.layers.Concatenate(name="pooled")(pooled) if len(pooled) > 1 else pooled[0]
    frozen = keras.Model(inputs, outputs, name="frozen")
    frozen.trainable = False
    return frozen, [int(features.shape[-1]) for features in pooled]


def _pooled(maps: Any, name: str) -> Any:
    """(batch, side, side, channels) to (batch, regions, features), as a product with the weights of the cells."""
    import keras
    from keras import layers

    side, channels = maps.shape[1], maps.shape[-1]
    weights = cell_weights(side).T

    def mean(values: Any, statistic: str) -> Any:
        flat = layers.Permute((2, 1))(layers.Reshape((side * side, channels))(values))
        product = layers.Dense(len(NAMES), use_bias=False, trainable=False, name=f"{name}_{statistic}")
        product.build((None, channels, side * side))
        product.set_weights([weights])
        return layers.Permute((2, 1))(product(flat))

    first = mean(maps, "mean")
    if side < _FINE:
        return first
    second = mean(keras.ops.square(maps), "square")
    deviation = keras.ops.sqrt(keras.ops.relu(second - keras.ops.square(first)) + _EPSILON)
    return layers.Concatenate()([first, deviation])
