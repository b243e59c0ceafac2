"""What a network is given of one image: its pixels at a size, or numbers measured at its native resolution."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces import images
from fakefaces.base.params import Reads
from fakefaces.forensics.features import describe


def read(reads: Reads, data: bytes, size: int, name: str = "image") -> NDArray[Any]:
    """Decode one image file and make the view of it. Training and serving both come through here.

    Args:
        reads: ``pixels`` for the whole image at ``size``; ``forensic`` for
            :func:`fakefaces.forensics.features.describe`.
        data: the file.
        size: side in pixels; of ``forensic``, the longest that is measured as it is.
        name: what an error calls the image.

    Returns:
        uint8 (size, size, 3) or float32 (boxes, numbers).

    Raises:
        ImageError: the bytes are no image that can be taken.
    """
    return seen(reads, images.decode(data, name), size)


def seen(reads: Reads, pixels: NDArray[np.uint8], size: int) -> NDArray[Any]:
    """The same of an image that is decoded already."""
    return describe(pixels, longest=size) if reads == "forensic" else images.resize(pixels, size)
