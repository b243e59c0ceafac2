"""Votes for pairs of images, by keypoints that collide, on disk: chance collisions grow as the square of the images."""

import tempfile
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakefaces.duplicates.sketches import Sketches

MIN_VOTES = 4  # matches that must agree

_SCALE_BIN = 0.7  # bin width of log2 of the scale
_ROTATION_BIN = 24.0  # degrees, a part of 360
_SHIFT_BIN = 0.25  # of the shift, as a share of the image's side
_IMAGES = 1024  # of a part
_LEAST = 1 << 23  # bytes of a part that are counted before its end

Ints = NDArray[np.int64]


class Votes:
    """Collisions of keypoints that vote for pairs of images; a context manager.

    They stand in temporary files without names, in parts by the image of the first keypoint. When a part has doubled,
    its votes are counted: a pair that has enough keeps them whatever is added, so its collisions are dropped. Memory
    holds those of one part, and the disk those of pairs that have too few.
    """

    def __init__(self, sketches: Sketches) -> None:
        """Of these images, no vote."""
        first = np.arange(0, sketches.n_images, _IMAGES)
        self._sketches = sketches
        self._starts = np.searchsorted(sketches.owner, first) * len(sketches.owner)
        self._files = [tempfile.TemporaryFile() for _ in first]  # noqa: SIM115 - left * keypoints + right, int64
        self._counted = [0 for _ in first]  # bytes that were left when a part was counted
        self._enough = [np.zeros(0, np.int64) for _ in first]  # pairs of images, as left * images + right

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self._files:
            file.close()

    def add(self, left: Ints, right: Ints) -> None:
        """Add collisions of keypoints, left < right, which may have been added before."""
        codes = np.sort(left * len(self._sketches.owner) + right)
        ends = [*np.searchsorted(codes, self._starts[1:]).tolist(), len(codes)]
        for part, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if end > start:
                self._files[part].write(codes[start:end].data)
                if self._files[part].tell() > max(_LEAST, 2 * self._counted[part]):
                    self._count(part)

    def pairs(self) -> Ints:
        """The pairs of images with enough votes, int64 (m, 2), i < j, sorted."""
        for part in range(len(self._files)):
            self._count(part)
        enough = np.sort(np.concatenate([np.zeros(0, np.int64), *self._enough]))
        return np.stack(np.divmod(enough, self._sketches.n_images), axis=1)

    def _count(self, part: int) -> None:
        """Note the pairs of a part that have enough votes, and drop their collisions."""
        file, owner, n_images = self._files[part], self._sketches.owner.astype(np.int64), self._sketches.n_images
        file.seek(0)
        codes = np.unique(np.frombuffer(file.read(), np.int64))
        left, right = np.divmod(codes, len(owner))
        pair = owner[left] * n_images + owner[right]
        self._enough[part] = np.union1d(self._enough[part], _with_enough(left, right, pair, self._sketches))
        codes = codes[~np.isin(pair, self._enough[part])]
        file.seek(0)
        file.truncate()
        file.write(codes.data)
        self._counted[part] = codes.nbytes


def _with_enough(left: Ints, right: Ints, of_pair: Ints, sketches: Sketches) -> Ints:
    """The pairs of images with enough votes in one bin of similarity transforms; bins overlap by a half."""
    pairs, pair = np.unique(of_pair, return_inverse=True)
    enough = np.bincount(pair, minlength=len(pairs))[pair] >= MIN_VOTES
    left, right, pair = left[enough], right[enough], pair[enough]
    log_scale = sketches.log_sizes(right) - sketches.log_sizes(left)
    rotation = (sketches.orientations(right) - sketches.orientations(left)) % 360.0
    linear = 2.0**log_scale * np.exp(1j * np.deg2rad(rotation))
    shift = sketches.positions(right) + linear * ((0.5 + 0.5j) - sketches.positions(left))
    axes = (log_scale / _SCALE_BIN, rotation / _ROTATION_BIN, shift.real / _SHIFT_BIN, shift.imag / _SHIFT_BIN)
    accepted = np.zeros(len(pairs), dtype=np.bool_)
    for offsets in np.ndindex(2, 2, 2, 2):
        bins = [np.floor(axis + 0.5 * half).astype(np.int64) for axis, half in zip(axes, offsets, strict=True)]
        bins[1] %= round(360.0 / _ROTATION_BIN)
        code = pair
        for axis_bin in bins:
            code = code * 64 + np.clip(axis_bin + 32, 0, 63)
        _, index, votes = np.unique(code, return_index=True, return_counts=True)
        accepted[pair[index[votes >= MIN_VOTES]]] = True
    return np.asarray(pairs[accepted], dtype=np.int64)
