"""Networks over many inputs: in padded batches, because each new batch size is compiled anew."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32] | Mapping[str, NDArray[np.float32]]


def predict_in_batches(
    predict: Callable[[Batch], Any],
    features: NDArray[Any],
    *,
    batch_size: int = 32,
    on_batch: Callable[[int, str], None] = lambda advance, note: None,
) -> NDArray[Any]:
    """Apply a network to n >= 1 inputs, as :mod:`fakefaces.features.extract` makes them.

    Batches are padded with zeros: to ``batch_size`` where there are several, else to the next power of two.

    Args:
        predict: the network on one batch; it takes float32 arrays, by name where the features are records.
        features: (n, ...).
        batch_size: inputs of a batch.
        on_batch: called after each batch with the number of its inputs and an empty note.
    """
    outputs = []
    for start in range(0, len(features), batch_size):
        batch = features[start : start + batch_size]
        size = batch_size if len(features) > batch_size else 1 << (len(batch) - 1).bit_length()
        names = batch.dtype.names
        padded = {name: _padded(batch[name], size) for name in names} if names else _padded(batch, size)
        outputs.append(np.asarray(predict(padded))[: len(batch)])
        on_batch(len(batch), "")
    return np.concatenate(outputs)


def _padded(values: NDArray[Any], size: int) -> NDArray[np.float32]:
    padded = np.zeros((size, *values.shape[1:]), dtype=np.float32)
    padded[: len(values)] = values
    return padded
