"""Photographs in the page's own bytes: thumbnails, aligned pairs, and the gallery of test images."""

import base64
import io
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from fakefaces.data import images
from fakefaces.data.faces import FAKE, PARTS
from fakefaces.duplicates.verification import register

SIDES = (640, 512, 384, 288, 224, 176, 128, 96)  # pixels of a photograph's longer side, largest first
_SAMPLED = 12  # photographs by which the bytes of all are estimated
_MARGIN = 1.2  # of an estimate: it has to be further off than this to leave a size out


def data_uri(pixels: NDArray[np.uint8], quality: int = 78) -> str:
    """An image as WebP within a URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + _base64(buffer.getvalue())


def file_uri(path: Path, widest: int) -> str:
    """A picture that a stage drew, at most ``widest`` pixels wide, as WebP within a URI."""
    pixels = images.decode(images.read(path), str(path))
    height, width = pixels.shape[:2]
    if width > widest:
        size = (widest, round(height * widest / width))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return data_uri(pixels, quality=70)


def photographs(root: Path, names: Sequence[str], side: int, *, threads: int) -> list[NDArray[np.uint8]]:
    """Photographs whose longer side is at most ``side``."""

    def thumbnail(name: str) -> NDArray[np.uint8]:
        return shrink(images.decode(images.read(root / name), name), side)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(thumbnail, names))


def shrink(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image with a longer side of at most ``side`` pixels; a smaller one as it is."""
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return pixels
    size = tuple(max(1, round(length * side / max(height, width))) for length in (width, height))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def gallery_uris(root: Path, names: Sequence[str], max_bytes: int, *, threads: int) -> list[str]:
    """Photographs as URIs: at the largest of ``SIDES``, or their own size, at which all fit into ``max_bytes``.

    No more than a size's photographs are in memory; which size may fit is estimated from a few of them.
    """

    def encoded(names: Sequence[str], side: int) -> list[str]:
        def uri(name: str) -> str:
            return data_uri(shrink(images.decode(images.read(root / name), name), side))

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(uri, names))

    few = names[:: max(1, len(names) // _SAMPLED)]
    uris: list[str] = []
    for side in SIDES:
        if side != SIDES[-1] and sum(map(len, encoded(few, side))) * len(names) > max_bytes * len(few) * _MARGIN:
            continue
        uris = encoded(names, side)
        if sum(map(len, uris)) <= max_bytes:
            break
    return uris


def align(root: Path, first: str, second: str, *, side: int, min_inliers: int, seed: int) -> list[NDArray[np.uint8]]:
    """Align two images of one photograph, or raise a DataError if they show none in common.

    Returns:
        Three images, uint8 (side, side, 3): the first, the second warped onto it, and their difference in grey, scaled
        so that the largest is white.
    """
    a, b = (images.decode(images.read(root / name), name) for name in (first, second))
    moving, fixed = (np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for image in (b, a))
    matrix = register(moving, fixed, min_inliers=min_inliers, seed=seed)
    height, width = a.shape[:2]
    warped = cv2.warpAffine(b, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    covered = cv2.warpAffine(np.ones(b.shape[:2], np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
    blurred = [cv2.GaussianBlur(image, (0, 0), max(height, width) / 300) for image in (a, warped)]
    change = np.where(covered > 0, cv2.absdiff(*blurred).max(axis=2), 0).astype(np.float64)
    change *= 255 / max(float(change.max()), 32.0)
    grey = np.repeat(change.round().astype(np.uint8)[..., None], 3, axis=2)
    return [shrink(np.asarray(image, dtype=np.uint8), side) for image in (a, warped, grey)]


def select(predictions: pd.DataFrame, scores: pd.Series, threshold: float, max_images: int) -> list[int]:
    """Positions of the test images that are shown: all, or the most confident correct and wrong ones of each class.

    ``scores`` and ``threshold`` are the best model's.
    """
    if len(predictions) <= max_images:
        return list(range(len(predictions)))
    table = predictions[["label", "image"]].reset_index(drop=True)
    table["correct"] = (scores >= threshold).to_numpy() == (table["label"] == FAKE).to_numpy()
    table["confidence"] = (scores - threshold).abs().to_numpy()
    table = table.sort_values(["confidence", "image"], ascending=[False, True])
    # One of each of the four kinds in turn, so that all of the rarest are shown.
    table["turn"] = table.groupby(["label", "correct"]).cumcount()
    return sorted(table.sort_values(["turn", "label", "correct"], kind="stable").index[:max_images])


def entries(
    predictions: pd.DataFrame,
    models: Sequence[str],
    heat: Mapping[str, NDArray[np.uint8]],
    truth: Mapping[str, tuple[str, NDArray[np.bool_]]],
    unfamiliar: Mapping[str, Collection[str]],
) -> list[dict[str, Any]]:
    """The images for the page's script; heatmaps and masks are in base64.

    Args:
        predictions: rows with ``image``, ``label``, ``difficulty``, the parts and a column of scores for each model.
        models: names of the score columns.
        heat: by model (n, h, w), in the order of ``predictions``.
        truth: by image, how it is known what was replaced, and the mask.
        unfamiliar: by model, the names of the images that it calls unfamiliar; without models that cannot tell.
    """
    gallery = []
    for index, row in enumerate(predictions.to_dict("records")):
        replaced = [part for part in PARTS if not pd.isna(row[part]) and row[part] == 1]
        entry = {
            "name": row["image"],
            "label": int(row["label"]),
            "difficulty": row["difficulty"],
            "parts": [part.replace("_", " ") for part in replaced],
            "scores": [float(row[name]) for name in models],
            "size": [int(row["width"]), int(row["height"])],
            "unfamiliar": [name for name, images in unfamiliar.items() if row["image"] in images],
            "heat": {name: _base64(maps[index].tobytes()) for name, maps in heat.items() if maps[index].any()},
        }
        if row["image"] in truth:
            origin, mask = truth[row["image"]]
            entry |= {"truth": origin, "mask": _base64(np.packbits(mask, axis=-1).tobytes())}
        gallery.append(entry)
    return gallery


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
