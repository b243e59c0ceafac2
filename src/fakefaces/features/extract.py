"""The only way from an image to the input of a network, for training, scoring and serving alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images
from fakefaces.data.face_regions import portrait_boxes
from fakefaces.faces.find import Face, find_faces
from fakefaces.faces.regions import regions
from fakefaces.features.crop import crop_face
from fakefaces.features.harmonisation import harmonised
from fakefaces.features.residuals.descriptor import residual_features
from fakefaces.features.spec import FeatureSpec


def extract(spec: FeatureSpec, pixels: NDArray[np.uint8], face: Face | None = None) -> NDArray[Any]:
    """Compute the features of a decoded image, uint8 (height, width, 3), RGB.

    Args:
        spec: what is computed.
        pixels: the image.
        face: whose residuals are measured, as it lies in the image; None takes the largest one.

    Returns:
        uint8 (image_size, image_size, 3) for ``pixels``; float32 (regions, features) for ``residuals``, with the
        logarithm of the regions' sizes in pixels in a first column where the network reads it; with a crop a
        scalar record with the fields ``traces``, ``crop`` and ``boxes``, which are the names of the network's inputs:
        those features, uint8 (crop, crop, 3), and float32 (regions, 4), the regions as shares of the crop's sides.
    """
    shown = harmonised(pixels, spec.harmonise) if spec.harmonise else pixels
    if spec.extractor == "pixels":
        return images.resize(shown, spec.image_size)
    boxes = region_boxes(pixels, face) * np.divide(shown.shape[1::-1], pixels.shape[1::-1])[[0, 1, 0, 1]]
    residuals = residual_features(shown, boxes, longest=spec.image_size)
    if spec.region_sizes:
        residuals = np.column_stack([_log_sizes(boxes), residuals])
    if not spec.crop:
        return residuals
    crop, shares = crop_face(shown, boxes, spec.crop)
    dtype = [
        ("traces", np.float32, residuals.shape),
        ("crop", np.uint8, crop.shape),
        ("boxes", np.float32, shares.shape),
    ]
    return np.array((residuals, crop, shares), dtype=dtype)


def _log_sizes(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Of boxes (regions, 4), in pixels: half the logarithm of their areas, float32 (regions,)."""
    width, height = np.maximum(boxes[:, 2:] - boxes[:, :2], 1).T
    return np.asarray(np.log(width * height) / 2, dtype=np.float32)


def region_boxes(pixels: NDArray[np.uint8], face: Face | None = None) -> NDArray[np.float64]:
    """The regions of a face of an image, or of its largest one; those of a portrait where no face is found.

    Returns:
        float64 (regions, 4), in pixels: left, top, right, bottom.
    """
    face = face or next(iter(find_faces(pixels)), None)
    return portrait_boxes(*pixels.shape[:2]) if face is None else np.array(list(regions(face).values()))


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
