"""Common corruptions of images: JPEG compression, blur, resizing and noise, each at several strengths."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images

TRANSFORMS = ("jpeg", "blur", "resize", "noise")

Level = tuple[str, float]  # transform and strength


def levels(strengths: Mapping[str, Sequence[float]]) -> list[Level]:
    """Every transform with each of its strengths, in the order of :data:`TRANSFORMS`."""
    return [(name, float(strength)) for name in TRANSFORMS for strength in strengths[name]]


def corrupt(pixels: NDArray[np.uint8], level: Level, *, quality: int, seed: Sequence[int]) -> NDArray[np.uint8]:
    """Apply one transform to an image, and then the JPEG compression that all transforms share.

    Without it, metrics at a level would mix effects of the transform with traces of the files' original encoders. After
    Hendrycks & Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR 2019.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        level: ``jpeg`` with the quality (1 to 100); ``blur`` or ``noise`` with the standard deviation of a Gaussian in
            pixels or grey levels (0 to 255); ``resize`` with the factor of both sides.
        quality: of the JPEG compression after transforms other than ``jpeg``.
        seed: of the noise, different for each image.
    """
    name, strength = level
    if name == "jpeg":
        return images.decode(images.encode_jpeg(pixels, round(strength)))
    return images.decode(images.encode_jpeg(_transform(pixels, name, strength, seed), quality))


def _transform(pixels: NDArray[np.uint8], name: str, strength: float, seed: Sequence[int]) -> NDArray[np.uint8]:
    import cv2

    if name == "blur":
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), strength), dtype=np.uint8)
    if name == "resize":
        height, width = pixels.shape[:2]
        size = (max(1, round(width * strength)), max(1, round(height * strength)))
        interpolation = cv2.INTER_AREA if strength < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), dtype=np.uint8)
    if name == "noise":
        noise = np.random.default_rng(list(seed)).standard_normal(pixels.shape, dtype=np.float32)
        return np.clip(np.rint(pixels + strength * noise), 0, 255).astype(np.uint8)
    raise ValueError(f"no transform '{name}'; known: {', '.join(TRANSFORMS)}")
