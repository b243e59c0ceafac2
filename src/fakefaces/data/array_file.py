"""Writing a ``.npy`` file row by row, for arrays that are larger than memory; the bytes are those of ``np.save``."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import DataError


class ArrayFile:
    """An array on disk that grows by rows; a context manager."""

    def __init__(self, path: Path, rows: int) -> None:
        """Create the file for so many rows; their shape and type are those of the first ones that are added."""
        self._path, self._rows, self._added = path, rows, 0
        self._file = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None and self._added != self._rows:
            raise DataError(f"{self._path}: {self._added} rows of {self._rows}")

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows (k, ...); also none, which tells their shape."""
        if not self._file.tell():
            shape = (self._rows, *rows.shape[1:])
            description = np.lib.format.dtype_to_descr(rows.dtype)
            header = {"descr": description, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
        self._file.write(np.ascontiguousarray(rows).data if rows.size else b"")
        self._added += len(rows)
