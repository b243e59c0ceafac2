"""Where the parts of a face lie in an image, for heatmaps and masks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images
from fakefaces.data.face_regions import PART_OUTLINES
from fakefaces.data.faces import PARTS
from fakefaces.faces.find import find_faces
from fakefaces.faces.regions import regions

# For each of PARTS left, top, right and bottom, as shares of the image's width and height: float64 (4, 4), 0 to 1.
Outlines = NDArray[np.float64]
PORTRAIT: Outlines = np.array([PART_OUTLINES[part] for part in PARTS])  # where no face is found


def part_outlines(pixels: NDArray[np.uint8]) -> Outlines:
    """The parts of the largest face of an image, uint8 (height, width, 3); of a portrait where no face is found."""
    face = next(iter(find_faces(pixels)), None)
    if face is None:
        return PORTRAIT
    height, width = pixels.shape[:2]
    boxes = regions(face)
    shares = np.array([boxes[part] for part in PARTS]) / [width, height, width, height]
    return np.asarray(np.clip(shares, 0, 1))


def outlines_in(data: bytes, name: str) -> Outlines:
    """The outlines in an image file; an ImageError, which calls it by this name, where it is none."""
    with images.decoded(data, name) as pixels:
        return part_outlines(pixels)


def outlines_of(paths: Sequence[Path], *, threads: int) -> NDArray[np.float64]:
    """The outlines in each of at least one image file, float64 (n, 4, 4), in their order."""
    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(lambda path: outlines_in(images.read(path), str(path)), paths)))
