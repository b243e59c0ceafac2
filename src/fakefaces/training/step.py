"""A training step by Keras' own trainer, so that networks train on every backend that Keras has."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray


class TrainingStep:
    """Steps of Adam on the binary cross-entropy.

    Not ``fit``: what feeds its batches takes a thread from the convolutions in about half of the epochs
    (benchmarks/training.py), and its ROC AUC is read off 200 thresholds.

    Args:
        network: a Keras model with one output, p_fake (batch, 1). It is trained, and stays not compiled, so that its
            file holds no optimizer.
        learning_rate: of Adam.
        batch_size: the size of the largest batch.
    """

    def __init__(self, network: Any, learning_rate: float, batch_size: int) -> None:
        self._p_fake = _LastPredictions(batch_size)
        self._trainer = keras.Model(network.inputs, network.outputs, name=network.name)
        optimizer = keras.optimizers.Adam(learning_rate)
        self._trainer.compile(optimizer, loss="binary_crossentropy", metrics=[self._p_fake])
        optimizer.build(network.trainable_variables)
        self.optimizer_variables: list[Any] = optimizer.variables

    def __call__(self, features: NDArray[Any], labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take a step, and return p_fake before it, in training mode: float32 (batch,).

        Args:
            features: any dtype, (batch, ...), what the network reads; at most ``batch_size`` rows.
            labels: float32 (batch,), 1 for fake.
        """
        self._trainer.train_on_batch(features.astype(np.float32), labels[:, None])
        return np.asarray(ops.convert_to_numpy(self._p_fake.values)[: len(labels)], dtype=np.float32)


class _LastPredictions(keras.metrics.Metric):  # type: ignore[misc]
    """Not a metric: the way to the predictions of a step, which ``train_on_batch`` does not return."""

    def __init__(self, batch_size: int) -> None:
        super().__init__(name="mean_p_fake")
        self.values = self.add_variable((batch_size,), initializer="zeros", name="values")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Keep the predictions of a batch."""
        rows = ops.arange(ops.shape(y_pred)[0], dtype="int32")
        kept = ops.convert_to_tensor(self.values)
        self.values.assign(ops.scatter_update(kept, rows[:, None], ops.cast(y_pred[:, 0], kept.dtype)))

    def result(self) -> Any:
        """Their mean, which nobody reads."""
        return ops.mean(self.values)
