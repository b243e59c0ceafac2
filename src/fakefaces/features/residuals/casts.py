"""The colour of each box against the skin of the same face: light and white balance that a replaced part brought."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.data.faces import PARTS
from fakefaces.features.residuals.boxes import windows

_CELLS = 2  # a side, in which a box is averaged


def casts(planes: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Coarse maps of chroma, less the mean of the skin's boxes.

    Args:
        planes: uint8 (height, width) each, Cr and Cb.

    Returns:
        float32 (boxes, 8), code values: of each plane the means of 2 x 2 cells. A mirror image's are those of the other
        side but for the order of the columns, so each row is folded: the mean of its cells and half their distance.
    """
    boxes = windows(*planes[0].shape)
    found = np.empty((len(boxes), len(planes), _CELLS, _CELLS), np.float32)
    for row, (left, top, right, bottom) in zip(found, boxes, strict=True):
        for cells, plane in zip(row, planes, strict=True):
            inside = plane[top:bottom, left:right].astype(np.float32)
            cells[:] = cv2.resize(inside, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    found -= found[len(PARTS) :].mean(axis=(0, 2, 3), keepdims=True)
    near, far = found[..., : _CELLS // 2], found[..., : _CELLS // 2 - 1 : -1]
    return np.concatenate([(near + far) / 2, np.abs(near - far) / 2], axis=-1).reshape(len(boxes), -1)
