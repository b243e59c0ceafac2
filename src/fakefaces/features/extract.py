"""What a network is given of one image: its pixels at a size, or numbers measured at its native resolution."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images
from fakefaces.features.residuals.boxes import cropped
from fakefaces.features.residuals.features import describe
from fakefaces.params.extractor import Extractor


def read(extractor: Extractor, data: bytes, size: int, name: str = "image", *, crop: int = 0) -> NDArray[Any]:
    """Decode one image file and make the view of it. Training and serving both come through here.

    Args:
        extractor: ``pixels`` for the whole image at ``size``; ``residuals`` for
            :func:`fakefaces.features.residuals.features.describe`.
        data: the file.
        size: side in pixels; of ``residuals``, the longest that is measured as it is.
        name: what an error calls the image.
        crop: of ``residuals``, the side of the face that is read beside the numbers; 0 for none.

    Returns:
        uint8 (size, size, 3), float32 (boxes, numbers), or a record of both: ``traces`` and ``crop``. Records are
        stacked, kept in files and counted as other arrays are.

    Raises:
        ImageError: the bytes are no image that can be taken.
    """
    return seen(extractor, images.decode(data, name), size, crop=crop)


def seen(extractor: Extractor, pixels: NDArray[np.uint8], size: int, *, crop: int = 0) -> NDArray[Any]:
    """The same of an image that is decoded already."""
    if extractor == "pixels":
        return images.resize(pixels, size)
    traces = describe(pixels, longest=size)
    if not crop:
        return traces
    kind = np.dtype([("traces", np.float32, traces.shape), ("crop", np.uint8, (crop, crop, 3))])
    return np.array((traces, cropped(pixels, crop)), dtype=kind)


def given(views: NDArray[Any], size: int) -> NDArray[np.float32] | Mapping[str, NDArray[np.float32]]:
    """A batch of views as a network takes it, filled up with zeros to ``size``; records become named inputs."""
    if views.dtype.names:
        return {name: _filled(views[name], size) for name in views.dtype.names}
    return _filled(views, size)


def read_all(paths: list[Path], extractor: Extractor, size: int, *, crop: int = 0, threads: int) -> NDArray[Any]:
    """The views of files, stacked.

    Raises:
        ImageError: one of them is no image that can be taken.
    """
    with ThreadPoolExecutor(threads) as pool:
        return np.stack(
            list(pool.map(lambda path: read(extractor, images.read(path), size, str(path), crop=crop), paths))
        )


def _filled(values: NDArray[Any], size: int) -> NDArray[np.float32]:
    filled = np.zeros((size, *values.shape[1:]), dtype=np.float32)
    filled[: len(values)] = values
    return filled
