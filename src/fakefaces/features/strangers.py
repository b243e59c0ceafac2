"""Self-made strangers: photographs as other cameras, programs and generators would have left them.

They are made of a detector's own training photographs, so that it learns in which directions others differ from these:
Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019. Chosen in
docs/unfamiliar.md.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images

Pixels = NDArray[np.uint8]
Process = Callable[[Pixels, np.random.Generator], Pixels]

_INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
_BINOMIAL = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16  # by which StyleGAN2 enlarges: Karras et al., CVPR 2020


def stranger(pixels: Pixels, number: int, rng: np.random.Generator) -> Pixels:
    """A photograph, uint8 (height, width, 3), made a stranger in the way of a number, with strengths that are drawn.

    Each way processes it, at its own size or enlarged, and encodes it as JPEG; in some it is then brought back to its
    own size and encoded again. What is drawn depends on ``rng`` alone.
    """
    way = WAYS[number % len(WAYS)]
    return way(pixels, rng)


def _same_size(process: Process, pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _encoded(process(pixels, rng), int(rng.integers(85, 99)))


def _enlarged(process: Process, pixels: Pixels, rng: np.random.Generator) -> Pixels:
    interpolation = _INTERPOLATIONS[rng.integers(len(_INTERPOLATIONS))]
    enlarged = _resized(pixels, float(rng.uniform(1.25, 1.9)), interpolation)
    return _encoded(process(enlarged, rng), int(rng.integers(80, 99)))


def _brought_back(process: Process, pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    back = cv2.resize(_enlarged(process, pixels, rng), (width, height), interpolation=cv2.INTER_AREA)
    return _encoded(np.asarray(back, dtype=np.uint8), int(rng.integers(90, 98)))


def _generated(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """At half its size, enlarged as a generator's last layer does, with details and noise of the fine grid."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    fine = np.zeros((2 * height, 2 * width, 3), np.float32)
    fine[::2, ::2] = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    smooth = np.asarray(cv2.filter2D(fine, -1, _BINOMIAL), dtype=np.float32)
    sharp = smooth + np.float32(rng.uniform(0.2, 1.5)) * (smooth - cv2.GaussianBlur(smooth, (0, 0), 1.2))
    sharp = sharp - np.float32(rng.uniform(0.05, 0.3)) * cv2.Laplacian(sharp, cv2.CV_32F, ksize=1)
    noise = rng.standard_normal((*sharp.shape[:2], 1), dtype=np.float32)
    return _rounded(sharp + np.float32(rng.uniform(0, 3)) * noise)


def _sharpened(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    values = pixels.astype(np.float32)
    blurred = cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.6, 2)))
    return _rounded(values + rng.uniform(0.5, 2) * (values - blurred))


def _demosaiced(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """One colour of each pixel kept, as a camera's sensor has them, and the others interpolated."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    mosaic = pixels[:height, :width, 1].copy()
    mosaic[::2, ::2] = pixels[:height:2, :width:2, 0]
    mosaic[1::2, 1::2] = pixels[1:height:2, 1:width:2, 2]
    return np.asarray(cv2.cvtColor(mosaic, cv2.COLOR_BayerBG2RGB), dtype=np.uint8)


def _noisy(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """With the noise of another sensor, whose variance grows with the light."""
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    return _rounded(pixels + rng.uniform(2, 8) * np.sqrt(pixels / np.float32(128)) * noise)


def _smoothed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(cv2.bilateralFilter(pixels, 5, float(rng.uniform(8, 40)), 2), dtype=np.uint8)


def _blurred(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.7, 2))), dtype=np.uint8)


def _toned(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _rounded(255 * (pixels / np.float32(255)) ** rng.uniform(0.5, 1.8))


def _compressed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _encoded(pixels, int(rng.integers(20, 55)))


def _unchanged(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return pixels


def _encoded(pixels: Pixels, quality: int) -> Pixels:
    return images.decode(images.encode_jpeg(pixels, quality))


def _resized(pixels: Pixels, scale: float, interpolation: int) -> Pixels:
    height, width = pixels.shape[:2]
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), dtype=np.uint8)


def _rounded(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


_AT_ITS_SIZE = (_generated, _sharpened, _demosaiced, _noisy, _smoothed, _blurred, _toned, _compressed)
_LARGER = (_generated, _sharpened, _unchanged)
_BACK = (_generated, _sharpened, _unchanged, _demosaiced, _noisy)
WAYS: tuple[Process, ...] = (
    *(partial(_same_size, process) for process in _AT_ITS_SIZE),
    *(partial(_enlarged, process) for process in _LARGER),
    *(partial(_brought_back, process) for process in _BACK),
)
