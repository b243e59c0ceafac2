"""What the page shows of a photograph."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakefaces.explain.explanation import shown


def picture(data: bytes, heat: NDArray[np.float32] | None, side: int) -> bytes:
    """A photograph of at most ``side`` pixels, with its heat over it where one is given, as WebP.

    Raises:
        ImageError: the bytes are no image that can be taken.
    """
    image = Image.fromarray(shown(data, "photograph", heat))
    image.thumbnail((side, side))
    held = io.BytesIO()
    image.save(held, "WEBP", quality=85)
    return held.getvalue()
