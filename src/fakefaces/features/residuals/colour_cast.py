"""The colour of each region against the skin of its face: a pasted part brings its own light and white balance."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.face_regions import pixel_boxes
from fakefaces.data.faces import PARTS

_CELLS = 2  # a side, over which a region is averaged


def colour_cast(planes: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Coarse maps of chroma minus the mean chroma of the skin.

    Args:
        planes: uint8 (height, width) each, Cr and Cb.

    Returns:
        float32 (regions, 8), code values: for each plane the means of 2 x 2 cells. A row of cells is stored as its mean
        and half its absolute difference, so that a mirrored image has equal features.
    """
    boxes = pixel_boxes(*planes[0].shape)
    means = np.empty((len(boxes), len(planes), _CELLS, _CELLS), np.float32)
    for of_region, (left, top, right, bottom) in zip(means, boxes, strict=True):
        for cells, plane in zip(of_region, planes, strict=True):
            inside = plane[top:bottom, left:right].astype(np.float32)
            cells[:] = cv2.resize(inside, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    means -= means[len(PARTS) :].mean(axis=(0, 2, 3), keepdims=True)
    near, far = means[..., : _CELLS // 2], means[..., : _CELLS // 2 - 1 : -1]
    return np.concatenate([(near + far) / 2, np.abs(near - far) / 2], axis=-1).reshape(len(boxes), -1)
