"""The training steps of an epoch: by a TensorFlow graph of our own, and by Keras' trainer on its other backends."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import DTypeLike, NDArray

from fakefaces.training.batches import Batch

Steps = Callable[[Iterable[Batch]], NDArray[np.float32]]


def adam(network: Any, learning_rate: float, precision: str) -> Any:
    """The optimizer of a network's weights; with ``mixed_float16`` it scales losses, so that no gradient is lost."""
    optimizer = keras.optimizers.Adam(learning_rate)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def seed_dropout(seed: Sequence[int]) -> None:
    """Seed the dropout of an epoch where its generators are no states of the network: PyTorch's draws from its own."""
    if keras.backend.backend() == "torch":
        keras.utils.set_random_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))


def training_steps(network: Any, optimizer: Any, images: int, batch_size: int, dtype: DTypeLike) -> Steps:
    """Make the steps of an epoch, of the optimizer on the binary cross-entropy and the network's penalties.

    They take batches of features, (batch, ...), and labels, float32 (batch,); they return p_fake of each batch before
    its step, in training mode, one after the other: float32 (images,).

    Features are sent as they are and made float32 by the device, and nothing is asked of it before the end of the
    epoch, so that an accelerator need not wait for the processor (``benchmarks/accelerator.py``).

    Args:
        network: a Keras model with one output, p_fake (batch, 1). It is trained, and stays not compiled, so that its
            file holds no optimizer.
        optimizer: built for the network's trainable variables.
        images: of an epoch.
        batch_size: images of a batch; the last one of an epoch may have fewer.
        dtype: of the features.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_steps(network, optimizer, dtype)
    return _trainer_steps(network, optimizer, images, batch_size)


def _tensorflow_steps(network: Any, optimizer: Any, dtype: DTypeLike) -> Steps:
    """A graph of exactly this: its last digits are those of earlier versions, and of every published figure.

    Not ``fit``: what feeds its batches takes a thread from the convolutions in about half of the epochs
    (``benchmarks/training.py``).
    """
    import tensorflow as tf

    cross_entropy = keras.losses.BinaryCrossentropy()

    def step(features: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            p_fake = network(tf.cast(features, tf.float32), training=True)
            loss = optimizer.scale_loss(cross_entropy(labels, p_fake) + sum(network.losses))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return p_fake

    shape = (None, *network.input_shape[1:])
    signature = [tf.TensorSpec(shape, dtype), tf.TensorSpec((None, 1), tf.float32)]
    graph = tf.function(step, input_signature=signature)

    def steps(batches: Iterable[Batch]) -> NDArray[np.float32]:
        p_fake = [graph(features, labels[:, None]) for features, labels in batches]
        return np.concatenate([np.asarray(column) for column in p_fake])[:, 0]

    return steps


def _trainer_steps(network: Any, optimizer: Any, images: int, batch_size: int) -> Steps:
    """``fit``, an epoch at a time, of a model that shares the network's layers."""
    p_fake = _Predictions(images)
    trainer = keras.Model(network.inputs, network.outputs, name=network.name)
    trainer.compile(optimizer, loss="binary_crossentropy", metrics=[p_fake])

    def steps(batches: Iterable[Batch]) -> NDArray[np.float32]:
        pairs = ((features, labels[:, None]) for features, labels in batches)
        trainer.fit(pairs, steps_per_epoch=-(-images // batch_size), shuffle=False, verbose=0)
        return p_fake.kept()

    return steps


class _Predictions(keras.metrics.Metric):  # type: ignore[misc]
    """Not a metric: the way to the predictions of an epoch's steps, which ``fit`` does not return."""

    def __init__(self, images: int) -> None:
        super().__init__(name="mean_p_fake")
        self._values = self.add_variable((images,), initializer="zeros", name="values")
        self._count = self.add_variable((), initializer="zeros", dtype="int32", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Keep the predictions of a batch after those of the batches before it."""
        size = ops.shape(y_pred)[0]
        rows = self._count + ops.arange(size, dtype="int32")
        values = ops.convert_to_tensor(self._values)
        self._values.assign(ops.scatter_update(values, rows[:, None], ops.cast(y_pred[:, 0], values.dtype)))
        self._count.assign(self._count + size)

    def result(self) -> Any:
        """Their mean, which nobody reads."""
        return ops.mean(self._values)

    def kept(self) -> NDArray[np.float32]:
        """The predictions of the epoch, float32 (images,)."""
        return np.asarray(ops.convert_to_numpy(self._values), dtype=np.float32)
