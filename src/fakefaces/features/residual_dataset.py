"""The view of a forensic model: every image measured at native resolution, with what is made to train on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.corruptions import corrupt
from fakefaces.data.faces import PARTS
from fakefaces.features.extract import seen
from fakefaces.features.roi_pooling import Embed

COLUMNS = ("image", "label", *PARTS)  # of the table that goes with what is made

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Traces:
    """What the prepare stage keeps.

    Attributes:
        arrays: float32 (n, boxes, numbers) of the images themselves.
        made: float32 (m, boxes, numbers) of copies.
        table: a row for each of ``made``: the ``image`` it was made of, alone; its ``label`` and its parts.
    """

    arrays: Features
    made: Features
    table: pd.DataFrame


def measure(
    root: Path,
    faces: pd.DataFrame,
    *,
    longest: int,
    copies: int,
    seed: int,
    threads: int,
    crop: int = 0,
    embed: Embed | None = None,
) -> Traces:
    """Measure all images and corrupted copies of them.

    Whatever is made of an image is made of that image alone, so it may be used wherever the image may.

    Args:
        root: the data folder.
        faces: ``image``, ``label`` and the parts, as :func:`fakefaces.data.faces.find_faces` gives them.
        longest: as of :func:`fakefaces.features.residuals.features.describe`.
        copies: of each image: in turn, along the images too, one recompressed and one scaled down.
        seed: of all draws.
        threads: images worked on at a time.
        crop: side of the face that ``embed`` is shown.
        embed: from crops to further numbers for each box, as :func:`fakefaces.features.roi_pooling.embedding` makes it.

    Raises:
        ImageError: one of them is no image that can be taken.
    """
    own = faces[list(PARTS)].fillna(-1).to_numpy(dtype=np.int8)

    def one(place: int) -> tuple[NDArray[Any], list[tuple[object, ...]]]:
        name, label = faces["image"].iloc[place], int(faces["label"].iloc[place])
        pixels = images.decode(images.read(root / name), str(root / name))
        random = np.random.default_rng([seed, place])
        made: list[NDArray[np.uint8]] = []
        rows: list[tuple[object, ...]] = []
        for number in range(copies):
            made.append(copied(pixels, place + number, random))
            rows.append((name, label, *own[place]))
        views = [seen("residuals", each, longest, crop=crop if embed else 0) for each in (pixels, *made)]
        return np.stack(views), rows

    arrays: list[Features] = []
    made: list[Features] = []
    rows: list[tuple[object, ...]] = []
    with ThreadPoolExecutor(threads) as pool:
        for views, told in track(pool.map(one, range(len(faces))), "measuring traces", len(faces)):
            numbers = np.concatenate([views["traces"], embed(views["crop"])], axis=-1) if embed else views
            arrays.append(numbers[:1])
            made.append(numbers[1:])
            rows += told
    return Traces(np.concatenate(arrays), np.concatenate(made), pd.DataFrame(rows, columns=list(COLUMNS)))


def copied(pixels: NDArray[np.uint8], number: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """A copy as it may arrive from a network: in turn recompressed, and scaled down."""
    if number % 2 == 0:
        return images.decode(images.encode_jpeg(pixels, int(random.integers(65, 96))))
    return corrupt(pixels, ("resize", float(random.uniform(0.6, 0.97))), quality=int(random.integers(85, 97)), seed=[0])
