"""Grad-CAM: where in an image the evidence for *fake* lies."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.explain.layers import capture_outputs, last_feature_layer, logit_output

_BATCH_SIZE = 32


def grad_cam(
    network: Any, pixels: NDArray[np.uint8], progress: Callable[[int, str], None] = lambda done, note: None
) -> NDArray[np.float32]:
    """Compute Grad-CAM of the score for fake on the last feature maps of the whole network.

    Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV
    2017: the feature maps are weighted by the mean gradient of the logit and summed; negative sums become 0.

    Args:
        network: from RGB pixels (batch, size, size, 3), 0 to 255, to p_fake (batch, 1). Frozen backbones may
            be nested in it.
        pixels: uint8 (n, size, size, 3).
        progress: called with the number of images done since the last call.

    Returns:
        float32 (n, height, width) at the feature maps' resolution, each scaled to a peak of 1; all zero where
        nothing is evidence for fake.

    Raises:
        ModelError: the network has no convolution.
    """
    layer = last_feature_layer(network)
    heatmaps = []
    for start in range(0, len(pixels), _BATCH_SIZE):
        batch = pixels[start : start + _BATCH_SIZE]
        heatmaps.append(_grad_cam_batch(network, layer, batch.astype(np.float32)))
        progress(len(batch), "")
    return np.concatenate(heatmaps) if heatmaps else np.zeros((0, 1, 1), np.float32)


def scale_to_peak(heatmaps: NDArray[np.floating]) -> NDArray[np.float32]:
    """Divide each heatmap (n, height, width) by its peak; one without a positive value becomes zero."""
    positive = np.maximum(np.nan_to_num(heatmaps.astype(np.float64)), 0.0)
    peaks = positive.max(axis=(1, 2), keepdims=True)
    scaled: NDArray[np.float64] = np.divide(positive, peaks, out=np.zeros_like(positive), where=peaks > 0)
    return scaled.astype(np.float32)


def _grad_cam_batch(network: Any, layer: Any, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape, logit_output(network):
        with capture_outputs([layer], tape.watch) as outputs:
            logit = network(batch, training=False)
        features = outputs[layer.name]
    gradient = tape.gradient(logit, features)
    # No image of a batch affects another's logit, so the gradient of the sum holds each image's own.
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    return scale_to_peak(np.asarray(tf.reduce_sum(weights * features, axis=-1)))
