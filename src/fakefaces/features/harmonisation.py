"""All photographs in the same kinds of sizes and encodings, so that the format cannot be the class.

Where fakes are of other sizes than the photographs, or were saved by another program, a detector learns that. Grommelt,
Weiss, Pfreundt and Keuper, "Fake or JPEG? Revealing common biases in generated image detection datasets", arXiv
2403.17608 (2024), found that removing this bias raises the accuracy across generators by 11 points.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from fakefaces.data import images
from fakefaces.params.extractor import Harmonise


def harmonised(pixels: NDArray[np.uint8], settings: Harmonise) -> NDArray[np.uint8]:
    """Bring an image to one of the sizes, and encode it by one of the encoders.

    Which ones is drawn by a seed from the digest of its pixels, so that an image has the same ones in training, in
    evaluation and wherever it is scored, and that its class, its name and its file say nothing about them.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        settings: longer sides in pixels, and qualities of JPEG compression. Sides should be those of the smallest
            photographs or below: a smaller image is enlarged, which can be seen.

    Returns:
        uint8 (height, width, 3) of the same aspect ratio, decoded from 4:2:0 JPEG.
    """
    import cv2

    height, width = pixels.shape[:2]
    digest = hashlib.sha256(pixels.tobytes()).digest()
    rng = np.random.default_rng(list(digest))
    side, quality = int(rng.choice(settings.sides)), int(rng.choice(settings.quality))
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size != (width, height):
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=interpolation), dtype=np.uint8)
    return images.decode(images.encode_jpeg(pixels, quality))
