"""The features of images that are verified: described once each, and kept on disk as long as the search goes on."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from threading import Lock
from typing import Self

import numpy as np

from fakefaces.duplicates.features import DIMENSIONS, Features

_KEYPOINT = 4 * np.dtype(np.float32).itemsize  # bytes


class DescribedImages(Mapping[str, Features]):
    """Features by key, computed when they are first asked for; a context manager, for any number of threads.

    An image is in as many candidates as it resembles others, so that describing it for each would grow as the square of
    the number of images. Up to 144 KB an image go to a temporary file without a name.
    """

    def __init__(self, keys: Collection[str], describe: Callable[[str], Features]) -> None:
        """``describe`` computes the features of a key; they depend on nothing else."""
        self._keys, self._describe = keys, describe
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._kept: dict[str, tuple[int, int, tuple[int, int], float]] = {}  # by key: offset, rows, shape, reduction
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def __getitem__(self, key: str) -> Features:
        kept = self._kept.get(key)
        if kept is None:
            features = self._describe(key)
            self._keep(key, features)
            return features
        offset, rows, shape, reduction = kept
        data = os.pread(self._file.fileno(), rows * (_KEYPOINT + DIMENSIONS), offset)
        keypoints = np.frombuffer(data, np.float32, rows * 4).reshape(rows, 4)
        descriptors = np.frombuffer(data, np.uint8, offset=rows * _KEYPOINT).reshape(rows, DIMENSIONS)
        return Features(keypoints, descriptors, shape, reduction)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _keep(self, key: str, features: Features) -> None:
        with self._lock:  # two threads may have described the same image
            offset = self._file.seek(0, os.SEEK_END)
            self._file.write(features.keypoints.tobytes() + features.descriptors.tobytes())
            self._file.flush()
            self._kept[key] = offset, len(features), features.shape, features.reduction
