"""Heatmaps of a detector of any kind."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import PART_OUTLINES
from fakefaces.data.faces import PARTS
from fakefaces.explain.gradcam import grad_cam
from fakefaces.inference.detector import Detector

MAX_SIDE = 32  # cells of a heatmap's longer side


def detector_heatmaps(
    detector: Detector,
    inputs: NDArray[Any],
    progress: Callable[[int, str], None] = lambda done, note: None,
) -> NDArray[np.float32]:
    """Compute the heatmaps of images: Grad-CAM of pixels, or the part scores of a forensic detector.

    Args:
        detector: loaded.
        inputs: (n, ...), uint8 pixels or float32 features, of :meth:`fakefaces.inference.detector.Detector.read`.
        progress: called with the number of images done since the last call.

    Returns:
        float32 (n, height, width), at most ``MAX_SIDE`` a side, each scaled to a peak of 1.

    Raises:
        ModelError: the network has no convolution.
    """
    if detector.metadata.extractor == "residuals":
        heatmaps = part_score_heatmaps(detector.outputs(inputs)[:, 1:])
        progress(len(inputs), "")
        return heatmaps
    return shrink_heatmaps(grad_cam(detector.network, inputs, progress))


def part_score_heatmaps(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Draw each part's score as a Gaussian blob on the part's region.

    Args:
        scores: (n, 4), 0 to 1, of :data:`fakefaces.data.faces.PARTS`.

    Returns:
        float32 (n, ``MAX_SIDE``, ``MAX_SIDE``), with a peak of 1 each; where blobs overlap the higher one counts.
    """
    centres = (np.arange(MAX_SIDE) + 0.5) / MAX_SIDE
    blobs = []
    for name in PARTS:
        left, top, right, bottom = PART_OUTLINES[name]
        x, y = (centres - (left + right) / 2) / (right - left), (centres - (top + bottom) / 2) / (bottom - top)
        blobs.append(np.exp(-((2 * x) ** 2) - (2 * y[:, None]) ** 2))
    heatmaps = (scores[:, :, None, None] * np.stack(blobs)).max(axis=1)
    return np.asarray(heatmaps / np.maximum(heatmaps.max(axis=(1, 2), keepdims=True), 1e-12), dtype=np.float32)


def shrink_heatmaps(heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average heatmaps of more than ``MAX_SIDE`` cells a side down to that size."""
    height, width = heatmaps.shape[1:]
    if max(height, width) <= MAX_SIDE or not len(heatmaps):
        return heatmaps
    scale = MAX_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA) for heatmap in heatmaps])
