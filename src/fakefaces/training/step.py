"""Training steps: of a TensorFlow graph of our own, and of Keras' trainer on its other backends."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Step = Callable[[NDArray[Any], NDArray[np.float32]], NDArray[np.float32]]


def adam(network: Any, learning_rate: float, precision: str) -> Any:
    """The optimizer of a network's weights; with ``mixed_float16`` it scales losses, so that no gradient is lost."""
    optimizer = keras.optimizers.Adam(learning_rate)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def training_step(network: Any, optimizer: Any, batch_size: int) -> Step:
    """Make a step of the optimizer on the binary cross-entropy and the network's penalties.

    It takes features, any dtype, (batch, ...), at most ``batch_size`` of them, and labels, float32 (batch,);
    it returns p_fake before the step, in training mode: float32 (batch,).

    Not ``fit``: what feeds its batches takes a thread from the convolutions in about half of the epochs
    (benchmarks/training.py), and its ROC AUC is read off 200 thresholds.

    Args:
        network: a Keras model with one output, p_fake (batch, 1). It is trained, and stays not compiled, so that its
            file holds no optimizer.
        optimizer: built for the network's trainable variables.
        batch_size: the size of the largest batch.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_step(network, optimizer)
    return _trainer_step(network, optimizer, batch_size)


def _tensorflow_step(network: Any, optimizer: Any) -> Step:
    """A graph of exactly this: its last digits are those of earlier versions, and of every published figure."""
    import tensorflow as tf

    cross_entropy = keras.losses.BinaryCrossentropy()

    def step(features: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            p_fake = network(features, training=True)
            loss = optimizer.scale_loss(cross_entropy(labels, p_fake) + sum(network.losses))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return p_fake

    shape = (None, *network.input_shape[1:])
    signature = [tf.TensorSpec(shape, tf.float32), tf.TensorSpec((None, 1), tf.float32)]
    graph = tf.function(step, input_signature=signature)
    return lambda features, labels: np.asarray(graph(features.astype(np.float32), labels[:, None]))[:, 0]


def _trainer_step(network: Any, optimizer: Any, batch_size: int) -> Step:
    """``train_on_batch`` of a model that shares the network's layers."""
    p_fake = _LastPredictions(batch_size)
    trainer = keras.Model(network.inputs, network.outputs, name=network.name)
    trainer.compile(optimizer, loss="binary_crossentropy", metrics=[p_fake])

    def step(features: NDArray[Any], labels: NDArray[np.float32]) -> NDArray[np.float32]:
        trainer.train_on_batch(features.astype(np.float32), labels[:, None])
        return np.asarray(ops.convert_to_numpy(p_fake.values)[: len(labels)], dtype=np.float32)

    return step


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
