"""Fused normalisation computes what Keras composes, and leaves alone what it cannot."""

import numpy as np
import pytest

from fakefaces.data.arrays import TrainArrays
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.training.loop import fit
from tests.training.test_loop import config, validating

SIDE = 32


@pytest.fixture(autouse=True, scope="module")
def tensorflow():
    import keras

    runtime.start(seed=1, threads=2)
    if keras.backend.backend() != "tensorflow":
        pytest.skip("another backend than TensorFlow")


def fused(network):
    from fakefaces.training.normalization import with_fused_normalization

    return with_fused_normalization(network)


def faces(n: int = 24) -> TrainArrays:
    rng = np.random.default_rng(0)
    labels = np.float32(np.arange(n) % 2)
    features = rng.integers(0, 200, (n, SIDE, SIDE, 3)) + 50 * labels[:, None, None, None]
    return TrainArrays(features.astype(np.uint8), labels, np.zeros((n, 4), np.int8))


def test_the_custom_cnn_steps_as_with_keras_own_normalisation():
    network = model_spec("custom_cnn", {"dropout": 0.0}, "here").build((SIDE, SIDE, 3))
    copy = fused(network)
    kinds = [type(layer).__name__ for layer in copy.layers]
    assert (kinds.count("_FusedNormalization"), kinds.count("BatchNormalization")) == (4, 0)
    assert "_FusedNormalization" not in network.to_json()
    for one, other in zip(copy.variables, network.variables, strict=True):
        assert one is not other
        assert np.array_equal(one, other)
    batch = faces().features.astype(np.float32)
    assert np.allclose(copy(batch, training=True), network(batch, training=True), atol=1e-4)
    for one, other in zip(copy.variables, network.variables, strict=True):  # the moving statistics among them
        assert np.allclose(one, other, rtol=1e-3, atol=1e-4)
    assert not np.allclose(network.get_layer("norm1").moving_variance, 1)
    assert np.array_equal(copy(batch), copy(batch, training=False))
    copy.set_weights(network.get_weights())
    assert np.allclose(copy(batch), network(batch), atol=1e-6)


def test_its_gradients_are_those_of_the_composed_operations():
    import keras
    import tensorflow as tf

    layers = [keras.layers.Conv2D(5, 3), keras.layers.BatchNormalization(epsilon=0.01), keras.layers.Flatten()]
    network = keras.Sequential([keras.Input((6, 6, 2)), *layers, keras.layers.Dense(1)])
    batch = np.random.default_rng(0).normal(size=(8, 6, 6, 2)).astype(np.float32)

    def gradients(model):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(batch, training=True) - 1))
        return [np.asarray(gradient) for gradient in tape.gradient(loss, model.trainable_variables)]

    for one, other in zip(gradients(fused(network)), gradients(network), strict=True):
        assert np.allclose(one, other, rtol=1e-3, atol=1e-5)
        assert one.any() or one.shape == (5,)  # a bias before a normalisation changes nothing


@pytest.mark.parametrize(
    ("shape", "options"),
    [((4,), {}), ((4, 4, 3), {"trainable": False}), ((4, 4, 3), {"axis": 1}), ((4, 4, 3), {"scale": False})],
)
def test_other_normalisations_stay_keras_own(shape, options):
    import keras

    network = keras.Sequential([keras.Input(shape), keras.layers.BatchNormalization(**options)])
    assert fused(network) is network


def test_a_training_is_resumed_to_the_bit(tmp_path):
    import keras

    class KilledError(Exception):
        pass

    def kill(row):
        if row["epoch"] == 2:
            raise KilledError

    def trained(**options):
        keras.utils.set_random_seed(3)
        network = model_spec("custom_cnn", {}, "here").build((SIDE, SIDE, 3))  # with dropout
        return network, fit(network, faces(), validating(faces()), config(3, 8, 0.01, 3), **options).history

    network, history = trained()
    with pytest.raises(KilledError):
        trained(checkpoint=tmp_path / "checkpoint", on_epoch=kill)
    resumed, same = trained(checkpoint=tmp_path / "checkpoint")
    assert same == history
    for one, other in zip(resumed.get_weights(), network.get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert not np.allclose(network.get_layer("norm1").moving_mean, 0)
