"""Ground truth masks of forgeries: from a mask file, the fake's source photograph, or its file name."""

from collections.abc import Iterable
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
from fakefaces.duplicates.verification import register
from fakefaces.evaluation.localization_metrics import SIDE
from fakefaces.explain.part_outlines import PORTRAIT, Outlines, part_outlines

_MIN_AREA, _MAX_AREA = 0.005, 0.45  # share of the image that a plausible difference covers
_MIN_INSIDE = 0.6  # share of it that lies in the widened boxes of the replaced parts
_WIDENING = 30 / 600  # of the image's side
_MIN_DIFFERENCE = 10.0  # of 255: smaller ones are compression


@dataclass(frozen=True)
class GroundTruth:
    """Where one fake was changed."""

    origin: str  # mask (a file beside the photographs), source (the difference from it) or boxes (of the named parts)
    mask: NDArray[np.bool_]  # (SIDE, SIDE)


def ground_truth_masks(
    root: Path, fakes: pd.DataFrame, *, min_inliers: int, seed: int, threads: int, masks: bool = True
) -> dict[str, GroundTruth]:
    """Find the ground truth of each fake from the most exact source available; fakes without any are left out.

    Args:
        root: the data folder.
        fakes: ``image``, the parts, and ``source``: the real photograph that it was made from, or missing.
        min_inliers: keypoints in which a fake and its source must agree.
        seed: random seed of the registration.
        threads: images processed at a time.
        masks: use mask files beside the photographs.
    """
    rows = fakes.to_dict("records")

    def find(row: dict[str, Any]) -> GroundTruth | None:
        truth = _from_mask_file(root, row["image"]) if masks else None
        if truth is None and isinstance(row["source"], str) and row["source"]:
            truth = _from_source(root, row, min_inliers, seed)
        if truth is None and (replaced := _replaced_parts(row)):
            pixels = images.decode(images.read(root / row["image"]), row["image"])
            truth = GroundTruth("boxes", box_mask(replaced, part_outlines(pixels)))
        return truth

    with ThreadPoolExecutor(threads) as pool:
        truths = list(track(pool.map(find, rows), "finding ground truth masks", len(rows)))
    return {row["image"]: truth for row, truth in zip(rows, truths, strict=True) if truth is not None}


def difference_mask(
    fake: NDArray[np.uint8], source: NDArray[np.uint8], *, min_inliers: int, seed: int
) -> NDArray[np.bool_]:
    """Register the source photograph with the fake and mark where they differ, in the fake's frame.

    Raises:
        DataError: they share no photograph.
    """
    height, width = fake.shape[:2]
    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (source, fake)]
    matrix = register(np.asarray(greys[0]), np.asarray(greys[1]), min_inliers=min_inliers, seed=seed)
    warped = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    covered = cv2.warpAffine(np.ones(source.shape[:2], np.uint8), matrix, (width, height)) > 0
    blur = max(width, height) / 100
    change = cv2.absdiff(cv2.GaussianBlur(fake, (0, 0), blur), cv2.GaussianBlur(warped, (0, 0), blur)).max(axis=2)
    difference = np.where(covered, change, 0).astype(np.uint8)
    threshold, _ = cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    changed = (difference > max(threshold, _MIN_DIFFERENCE)).astype(np.uint8)
    size = max(3, round(max(width, height) / 40)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    mask = cv2.morphologyEx(cv2.morphologyEx(changed, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)
    return np.asarray(mask) > 0


def box_mask(parts: Iterable[str], outlines: Outlines = PORTRAIT) -> NDArray[np.bool_]:
    """The outlines of face parts as one mask, bool (SIDE, SIDE)."""
    mask = np.zeros((SIDE, SIDE), dtype=np.bool_)
    for name in parts:
        left, top, right, bottom = (round(edge * SIDE) for edge in outlines[PARTS.index(name)])
        mask[top:bottom, left:right] = True
    return mask


def _replaced_parts(row: dict[str, Any]) -> list[str] | None:
    """The replaced parts that a fake's file name states; None where it states none."""
    return None if any(pd.isna(row[part]) for part in PARTS) else [part for part in PARTS if row[part] == 1]


def _from_mask_file(root: Path, image: str) -> GroundTruth | None:
    """Mask in the sample's layout: ``masks/<name>.png`` beside the folders of the two classes."""
    path = (root / image).parent.parent / "masks" / f"{Path(image).stem}.png"
    if not path.is_file():
        return None
    try:
        pixels = images.decode(images.read(path), str(path))[:, :, 0]
    except ImageError:
        return None
    mask = _shrink(pixels > 127)
    return GroundTruth("mask", mask) if mask.any() else None


def _from_source(root: Path, row: dict[str, Any], min_inliers: int, seed: int) -> GroundTruth | None:
    """Difference from the source photograph, if it is small and lies on the parts in the file name."""
    fake, source = (images.decode(images.read(root / row[key]), row[key]) for key in ("image", "source"))
    try:
        mask = _shrink(difference_mask(fake, source, min_inliers=min_inliers, seed=seed))
    except DataError:
        return None
    if not _MIN_AREA <= mask.mean() <= _MAX_AREA:
        return None
    replaced = _replaced_parts(row)
    if replaced is not None:
        boxes = box_mask(replaced, part_outlines(fake)).astype(np.uint8)
        size = 2 * round(_WIDENING * SIDE) + 1
        widened = cv2.dilate(boxes, np.ones((size, size), np.uint8)) > 0
        if (mask & widened).sum() < _MIN_INSIDE * mask.sum():
            return None  # the whole image was changed, or the registration is inexact
    return GroundTruth("source", mask)


def _shrink(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    shrunk = cv2.resize(mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk) >= 0.5
