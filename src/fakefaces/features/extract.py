"""The only way from an image to the input of a network, for training, scoring and serving alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images
from fakefaces.data.face_regions import crop_face
from fakefaces.features.harmonisation import harmonised
from fakefaces.features.residuals.descriptor import residual_features
from fakefaces.params.extractor import Extractor, Harmonise


@dataclass(frozen=True)
class FeatureSpec:
    """What a network reads of an image."""

    extractor: Extractor  # pixels: the whole image, scaled to a square; residuals: :func:`residual_features`
    image_size: int  # side of the square in pixels; with residuals the side above which images are scaled down
    crop: int = 0  # with residuals, the side of the crop of the face that a backbone reads besides; 0 for none

    harmonise: Harmonise | None = None  # sizes and encoders that the image is passed through before; None for none

    @property
    def file_name(self) -> str:
        """The name of a file with features of this kind."""
        numbers = [self.image_size] + [self.crop] * bool(self.crop)
        harmonise = [_name(self.harmonise)] if self.harmonise else []
        return "-".join([self.extractor, *map(str, numbers), *harmonise]) + ".npy"


def extract(spec: FeatureSpec, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Compute the features of a decoded image, uint8 (height, width, 3), RGB.

    Returns:
        uint8 (image_size, image_size, 3) for ``pixels``; float32 (regions, features) for ``residuals``; with a crop a
        scalar record of both, with the fields ``traces`` and ``crop``, which are the names of the network's inputs.
    """
    if spec.harmonise:
        pixels = harmonised(pixels, spec.harmonise)
    if spec.extractor == "pixels":
        return images.resize(pixels, spec.image_size)
    residuals = residual_features(pixels, longest=spec.image_size)
    if not spec.crop:
        return residuals
    record = np.dtype([("traces", np.float32, residuals.shape), ("crop", np.uint8, (spec.crop, spec.crop, 3))])
    return np.array((residuals, crop_face(pixels, spec.crop)), dtype=record)


def extract_bytes(
    spec: FeatureSpec, data: bytes, name: str = "image", *, min_side: int = images.MIN_SIDE
) -> NDArray[Any]:
    """Decode an image file and compute its features.

    Args:
        spec: what is computed.
        data: the file.
        name: the image's, for messages.
        min_side: pixels that each side has, at least.

    Raises:
        ImageError: it cannot be decoded, or shows too little: see :func:`fakefaces.data.images.require_content`.
    """
    with images.decoded(data, name) as pixels:
        images.require_content(pixels, name, min_side=min_side)
        return extract(spec, pixels)


def _name(settings: Harmonise) -> str:
    sides, quality = ("_".join(map(str, numbers)) for numbers in (settings.sides, settings.quality))
    return f"sides_{sides}-quality_{quality}"
