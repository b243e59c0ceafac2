"""What regressions learn from, read some images at a time: memory does not grow with the images' features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.models.forensic.selectors import InputSelector

Features = NDArray[np.float32]

BLOCK = 8192  # images that are read at a time; the last digits of results depend on it where there are more
_PIECE = 512  # rows of a file that are read at a time, with the features of all groups


@dataclass(frozen=True)
class Group:
    """A group of features of the images of several arrays, one after another."""

    arrays: Sequence[Any]  # float32 (n, regions, features) each: an array, or its rows in a file
    columns: slice  # of the group

    def __len__(self) -> int:
        """The number of images."""
        return sum(map(len, self.arrays))

    def inputs(self, selectors: Sequence[InputSelector]) -> Iterator[tuple[int, int, Features]]:
        """For each block of images and each selector: its number, the first image, and (outputs, images, inputs)."""
        for start in range(0, len(self), BLOCK):
            parts = self._read(start, start + BLOCK)
            for number, selector in enumerate(selectors):
                selected = [selector.select(part) for part in parts]
                yield number, start, selected[0] if len(selected) == 1 else np.concatenate(selected, axis=1)

    def _read(self, start: int, end: int) -> list[Features]:
        """The group's features of images, by array."""
        parts = []
        for array in self.arrays:
            first, last = max(start, 0), min(end, len(array))
            if first < last:
                width = len(range(*self.columns.indices(array.shape[-1])))
                part = np.empty((last - first, *array.shape[1:-1], width), array.dtype)
                for k in range(first, last, _PIECE):
                    part[k - first : k - first + _PIECE] = array[k : min(k + _PIECE, last)][..., self.columns]
                parts.append(part)
            start, end = start - len(array), end - len(array)
        return parts
