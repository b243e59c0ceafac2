"""ROI pooling: a frozen backbone over the crop of a face, its feature maps pooled in each region of the face."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fakefaces.base.errors import ModelError
from fakefaces.data.face_regions import NAMES

_EPSILON = 1e-6  # added to a variance before its root, and to an area that is divided by


def roi_pooled(backbone: Any, layers: Sequence[str]) -> tuple[Any, list[int]]:
    """Pool maps of a backbone's layers, built for the size of the crop, in the regions of the face.

    Returns:
        A frozen Keras model from ``crop`` (batch, size, size, 3), 0 to 255, and ``boxes`` (batch, regions, 4), left,
        top, right and bottom as shares of the crop's sides, to (batch, regions, features): for each channel its mean
        and its standard deviation in the region; and the number of features a layer.

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
    crop = keras.Input(backbone.input.shape[1:], name="crop")
    boxes = keras.Input((len(NAMES), 4), name="boxes")
    maps = below(backbone.layers[1](crop))
    pooled = [_pooled(layer_maps, boxes) for layer_maps in maps]
    outputs = keras.layers.Concatenate(name="pooled")(pooled) if len(pooled) > 1 else pooled[0]
    frozen = keras.Model({"crop": crop, "boxes": boxes}, outputs, name="frozen")
    frozen.trainable = False
    return frozen, [int(features.shape[-1]) for features in pooled]


def _pooled(maps: Any, boxes: Any) -> Any:
    """(batch, side, side, channels) to (batch, regions, 2 * channels)."""
    import keras

    side, channels = maps.shape[1], maps.shape[-1]
    rows, columns = _overlap(boxes[..., 1::2], side), _overlap(boxes[..., 0::2], side)
    weights = keras.layers.Reshape((len(NAMES), side * side))(rows[..., :, None] * columns[..., None, :])
    cells = keras.layers.Reshape((side * side, channels))(maps)
    # Relative to the mean of the whole map: the difference of two large squares would leave rounding errors alone of a
    # channel that is the same everywhere, as some of ImageNet's are.
    level = keras.ops.mean(cells, axis=1, keepdims=True)
    cells = cells - level
    mean = keras.ops.matmul(weights, cells)
    square = keras.ops.matmul(weights, keras.ops.square(cells))
    deviation = keras.ops.sqrt(keras.ops.relu(square - keras.ops.square(mean)) + _EPSILON)
    return keras.layers.Concatenate()([mean + level, deviation])


def _overlap(intervals: Any, cells: int) -> Any:
    """The share of each interval (batch, regions, 2), 0 to 1, that lies in each of ``cells`` equal cells of 0 to 1."""
    import keras

    edges = np.arange(cells + 1, dtype=np.float32) / cells
    low, high = intervals[..., :1], intervals[..., 1:]
    inside = keras.ops.relu(keras.ops.minimum(high, edges[1:]) - keras.ops.maximum(low, edges[:-1]))
    return inside / (keras.ops.sum(inside, axis=-1, keepdims=True) + _EPSILON)
