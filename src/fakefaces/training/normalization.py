"""Batch normalisation by one operation of TensorFlow's, where Keras composes it of some twenty.

Keras computes moments and the normalised batch by operations that each read and write the whole batch, and as many for
the gradient: docs/scaling.md has what that costs.
"""

from typing import Any

import keras


def with_fused_normalization(network: Any) -> Any:
    """A copy of a network whose normalisations of images are fused in training; itself where there are none to fuse.

    Only TensorFlow needs it: JAX' compiler fuses what Keras composes, and PyTorch's operations are few. The sums of a
    batch have another order, so that the last digits of a step are others.

    Args:
        network: a Keras model that is not compiled.
    """
    if keras.backend.backend() != "tensorflow" or not any(map(_can_be_fused, network.layers)):
        return network
    copy = keras.models.clone_model(network, clone_function=_copy)
    for variable, value in zip(copy.variables, network.variables, strict=True):
        variable.assign(value)  # the states of the dropouts' generators are among them
    return copy


class _FusedNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras' layer, in training by ``FusedBatchNorm``; its variables, and what it does otherwise, are Keras'."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise a batch (batch, height, width, channels)."""
        if not training or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.compat.v1.nn.fused_batch_norm(
            tf.cast(inputs, tf.float32), self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        # Keras' moving variance is that of the batch; the operation returns the estimate for the population.
        for moving, value in (self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return tf.cast(outputs, self.compute_dtype)


def _can_be_fused(layer: Any) -> bool:
    """Whether a layer normalises the channels of images, with everything that Keras' layer has by default."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.trainable
        and len(layer.output.shape) == 4
        and layer.axis in (-1, 3)
        and layer.center
        and layer.scale
        and not (layer.synchronized or layer.renorm)
    )


def _copy(layer: Any) -> Any:
    kind = _FusedNormalization if _can_be_fused(layer) else type(layer)
    return kind.from_config(layer.get_config())
