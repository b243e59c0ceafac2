"""What happens to photographs on their way: recompression, blur, another size, noise, each at several strengths."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images

TRANSFORMS = ("jpeg", "blur", "resize", "noise")

Level = tuple[str, float]


def levels(strengths: Mapping[str, Sequence[float]]) -> list[Level]:
    """Every transform with each of its strengths, in the order of :data:`TRANSFORMS`."""
    return [(name, float(strength)) for name in TRANSFORMS for strength in strengths[name]]


def corrupt(pixels: NDArray[np.uint8], level: Level, *, quality: int, seed: Sequence[int]) -> NDArray[np.uint8]:
    """Put an image through one transform and then through the encoder that all of them share.

    Without the shared encoder a figure at some level would mix what the transform does with what the files'
    first encoders left. After Hendrycks & Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", ICLR 2019.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        level: ``jpeg`` with the encoder's quality (1 to 100); ``blur`` with the standard deviation of a
            Gaussian in pixels; ``resize`` with the factor of either side; ``noise`` with the standard
            deviation of a Gaussian, of 255.
        quality: of the JPEG encoder after any transform but ``jpeg``.
        seed: of the noise; give each image its own.

    Returns:
        uint8 (height, width, 3), decoded again; scaled by the factor for ``resize``.

    Raises:
        ValueError: an unknown transform.
    """
    name, strength = level
    if name == "jpeg":
        return images.decode(images.encode_jpeg(pixels, round(strength)))
    return images.decode(images.encode_jpeg(_transformed(pixels, name, strength, seed), quality))


def _transformed(pixels: NDArray[np.uint8], name: str, strength: float, seed: Sequence[int]) -> NDArray[np.uint8]:
    import cv2

    if name == "blur":
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), strength), dtype=np.uint8)
    if name == "resize":
        height, width = pixels.shape[:2]
        size = (max(1, round(width * strength)), max(1, round(height * strength)))
        way = cv2.INTER_AREA if strength < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(pixels, size, interpolation=way), dtype=np.uint8)
    if name == "noise":
        drawn = np.random.default_rng(list(seed)).standard_normal(pixels.shape, dtype=np.float32)
        return np.clip(np.rint(pixels + strength * drawn), 0, 255).astype(np.uint8)
    raise ValueError(f"no transform '{name}'; known: {', '.join(TRANSFORMS)}")
