"""Sketches: what the search reads of every image, 44 bytes for each of its keypoints.

A sketch proposes pairs; whether they are pairs is verified on the features, which need not be kept.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import MAX_KEYPOINTS, Features
from fakefaces.duplicates.hashing import SIGNATURE, signatures

KEYPOINTS = MAX_KEYPOINTS  # of an image, at most; with fewer, small parts that two photographs share are missed

_SHARES = 65_535  # steps of a coordinate over the longer side
_OCTAVES, _STEPS = 16, 4_095  # of a keypoint's size below the side, and steps of one
_TURN = 65_536  # steps of an orientation


@dataclass(frozen=True, eq=False)
class Sketch:
    """The strongest keypoints of an image."""

    signatures: NDArray[np.uint8]  # (n, 36), as of :func:`fakefaces.duplicates.hashing.signatures`
    places: NDArray[np.uint16]  # (n, 4): x, y and the size as shares of the longer side, and the orientation


def sketch(features: Features) -> Sketch:
    """The sketch of an image, which depends on nothing else."""
    side = max(features.shape)
    x, y, size, angle = features.keypoints[:KEYPOINTS].T.astype(np.float64)
    places = (
        np.rint(x / side * _SHARES),
        np.rint(y / side * _SHARES),
        np.rint((np.log2(size / side) + _OCTAVES) * _STEPS),
        np.rint(angle / 360 * _TURN) % _TURN,
    )
    rows = np.stack([np.clip(place, 0, 65_535) for place in places], axis=1).astype(np.uint16)
    return Sketch(signatures(features.descriptors[:KEYPOINTS]), rows)


class Sketches:
    """The sketches of many images, one after the other, in temporary files: 44 KB an image are not held in memory."""

    def __init__(self, sketches: Iterable[Sketch], n_images: int) -> None:
        """Collect the sketches of so many images; they may come one by one."""
        most = max(1, n_images * KEYPOINTS)
        self.n_images = n_images
        self._signatures = _on_disk((SIGNATURE, most), np.uint8).T  # a key reads a few of the bytes of all
        self._places = _on_disk((most, 4), np.uint16)
        counts = []
        total = 0
        for each in sketches:
            end = total + len(each.signatures)
            self._signatures[total:end], self._places[total:end] = each.signatures, each.places
            counts.append(end - total)
            total = end
        self.owner = np.repeat(np.arange(n_images, dtype=np.int32), counts)  # (keypoints,), the image of each

    @property
    def signatures(self) -> NDArray[np.uint8]:
        """Of all keypoints, (keypoints, 36)."""
        return self._signatures[: len(self.owner)]

    def positions(self, rows: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Positions x + iy of some keypoints, as shares of the longer side of their images."""
        places = self._places[rows].astype(np.float64)
        return np.asarray((places[:, 0] + 1j * places[:, 1]) / _SHARES)

    def log_sizes(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Binary logarithms of the sizes of some keypoints, as shares of that side."""
        return np.asarray(self._places[rows, 2] / _STEPS - _OCTAVES, dtype=np.float64)

    def orientations(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Orientations of some keypoints in degrees, 0 to 360."""
        return np.asarray(self._places[rows, 3] * (360 / _TURN), dtype=np.float64)


def _on_disk(shape: tuple[int, int], dtype: type[np.unsignedinteger]) -> NDArray[Any]:
    """An array in a temporary file without a name, which goes with the array and takes what is written of it."""
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)
