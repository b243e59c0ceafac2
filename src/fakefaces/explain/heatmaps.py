"""Heatmaps of a detector of any kind: Grad-CAM, or the part scores of a forensic detector."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data.faces import PARTS
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.explain.layers import capture_outputs, last_feature_layer, logit_output
from fakefaces.explain.part_outlines import PORTRAIT

MAX_SIDE = 32  # cells of a heatmap's longer side
_BATCH_SIZE = 32

Step = Callable[[int, str], None]  # called with the number of images done since the last call


def detector_heatmaps(
    detector: ExplainedDetector,
    inputs: NDArray[Any],
    step: Step = lambda done, note: None,
    outlines: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Compute the heatmaps of inputs of :meth:`fakefaces.inference.detector.Detector.read`.

    Args:
        detector: of any kind.
        inputs: (n, ...).
        step: called after each batch.
        outlines: float64 (n, 4, 4), the parts' in each image, of :mod:`fakefaces.explain.part_outlines`; None for
            portraits.

    Returns:
        float32 (n, height, width), at most ``MAX_SIDE`` a side, each scaled to a peak of 1.

    Raises:
        ModelError: the network has no convolution, or no scores of parts to draw.
    """
    if detector.metadata.extractor == "residuals":
        if detector.metadata.whole_fakes:
            raise ModelError(
                "its heatmaps would be of its scores of parts, and of no fake that it was trained on is it known which "
                "parts were replaced, as of generated faces"
            )
        heatmaps = part_score_heatmaps(detector.outputs(inputs)[:, 1 : 1 + len(PARTS)], outlines)
        step(len(inputs), "")
        return heatmaps
    return shrink_heatmaps(grad_cam(detector.network, inputs, step))


def grad_cam(network: Any, pixels: NDArray[np.uint8], step: Step = lambda done, note: None) -> NDArray[np.float32]:
    """Compute Grad-CAM of the score for fake on the last feature maps of the whole network.

    Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV
    2017: the feature maps are weighted by the mean gradient of the logit and summed; negative sums become 0.

    Args:
        network: from RGB pixels (batch, size, size, 3), 0 to 255, to p_fake (batch, 1). Frozen backbones may
            be nested in it.
        pixels: uint8 (n, size, size, 3).
        step: called after each batch.

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
        step(len(batch), "")
    return np.concatenate(heatmaps) if heatmaps else np.zeros((0, 1, 1), np.float32)


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


def scale_to_peak(heatmaps: NDArray[np.floating]) -> NDArray[np.float32]:
    """Divide each heatmap (n, height, width) by its peak; one without a positive value becomes zero."""
    positive = np.maximum(np.nan_to_num(heatmaps.astype(np.float64)), 0.0)
    peaks = positive.max(axis=(1, 2), keepdims=True)
    scaled: NDArray[np.float64] = np.divide(positive, peaks, out=np.zeros_like(positive), where=peaks > 0)
    return scaled.astype(np.float32)


def part_score_heatmaps(
    scores: NDArray[np.floating], outlines: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Draw each part's score (n, 4), 0 to 1, as a Gaussian blob on its outline (n, 4, 4); the higher one counts.

    Returns:
        float32 (n, ``MAX_SIDE``, ``MAX_SIDE``), with a peak of 1 each.
    """
    centres = (np.arange(MAX_SIDE) + 0.5) / MAX_SIDE
    outlines = PORTRAIT[None] if outlines is None else outlines
    left, top, right, bottom = (outlines[..., k, None] for k in range(4))
    half = np.finfo(np.float64).eps + np.stack([right - left, bottom - top]) / 2  # a part beyond the border has none
    x, y = (centres - (left + right) / 2) / half[0], (centres - (top + bottom) / 2) / half[1]
    blobs = np.exp(-(y[..., :, None] ** 2) - x[..., None, :] ** 2)
    heatmaps = (scores[:, :, None, None] * blobs).max(axis=1)
    return np.asarray(heatmaps / np.maximum(heatmaps.max(axis=(1, 2), keepdims=True), 1e-12), dtype=np.float32)


def shrink_heatmaps(heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average heatmaps of more than ``MAX_SIDE`` cells a side down to that size."""
    height, width = heatmaps.shape[1:]
    if max(height, width) <= MAX_SIDE or not len(heatmaps):
        return heatmaps
    scale = MAX_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA) for heatmap in heatmaps])


def resize_heatmap(heatmap: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """Interpolate a heatmap to another size: float32 (height, width), clipped to 0 to 1."""
    resized = cv2.resize(heatmap.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(resized, 0, 1, out=resized), dtype=np.float32)


def overlay_heatmap(
    pixels: NDArray[np.uint8], heatmap: NDArray[np.float32], strength: float = 0.55
) -> NDArray[np.uint8]:
    """Draw a heatmap of any size, 0 to 1, over an RGB image: transparent where cold, yellow to red where hot."""
    height, width = pixels.shape[:2]
    heat = resize_heatmap(heatmap, height, width)[..., None]
    colour = np.concatenate([np.full_like(heat, 255), 235 * (1 - heat), 30 * (1 - heat)], axis=2)
    opacity = strength * heat
    return np.asarray((pixels * (1 - opacity) + colour * opacity).round(), dtype=np.uint8)
