"""Previews of photographs for the review page, with or without the heatmap."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakefaces.data import images
from fakefaces.explain.heatmaps import overlay_heatmap


def webp_preview(data: bytes, heatmap: NDArray[np.float32] | None, max_side: int) -> bytes:
    """Scale a photograph down, with its heatmap over it if there is one, and encode it as WebP.

    Args:
        data: the bytes of an image file.
        heatmap: float32 (h, w), 0 to 1, or None.
        max_side: longer side in pixels.

    Raises:
        ImageError: the bytes are no valid image.
    """
    pixels = images.decode(data, "photograph")
    preview = Image.fromarray(pixels if heatmap is None else overlay_heatmap(pixels, heatmap))
    preview.thumbnail((max_side, max_side))
    encoded = io.BytesIO()
    preview.save(encoded, "WEBP", quality=85)
    return encoded.getvalue()
