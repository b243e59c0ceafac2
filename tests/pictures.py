"""Small images for tests."""

import io

import numpy as np
from PIL import Image


def striped(colour: tuple[int, int, int], size: int = 32) -> Image.Image:
    """An image with the mean ``colour`` in stripes two levels above and below it, so that it is not flat."""
    rows = np.array([[2], [-2]]) + np.clip(colour, 2, 253)
    return Image.fromarray(np.tile(rows[:, None], (size // 2, size, 1)).astype(np.uint8))


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """The file of an image."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()
