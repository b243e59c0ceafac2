"""Photographs as they stand in the page: small, and within it."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakefaces.data import images
from fakefaces.duplicates.registration import register

SIDES = (288, 224, 176, 128, 96)  # pixels that a photograph may have, largest first


@dataclass(frozen=True)
class Pair:
    """Two photographs laid on each other, and how they differ.

    Attributes:
        first: uint8 (side, side, 3).
        second: likewise, moved onto the first.
        difference: likewise, grey: their distance, scaled so that the largest is white.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    difference: NDArray[np.uint8]


def data_uri(pixels: NDArray[np.uint8], quality: int = 78) -> str:
    """An image as WebP within a URI."""
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(held.getvalue()).decode()


def file_uri(path: Path, widest: int = 1200) -> str:
    """A picture that a stage drew, as WebP within a URI."""
    pixels = images.decode(images.read(path), str(path))
    height, width = pixels.shape[:2]
    if width > widest:
        size = (widest, round(height * widest / width))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return data_uri(pixels, quality=70)


def photographs(root: Path, names: list[str], *, threads: int) -> list[NDArray[np.uint8]]:
    """Photographs at the largest of ``SIDES``, or at their own size where that is smaller."""

    def one(name: str) -> NDArray[np.uint8]:
        return shrunk(images.decode(images.read(root / name), name), SIDES[0])

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, names))


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square image of at most ``side`` pixels; smaller ones keep their longer side."""
    return images.resize(pixels, min(side, max(pixels.shape[:2])))


def fitting(photographs: list[NDArray[np.uint8]], bytes_left: int) -> list[str]:
    """Photographs as URIs, at the largest of ``SIDES`` at which all of them fit into so many bytes."""
    made: list[str] = []
    for side in SIDES:
        made = [data_uri(shrunk(one, side)) for one in photographs]
        if sum(map(len, made)) <= bytes_left:
            break
    return made


def lay(root: Path, first: str, second: str, *, side: int, min_inliers: int, seed: int) -> Pair:
    """Lay the second photograph on the first.

    Raises:
        DataError: they share no photograph after all.
    """
    a, b = (images.decode(images.read(root / name), name) for name in (first, second))
    greys = [np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)) for one in (b, a)]
    matrix = register(*greys, min_inliers=min_inliers, seed=seed)
    height, width = a.shape[:2]
    laid = cv2.warpAffine(b, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    covered = cv2.warpAffine(np.ones(b.shape[:2], np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
    blurred = [cv2.GaussianBlur(one, (0, 0), max(height, width) / 300) for one in (a, laid)]
    change: NDArray[Any] = np.where(covered > 0, cv2.absdiff(*blurred).max(axis=2), 0)
    change = change.astype(np.float64) * (255 / max(float(change.max()), 32.0))
    grey = np.repeat(change.round().astype(np.uint8)[..., None], 3, axis=2)
    return Pair(*(shrunk(np.asarray(one, dtype=np.uint8), side) for one in (a, laid, grey)))
