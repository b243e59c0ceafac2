"""Rows of an array in a file, read when they are asked for: memory does not grow with the number of images."""

import os
import weakref
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_CHUNK = 1 << 24  # bytes that are read at a time where all rows are


class StoredRows:
    """Some rows of an array in a ``.npy`` file, to be indexed and iterated like an array of these rows.

    Not a memory map: the pages of one count as memory of the process, and stay until others need it.

    Args:
        path: a C-ordered array (n, ...), without Python objects.
        rows: int64 (m,), which rows of the file, in which order; each may appear more than once.
        axes: of the array that rows are counted along, if they are more than the first: of (n, k, ...) with two axes
            the first k rows are those of the first entry.
    """

    def __init__(self, path: Path, rows: NDArray[np.intp], *, axes: int = 1) -> None:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        self.shape = (len(rows), *mapped.shape[axes:])
        self.dtype = mapped.dtype
        self._start, self._stride = mapped.offset, self.dtype.itemsize * prod(self.shape[1:])
        self._path, self._rows = path, rows
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._rows)

    def __getitem__(self, which: slice | NDArray[np.intp]) -> NDArray[Any]:
        """Read rows, (k, ...); they are copies."""
        rows = self._rows[which]
        values = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for row, value in zip(rows.tolist(), values.view(np.uint8).reshape(len(rows), self._stride), strict=True):
            if os.preadv(self._descriptor, [value.data], self._start + row * self._stride) < self._stride:
                raise OSError(f"{self._path}: row {row} is missing; the file was shortened while it was read")
        return values

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All rows, in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)


class JoinedRows:
    """The rows of several arrays, one after another, to be sliced like one array; the arrays may be StoredRows."""

    def __init__(self, arrays: "Sequence[NDArray[Any] | StoredRows]") -> None:
        self.shape = (sum(map(len, arrays)), *arrays[0].shape[1:])
        self.dtype = arrays[0].dtype
        self._arrays = arrays

    def __len__(self) -> int:
        """The number of rows."""
        return int(self.shape[0])

    def __getitem__(self, which: slice) -> NDArray[Any]:
        """Read rows without gaps, (k, ...); they are copies."""
        start, end, _ = which.indices(len(self))
        parts = []
        for array in self._arrays:
            parts.append(array[max(start, 0) : max(end, 0)])
            start, end = start - len(array), end - len(array)
        return np.concatenate(parts)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All rows, in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)


def chunks(array: NDArray[Any] | StoredRows | JoinedRows) -> Iterator[NDArray[Any]]:
    """The rows of an array, some at a time."""
    row = max(1, int(np.prod(array.shape[1:])) * array.dtype.itemsize)
    size = max(1, _CHUNK // row)
    for start in range(0, len(array), size):
        yield np.ascontiguousarray(array[start : start + size])
