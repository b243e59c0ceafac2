"""The heat maps of a detector, whatever its kind."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fakefaces.detector import Detector
from fakefaces.explain.gradcam import heat_maps

FINEST = 32  # cells a side that are kept of a map


def detector_heat(
    detector: Detector, pixels: NDArray[np.uint8], progress: Callable[[int, str], None] = lambda done, note: None
) -> NDArray[np.float32]:
    """The heat maps of images, scaled to a peak of 1.

    Args:
        detector: loaded.
        pixels: uint8 (n, size, size, 3) of the card's ``image_size``.
        progress: called with the number of images that were done.

    Returns:
        float32 (n, height, width), at most ``FINEST`` a side.

    Raises:
        ModelError: the network has no convolution.
    """
    return coarse(heat_maps(detector.network, pixels, progress))


def coarse(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps of more than ``FINEST`` cells a side, averaged down to that."""
    import cv2

    height, width = maps.shape[1:]
    if max(height, width) <= FINEST or not len(maps):
        return maps
    scale = FINEST / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps])
