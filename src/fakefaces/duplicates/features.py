"""Local features of one image: where, how large, which way, and what it looks like there."""

import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError

WORKING_SIDE = 400  # pixels; a spliced eye of a 600 px photograph still has its keypoints at this size
MOST_KEYPOINTS = 1000
DIMENSIONS = 128  # of a SIFT descriptor: 4 x 4 cells of 8 orientations
NORM = 512  # length of a stored descriptor; its numbers then use most of a byte

_CONTRAST = 0.01  # a quarter of Lowe's: skin is smooth
_LARGEST = 255


@dataclass(frozen=True, eq=False)
class Features:
    """Keypoints of an image with their descriptors, strongest first.

    Attributes:
        keypoints: float32 (n, 4): x and y of the centre and the diameter, in pixels of the image as given,
            and the orientation in degrees, 0 to 360, turning from x to y.
        descriptors: uint8 (n, 128), RootSIFT: non-negative rows of length 512, rounded.
        shape: height and width of the image as given, in pixels.
        reduction: at most 1, from pixels of the image as given to those of the size it was described at.
    """

    keypoints: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    shape: tuple[int, int]
    reduction: float

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        n = len(self.keypoints)
        if self.keypoints.shape != (n, 4) or self.descriptors.shape != (n, DIMENSIONS):
            raise DataError(
                f"features: keypoints {self.keypoints.shape} and descriptors {self.descriptors.shape}; "
                f"(n, 4) and (n, {DIMENSIONS}) belong together"
            )

    def __len__(self) -> int:
        return len(self.keypoints)


def describe(grey: NDArray[np.uint8], *, longest: int = WORKING_SIDE, most: int = MOST_KEYPOINTS) -> Features:
    """Find and describe the keypoints of one image.

    SIFT (Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94) as RootSIFT (Arandjelovic & Zisserman 2012,
    doi:10.1109/CVPR.2012.6248018), on the image scaled down to a bounded size; smaller ones are taken as
    they are. The keypoints of strongest response are kept.

    Args:
        grey: uint8 (height, width), 0 to 255.
        longest: longer side in pixels beyond which the image is scaled down. A state or a search must not
            mix several.
        most: keypoints that are kept.

    Returns:
        The features, the same for the same pixels; none at all for an image without structure.

    Raises:
        DataError: not a grey image of 8 bits, or an empty one.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise DataError(f"features: a grey image, uint8 (height, width), is needed; got {grey.dtype} {grey.shape}")
    height, width = grey.shape
    factor = min(1.0, longest / max(height, width))
    small = grey
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    sift = cv2.SIFT.create(nfeatures=most, contrastThreshold=_CONTRAST, enable_precise_upscale=True)
    found, raw = sift.detectAndCompute(small, None)
    if not found:
        return Features(np.zeros((0, 4), np.float32), np.zeros((0, DIMENSIONS), np.uint8), (height, width), factor)
    table = np.array([(*key.pt, key.size, key.angle, key.response) for key in found], dtype=np.float32)
    # cv2 keeps every keypoint that ties with the last one; the places break the ties.
    order = np.lexsort((table[:, 3], table[:, 1], table[:, 0], -table[:, 4]))[:most]
    keypoints = table[order, :4]
    # A side scales by its own rounded factor, and pixel centres lie at whole numbers.
    for column, (given, working) in enumerate(((width, small.shape[1]), (height, small.shape[0]))):
        keypoints[:, column] = (keypoints[:, column] + 0.5) * (given / working) - 0.5
    keypoints[:, 2] /= factor
    return Features(keypoints, _root(raw[order]), (height, width), factor)


def describe_all(images: Iterable[tuple[str, NDArray[np.uint8]]], *, workers: int | None = None) -> dict[str, Features]:
    """Describe many images on several threads; only a few of them are held at a time.

    Args:
        images: names with grey images, uint8 (height, width), for instance from a generator that decodes.
        workers: threads; all cores if None. The result does not depend on it.

    Returns:
        Features by name, in the order given.

    Raises:
        DataError: a name comes twice, or an image is refused by :func:`describe`.
    """
    threads = workers or os.cpu_count() or 1
    result: dict[str, Features] = {}
    waiting: deque[tuple[str, Future[Features]]] = deque()

    def collect(most: int) -> None:
        while len(waiting) > most:
            name, future = waiting.popleft()
            result[name] = future.result()

    with ThreadPoolExecutor(threads) as pool:
        seen: set[str] = set()
        for name, grey in images:
            if name in seen:
                raise DataError(f"features: the name {name} comes twice")
            seen.add(name)
            waiting.append((name, pool.submit(describe, grey)))
            collect(2 * threads)
        collect(0)
    return result


def _root(raw: NDArray[np.float32]) -> NDArray[np.uint8]:
    """SIFT to RootSIFT: the square root of the L1-normed histogram, of L2 length ``NORM``."""
    sums = np.maximum(raw.sum(axis=1, keepdims=True), 1e-6)
    return np.minimum(np.rint(NORM * np.sqrt(raw / sums)), _LARGEST).astype(np.uint8)
