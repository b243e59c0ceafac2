"""Energy by frequency of the 8 x 8 blocks in each box: noise, sharpness, resampling and compression in one table."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fakefaces.forensics.boxes import windows

BLOCK = 8  # pixels, and on the grid of JPEG
_FLOOR = 0.1  # added to a squared coefficient, of code values squared: a tenth of what rounding to 8 bits leaves
_QUANTILE = 4  # one in so many blocks is smoother than the second number tells

_rows, _columns = np.mgrid[:BLOCK, :BLOCK]
_DCT = np.sqrt(np.where(_rows == 0, 1, 2) / BLOCK) * np.cos(np.pi * (2 * _columns + 1) * _rows / (2 * BLOCK))
_DCT = _DCT.astype(np.float32)


def energies(plane: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The log energies of all whole blocks of a plane, float32 (height // 8, width // 8, 63), without the mean."""
    height, width = (side // BLOCK for side in plane.shape)
    blocks = plane[: height * BLOCK, : width * BLOCK].astype(np.float32)
    blocks = blocks.reshape(height, BLOCK, width, BLOCK).transpose(0, 2, 1, 3)
    found = (_DCT @ blocks @ _DCT.T).reshape(height, width, BLOCK * BLOCK)[..., 1:]
    return np.log(found * found + np.float32(_FLOOR))


def spectra(planes: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Mean and lower quartile over the blocks of each box, of every frequency of every plane.

    The quartile is that of the smooth places, which tell of noise where the mean tells of lashes and lips.

    Args:
        planes: uint8 (height, width) each, of one size.

    Returns:
        float32 (boxes, planes * 126).
    """
    height, width = (side // BLOCK * BLOCK for side in planes[0].shape)
    boxes = windows(height, width, BLOCK)
    found = []
    for plane in planes:
        logs = energies(plane)
        rows = []
        for left, top, right, bottom in boxes:
            inside = logs[top:bottom, left:right].reshape(-1, logs.shape[-1])
            place = len(inside) // _QUANTILE
            rows.append(np.concatenate([inside.mean(axis=0), np.partition(inside, place, axis=0)[place]]))
        found.append(rows)
    return np.concatenate(np.asarray(found, dtype=np.float32), axis=1)
