"""Votes for pairs of images, by keypoints that collide, on disk: chance collisions grow as the square of the images."""

import tempfile
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.agreement import agreeing_pairs
from fakefaces.duplicates.ranges import ranges
from fakefaces.duplicates.sketches import Sketches

MOST_VOTES = 16  # of a pair of images: those of the strongest keypoints of the first

_IMAGES = 1024  # of a part
_WAITING = 1 << 20  # votes in memory before they are written
_LEAST = 1 << 23  # bytes of a part that are sorted before its end

Ints = NDArray[np.int64]


class Votes:
    """Collisions of keypoints that vote for pairs of images; a context manager.

    They stand in temporary files without names, in parts by the image of the first keypoint. When a part has doubled,
    it is sorted, and of each pair only the first votes are kept, whatever comes later. Memory holds one part, and the
    disk 128 bytes a pair at most.
    """

    def __init__(self, sketches: Sketches) -> None:
        """Of these images, no vote."""
        first = np.arange(0, sketches.n_images, _IMAGES, dtype=sketches.owner.dtype)  # or all are converted
        self._sketches = sketches
        self._starts = np.searchsorted(sketches.owner, first) * len(sketches.owner)
        self._files = [tempfile.TemporaryFile() for _ in first]  # noqa: SIM115 - left * keypoints + right, int64
        self._sorted = [0 for _ in first]  # bytes that were left when a part was sorted
        self._waiting: list[Ints] = []
        self._n_waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self._files:
            file.close()

    def add(self, left: Ints, right: Ints) -> None:
        """Add collisions of keypoints of two images, left < right, which may have been added before."""
        self._waiting.append(left * len(self._sketches.owner) + right)
        self._n_waiting += len(left)
        if self._n_waiting >= _WAITING:
            self._write()

    def pairs(self) -> Ints:
        """The pairs of images whose votes agree, int64 (m, 2), i < j, sorted."""
        self._write()
        found = [np.zeros((0, 2), np.int64)]
        for part in range(len(self._files)):
            codes = self._sort(part)
            found.append(agreeing_pairs(self._sketches, *np.divmod(codes, max(1, len(self._sketches.owner)))))
        return np.concatenate(found)

    def _write(self) -> None:
        codes = _unique(np.concatenate([np.zeros(0, np.int64), *self._waiting]))
        self._waiting, self._n_waiting = [], 0
        ends = [*np.searchsorted(codes, self._starts[1:]).tolist(), len(codes)]
        for part, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if end > start:
                self._files[part].write(codes[start:end].data)
                if self._files[part].tell() > max(_LEAST, 2 * self._sorted[part]):
                    self._sort(part)

    def _sort(self, part: int) -> Ints:
        """Keep the first votes of each pair of a part, in the order of pairs, and return them."""
        file, owner = self._files[part], self._sketches.owner
        file.seek(0)
        codes = _unique(np.frombuffer(file.read(), np.int64))
        left, right = np.divmod(codes, max(1, len(owner)))
        pair = owner[left].astype(np.int64) * self._sketches.n_images + owner[right]
        order = np.argsort(pair, kind="stable")
        begins = np.flatnonzero(np.diff(pair[order], prepend=-1))
        _, kept = ranges(begins, np.minimum(np.diff(begins, append=len(pair)), MOST_VOTES))
        codes = codes[order[kept]]
        file.seek(0)
        file.truncate()
        file.write(codes.data)
        self._sorted[part] = codes.nbytes
        return codes


def _unique(codes: Ints) -> Ints:
    """As np.unique, which is slower where most are."""
    codes = np.sort(codes)
    first = np.ones(len(codes), dtype=np.bool_)
    first[1:] = codes[1:] != codes[:-1]
    return codes[first]
