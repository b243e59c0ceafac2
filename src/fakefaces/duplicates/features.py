"""Local features of an image: SIFT keypoints with RootSIFT descriptors."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError

MAX_SIDE = 400  # pixels of the longer side; a spliced eye of a 600 px photograph still has keypoints at this size
MAX_KEYPOINTS = 1000
DIMENSIONS = 128  # of a SIFT descriptor: 4 x 4 cells of 8 orientations
NORM = 512  # length of a stored descriptor, so that its values use most of a byte

_CONTRAST = 0.01  # a quarter of Lowe's, as skin is smooth


@dataclass(frozen=True, eq=False)
class Features:
    """Keypoints of an image and their descriptors, strongest response first."""

    # float32 (n, 4): x and y of the centre and the diameter, in pixels of the original image, and the
    # orientation in degrees, 0 to 360, turning from x to y
    keypoints: NDArray[np.float32]
    descriptors: NDArray[np.uint8]  # (n, 128), RootSIFT: non-negative rows of length 512, rounded
    shape: tuple[int, int]  # height and width of the original image, in pixels
    reduction: float  # factor from the original size to that of the description, at most 1

    def __post_init__(self) -> None:
        """Check the shapes."""
        n = len(self.keypoints)
        if self.keypoints.shape != (n, 4) or self.descriptors.shape != (n, DIMENSIONS):
            raise DataError(
                f"features: keypoints {self.keypoints.shape} and descriptors {self.descriptors.shape}; "
                f"must be (n, 4) and (n, {DIMENSIONS})"
            )

    def __len__(self) -> int:
        return len(self.keypoints)


def describe(grey: NDArray[np.uint8], *, max_side: int = MAX_SIDE, max_keypoints: int = MAX_KEYPOINTS) -> Features:
    """Detect and describe the keypoints of one image.

    SIFT (Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94) as RootSIFT (Arandjelovic & Zisserman 2012,
    doi:10.1109/CVPR.2012.6248018), on the image scaled down to ``max_side``; smaller images are not scaled up.

    Args:
        grey: uint8 (height, width), 0 to 255.
        max_side: longer side in pixels above which the image is scaled down, equal for all images of a search.
        max_keypoints: the most keypoints, those of strongest response.

    Raises:
        DataError: not an 8-bit grey image, or an empty one.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise DataError(f"features: expected a grey image, uint8 (height, width); got {grey.dtype} {grey.shape}")
    height, width = grey.shape
    factor = min(1.0, max_side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA)) if factor < 1 else grey
    sift = cv2.SIFT.create(nfeatures=max_keypoints, contrastThreshold=_CONTRAST, enable_precise_upscale=True)
    detected, raw = sift.detectAndCompute(small, None)
    if not detected:
        return Features(np.zeros((0, 4), np.float32), np.zeros((0, DIMENSIONS), np.uint8), (height, width), factor)
    table = np.array([(*key.pt, key.size, key.angle, key.response) for key in detected], dtype=np.float32)
    # OpenCV keeps all keypoints that tie with the last one; ties are broken by position.
    order = np.lexsort((table[:, 3], table[:, 1], table[:, 0], -table[:, 4]))[:max_keypoints]
    keypoints = table[order, :4]
    # Each side has its own rounded factor; pixel centres are at whole numbers.
    for column, (original, working) in enumerate(((width, small.shape[1]), (height, small.shape[0]))):
        keypoints[:, column] = (keypoints[:, column] + 0.5) * (original / working) - 0.5
    keypoints[:, 2] /= factor
    return Features(keypoints, _to_root_sift(np.asarray(raw, dtype=np.float32)[order]), (height, width), factor)


def describe_all(images: Iterable[tuple[str, NDArray[np.uint8]]], *, workers: int | None = None) -> dict[str, Features]:
    """Describe many images on several threads, with only a few of them in memory at a time.

    Args:
        images: names and grey images, uint8 (height, width), such as from a generator that decodes.
        workers: number of threads, which does not change the result; all cores if None.

    Raises:
        DataError: a name is repeated, or an image is invalid for :func:`describe`.
    """
    threads = workers or os.cpu_count() or 1
    result: dict[str, Features] = {}
    remaining = iter(images)
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(remaining, 8 * threads)):
            for (name, _), features in zip(batch, pool.map(describe, [grey for _, grey in batch]), strict=True):
                if name in result:
                    raise DataError(f"features: the name {name} is repeated")
                result[name] = features
    return result


def _to_root_sift(raw: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RootSIFT from SIFT: the square root of the L1-normalized histogram, of L2 length ``NORM``."""
    sums = np.maximum(raw.sum(axis=1, keepdims=True), 1e-6)
    return np.asarray(np.minimum(np.rint(NORM * np.sqrt(raw / sums)), 255), dtype=np.uint8)
