"""Sketches: what the search reads of every image, 44 bytes for each of its distinctive keypoints.

A sketch proposes pairs; whether they are pairs is verified on the features, which need not be kept.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.features import MAX_KEYPOINTS, Features
from fakefaces.duplicates.hashing import SIGNATURE, distinctive, signatures
from fakefaces.duplicates.ranges import ranges

KEYPOINTS = MAX_KEYPOINTS  # of an image, at most; with fewer, small parts that two photographs share are missed

_SHARES = 65_535  # steps of a coordinate over the longer side
_OCTAVES, _STEPS = 16, 4_095  # of a keypoint's size below the side, and steps of one
_TURN = 65_536  # steps of an orientation
_HEAD = 32  # bytes of a signature, half of a line of a processor's cache, which decide most comparisons

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sketch:
    """The strongest keypoints of an image, without those that are common by nature."""

    signatures: NDArray[np.uint8]  # (n, 36), as of :func:`fakefaces.duplicates.hashing.signatures`
    places: NDArray[np.uint16]  # (n, 4): x, y and the size as shares of the longer side, and the orientation


def sketch(features: Features) -> Sketch:
    """The sketch of an image, which depends on nothing else."""
    side = max(features.shape)
    chosen = np.flatnonzero(distinctive(features.descriptors[:KEYPOINTS]))
    x, y, size, angle = features.keypoints[chosen].T.astype(np.float64)
    places = (
        np.rint(x / side * _SHARES),
        np.rint(y / side * _SHARES),
        np.rint((np.log2(size / side) + _OCTAVES) * _STEPS),
        np.rint(angle / 360 * _TURN) % _TURN,
    )
    rows = np.stack([np.clip(place, 0, 65_535) for place in places], axis=1).astype(np.uint16)
    return Sketch(signatures(features.descriptors[chosen]), rows)


class Sketches:
    """The sketches of many images, one after the other, in temporary files: up to 80 KB an image, not in memory."""

    def __init__(self, sketches: Iterable[Sketch], n_images: int) -> None:
        """Collect the sketches of so many images; they may come one by one."""
        most = max(1, n_images * KEYPOINTS)
        self.n_images = n_images
        self._columns = _on_disk((SIGNATURE, most), np.uint8)  # a key reads a few of the bytes of all
        self._heads = _on_disk((most, _HEAD), np.uint8)  # and a distance all bytes of a few
        self._tails = _on_disk((most, SIGNATURE - _HEAD), np.uint8)
        self._places = _on_disk((most, 4), np.uint16)
        counts = []
        total = 0
        for each in sketches:
            end = total + len(each.signatures)
            self._columns[:, total:end] = each.signatures.T
            self._heads[total:end], self._tails[total:end] = np.split(each.signatures, [_HEAD], axis=1)
            self._places[total:end] = each.places
            counts.append(end - total)
            total = end
        self.owner = np.repeat(np.arange(n_images, dtype=np.int32), counts)  # (keypoints,), the image of each
        self._starts = np.cumsum([0, *counts])

    @property
    def columns(self) -> NDArray[np.uint8]:
        """The signatures of all keypoints, (36, keypoints)."""
        return self._columns[:, : len(self.owner)]

    def rows(self, images: Ints) -> tuple[Ints, Ints]:
        """The keypoints of some images, one after the other: for each which of these images it is of, and its row."""
        return ranges(self._starts[images], self._starts[images + 1] - self._starts[images])

    def places(self, rows: Ints) -> Ints:
        """A number for the place of each of some keypoints in its image, below 2**32: one may have two orientations."""
        return np.asarray(self._places[rows, 0].astype(np.int64) << 16 | self._places[rows, 1], dtype=np.int64)

    def heads(self, rows: Ints) -> NDArray[np.uint64]:
        """The first 256 bits of the signatures of some keypoints, (n, 4)."""
        return np.asarray(np.take(self._heads.view(np.uint64), rows, axis=0))

    def distances(self, left: Ints, right: Ints) -> NDArray[np.uint16]:
        """How many of the 288 bits of the signatures of some keypoints differ from those of others, one by one."""
        return np.asarray(head_distances(self.heads(left), self.heads(right)) + self.tail_distances(left, right))

    def tail_distances(self, left: Ints, right: Ints) -> NDArray[np.uint8]:
        """How many of the other 32 bits differ."""
        tails = self._tails.view(np.uint32)[:, 0]
        return np.asarray(np.bitwise_count(np.take(tails, left) ^ np.take(tails, right)))

    def positions(self, rows: Ints) -> NDArray[np.complex128]:
        """Positions x + iy of some keypoints, as shares of the longer side of their images."""
        places = self._places[rows].astype(np.float64)
        return np.asarray((places[:, 0] + 1j * places[:, 1]) / _SHARES)

    def log_sizes(self, rows: Ints) -> NDArray[np.float64]:
        """Binary logarithms of the sizes of some keypoints, as shares of that side."""
        return np.asarray(self._places[rows, 2] / _STEPS - _OCTAVES, dtype=np.float64)

    def orientations(self, rows: Ints) -> NDArray[np.float64]:
        """Orientations of some keypoints in degrees, 0 to 360."""
        return np.asarray(self._places[rows, 3] * (360 / _TURN), dtype=np.float64)


def head_distances(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """How many bits of the heads of some signatures, (n, 4), differ from those of others, one by one."""
    first, second, third, last = np.bitwise_count(left ^ right).T  # up to 64 each: bytes hold the sum of three
    return np.asarray(np.add(first + second + third, last, dtype=np.uint16))


def _on_disk(shape: tuple[int, int], dtype: type[np.unsignedinteger]) -> NDArray[Any]:
    """An array in a temporary file without a name, which goes with the array and takes what is written of it."""
    with tempfile.TemporaryFile() as file:
        return np.asarray(np.memmap(file, dtype=dtype, mode="w+", shape=shape))
