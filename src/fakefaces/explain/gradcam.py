"""Where in the picture the evidence for *fake* lies: Grad-CAM, a batch a pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.explain.layers import as_logit, heard, last_maps

_BATCH = 32


def heat_maps(
    network: Any, pixels: NDArray[np.uint8], progress: Callable[[int, str], None] = lambda done, note: None
) -> NDArray[np.float32]:
    """Grad-CAM of the score for fake, on the last feature maps of the whole network.

    Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV
    2017: the maps are weighted by the mean gradient of the logit and summed; what speaks against is cut off.

    Args:
        network: from RGB pixels (batch, size, size, 3), 0 to 255, to p_fake (batch, 1). Frozen backbones may
            be nested in it.
        pixels: uint8 (n, size, size, 3).
        progress: called with the number of images that were done.

    Returns:
        float32 (n, height, width) at the maps' own resolution, each scaled to a peak of 1; all zero where
        nothing speaks for fake.

    Raises:
        ModelError: the network has no convolution.
    """
    layer = last_maps(network)
    maps = []
    for start in range(0, len(pixels), _BATCH):
        batch = pixels[start : start + _BATCH]
        maps.append(_batch(network, layer, batch.astype(np.float32)))
        progress(len(batch), "")
    return np.concatenate(maps) if maps else np.zeros((0, 1, 1), np.float32)


def scaled(maps: NDArray[Any]) -> NDArray[np.float32]:
    """Each map divided by its peak; one without a positive value becomes zero: float32 (n, height, width)."""
    positive = np.maximum(np.nan_to_num(maps.astype(np.float64)), 0.0)
    peaks = positive.max(axis=(1, 2), keepdims=True)
    return np.divide(positive, peaks, out=np.zeros_like(positive), where=peaks > 0).astype(np.float32)


def _batch(network: Any, layer: Any, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape, as_logit(network):
        with heard([layer], tape.watch) as outputs:
            logit = network(batch, training=False)
        features = outputs[layer.name]
    gradient = tape.gradient(logit, features)
    # The images of a batch do not meet, so the gradient of the sum holds each image's own.
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    return scaled(np.asarray(tf.reduce_sum(weights * features, axis=-1)))
