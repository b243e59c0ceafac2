"""What was replaced in a fake: from a mask beside the photographs, its source photograph, or its file name."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import DataError, ImageError
from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.faces import PARTS
from fakefaces.duplicates.registration import register
from fakefaces.explain.regions import box_mask

SIDE = 64  # pixels of the masks that heat maps are judged on

_FEWEST, _MOST = 0.005, 0.45  # share of the picture that a believable difference covers
_INSIDE = 0.6  # share of it that lies in the boxes of the parts that the name tells
_SLACK = 30 / 600  # of the picture's side, that a box is widened by for that
_LEAST = 10.0  # of 255: differences below are compression


@dataclass(frozen=True)
class Truth:
    """What was replaced in one fake.

    Attributes:
        origin: ``mask`` (a file beside the photographs), ``source`` (the difference from its source
            photograph) or ``boxes`` (from its name).
        mask: bool (SIDE, SIDE).
    """

    origin: str
    mask: NDArray[np.bool_]


def truths(
    root: Path, fakes: pd.DataFrame, *, min_inliers: int, seed: int, threads: int, masks: bool = True
) -> dict[str, Truth]:
    """Find out for each fake what was replaced, the most exact way that there is.

    Args:
        root: the data folder.
        fakes: ``image``, the parts, and ``source``: the real that it was made from, or missing.
        min_inliers: places in which a fake and its source must agree.
        seed: of the registration.
        threads: images worked on at a time.
        masks: look for masks beside the photographs.

    Returns:
        By image; fakes of which neither file nor name tells are left out.
    """
    rows = fakes.to_dict("records")

    def one(row: dict[str, Any]) -> Truth | None:
        found = _from_file(root, row["image"]) if masks else None
        if found is None and isinstance(row["source"], str) and row["source"]:
            found = _from_source(root, row, min_inliers, seed)
        if found is None and not any(pd.isna(row[part]) for part in PARTS) and any(row[part] for part in PARTS):
            found = Truth("boxes", box_mask({part: int(row[part]) for part in PARTS}, SIDE))
        return found

    with ThreadPoolExecutor(threads) as pool:
        made = list(track(pool.map(one, rows), "what was replaced", len(rows)))
    return {row["image"]: truth for row, truth in zip(rows, made, strict=True) if truth is not None}


def difference_mask(fake: NDArray[np.uint8], source: NDArray[np.uint8], *, min_inliers: int, seed: int) -> NDArray[Any]:
    """Lay the source photograph on the fake and mark where they differ.

    Args:
        fake: uint8 (height, width, 3), RGB.
        source: likewise, of another size if need be.
        min_inliers: places that must agree.
        seed: of the registration.

    Returns:
        bool (height, width).

    Raises:
        DataError: they share no photograph.
    """
    height, width = fake.shape[:2]
    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (source, fake)]
    matrix = register(np.asarray(greys[0]), np.asarray(greys[1]), min_inliers=min_inliers, seed=seed)
    laid = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    covered = cv2.warpAffine(np.ones(source.shape[:2], np.uint8), matrix, (width, height)) > 0
    blur = max(width, height) / 100
    change = cv2.absdiff(cv2.GaussianBlur(fake, (0, 0), blur), cv2.GaussianBlur(laid, (0, 0), blur)).max(axis=2)
    change = np.where(covered, change, 0).astype(np.uint8)
    threshold, _ = cv2.threshold(change, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = (change > max(threshold, _LEAST)).astype(np.uint8)
    size = max(3, round(max(width, height) / 40)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    mask = cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)
    return np.asarray(mask) > 0


def _from_file(root: Path, image: str) -> Truth | None:
    """The sample's layout: ``masks/<name>.png`` beside the folders of the two classes."""
    path = (root / image).parent.parent / "masks" / f"{Path(image).stem}.png"
    if not path.is_file():
        return None
    try:
        shown = images.decode(images.read(path), str(path))[:, :, 0]
    except ImageError:
        return None
    mask = _small(shown > 127)
    return Truth("mask", mask) if mask.any() else None


def _from_source(root: Path, row: dict[str, Any], min_inliers: int, seed: int) -> Truth | None:
    """The difference from the source photograph, if it is small and lies where the name says."""
    fake, source = (images.decode(images.read(root / row[key]), row[key]) for key in ("image", "source"))
    try:
        mask = _small(difference_mask(fake, source, min_inliers=min_inliers, seed=seed))
    except DataError:
        return None
    if not _FEWEST <= mask.mean() <= _MOST:
        return None
    if not any(pd.isna(row[part]) for part in PARTS):
        boxes = box_mask({part: int(row[part]) for part in PARTS}, SIDE).astype(np.uint8)
        size = 2 * round(_SLACK * SIDE) + 1
        allowed = cv2.dilate(boxes, np.ones((size, size), np.uint8)) > 0
        if (mask & allowed).sum() < _INSIDE * mask.sum():
            return None  # the whole picture was changed, or the two do not lie on each other well
    return Truth("source", mask)


def _small(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    shrunk = cv2.resize(mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk) >= 0.5
