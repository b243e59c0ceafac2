"""Batches of training images, read and augmented while the network trains on those before."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import SplitArrays
from fakefaces.training.augmentation import Augmenter

_AHEAD = 2  # batches that wait for the network

Batch = tuple[NDArray[Any], NDArray[np.float32]]


def batches(arrays: SplitArrays, order: NDArray[np.intp], augment: Augmenter, size: int) -> Iterator[Batch]:
    """Yield features (batch, ...), augmented, and labels (batch,), in an order of rows.

    One thread prepares them one after the other, so that equal seeds of ``augment`` give equal batches; at most three
    are in memory.
    """

    def prepare(rows: NDArray[np.intp]) -> Batch:
        return augment(arrays.features[rows]), arrays.labels[rows]

    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(1, "batches") as thread:
        for start in range(0, len(order), size):
            waiting.append(thread.submit(prepare, order[start : start + size]))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
