"""Heatmaps drawn over images."""

import cv2
import numpy as np
from numpy.typing import NDArray


def overlay_heatmap(
    pixels: NDArray[np.uint8], heatmap: NDArray[np.float32], strength: float = 0.55
) -> NDArray[np.uint8]:
    """Draw a heatmap over an image: transparent where cold, yellow to red where hot.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        heatmap: float32 (h, w), 0 to 1, of any size.
        strength: opacity at the hottest place, 0 to 1.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = pixels.shape[:2]
    heat = resize_heatmap(heatmap, height, width)[..., None]
    colour = np.concatenate([np.full_like(heat, 255), 235 * (1 - heat), 30 * (1 - heat)], axis=2)
    opacity = strength * heat
    return np.asarray((pixels * (1 - opacity) + colour * opacity).round(), dtype=np.uint8)


def resize_heatmap(heatmap: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """Interpolate a heatmap to another size: float32 (height, width), clipped to 0 to 1."""
    resized = cv2.resize(heatmap.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)
