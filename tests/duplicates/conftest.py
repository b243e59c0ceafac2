from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Picture = Callable[[int], Grey]


def _picture(seed: int, side: int = 360) -> Grey:
    """Noise at several scales with some blobs: as many keypoints as a photograph, and none of another's."""
    random = np.random.default_rng(seed)
    layers = [
        weight * cv2.GaussianBlur(random.standard_normal((side, side)), (0, 0), sigma) * sigma
        for sigma, weight in ((2.0, 1.0), (5.0, 1.5), (12.0, 2.0))
    ]
    image = 128 + 45 * np.sum(layers, axis=0)
    for _ in range(30):
        x, y, radius = (int(value) for value in random.integers((0, 0, 4), (side, side, 16)))
        cv2.circle(image, (x, y), radius, float(random.uniform(0, 255)), -1)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def picture() -> Picture:
    cache: dict[int, Grey] = {}

    def get(seed: int) -> Grey:
        if seed not in cache:
            cache[seed] = _picture(seed)
        return cache[seed].copy()

    return get
