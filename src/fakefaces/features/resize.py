"""The whole image at one size, decoded once for all models that ask for that size."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images


def view(data: bytes, size: int, name: str = "image") -> NDArray[np.uint8]:
    """Decode one image file and scale it: uint8 (size, size, 3). Training and serving both come through here.

    Raises:
        ImageError: the bytes are no image that can be taken.
    """
    return images.resize(images.decode(data, name), size)


def make_pixels(root: Path, names: Iterable[str], size: int, *, threads: int) -> NDArray[np.uint8]:
    """Decode and scale many files.

    Args:
        root: the data folder.
        names: paths below it.
        size: side in pixels.
        threads: files worked on at a time.

    Returns:
        uint8 (n, size, size, 3), in the order of ``names``.

    Raises:
        ImageError: one of them is no image that can be taken.
    """
    paths = [root / name for name in names]
    pixels = np.empty((len(paths), size, size, 3), dtype=np.uint8)
    with ThreadPoolExecutor(threads) as pool:
        made = pool.map(lambda path: view(images.read(path), size, str(path)), paths)
        for k, image in enumerate(track(made, "decoding", len(paths))):
            pixels[k] = image
    return pixels
