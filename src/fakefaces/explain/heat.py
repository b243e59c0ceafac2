"""The heat maps of a detector, whatever its kind."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS
from fakefaces.explain.gradcam import heat_maps
from fakefaces.explain.regions import BOXES
from fakefaces.inference.detector import Detector

FINEST = 32  # cells a side that are kept of a map


def detector_heat(
    detector: Detector, views: NDArray[Any], progress: Callable[[int, str], None] = lambda done, note: None
) -> NDArray[np.float32]:
    """The heat maps of images, scaled to a peak of 1: Grad-CAM of pixels, or the scores of the parts laid on them.

    Args:
        detector: loaded.
        views: (n, ...), stacked from :meth:`fakefaces.inference.detector.Detector.read`.
        progress: called with the number of images that were done.

    Returns:
        float32 (n, height, width), at most ``FINEST`` a side.

    Raises:
        ModelError: the network has no convolution.
    """
    if detector.metadata.extractor == "residuals":
        maps = painted(detector.outputs(views)[:, 1:])
        progress(len(views), "")
        return maps
    return coarse(heat_maps(detector.network, views, progress))


def painted(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """Maps of part scores: on each part's box a blob as high as its score.

    Args:
        scores: (n, 4), 0 to 1, of :data:`fakefaces.data.faces.PARTS`.

    Returns:
        float32 (n, ``FINEST``, ``FINEST``), with a peak of 1 each; where blobs meet the higher one counts.
    """
    along = (np.arange(FINEST) + 0.5) / FINEST
    blobs = []
    for name in PARTS:
        left, top, right, bottom = BOXES[name]
        across, down = (along - (left + right) / 2) / (right - left), (along - (top + bottom) / 2) / (bottom - top)
        blobs.append(np.exp(-((2 * across) ** 2) - (2 * down[:, None]) ** 2))
    maps = (scores[:, :, None, None] * np.stack(blobs)).max(axis=1)
    return (maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-12)).astype(np.float32)


def coarse(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps of more than ``FINEST`` cells a side, averaged down to that."""
    import cv2

    height, width = maps.shape[1:]
    if max(height, width) <= FINEST or not len(maps):
        return maps
    scale = FINEST / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps])
