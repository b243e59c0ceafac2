import keras
import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.explain.features import feature_maps, filters
from fakefaces.explain.gradcam import heat_maps, scaled
from fakefaces.explain.heat import FINEST, coarse
from fakefaces.explain.layers import convolutions, last_maps, leaves
from fakefaces.models import runtime
from fakefaces.models.backbones import cut, make_backbone
from fakefaces.models.kinds import blueprint


@pytest.fixture(scope="module", autouse=True)
def started():
    runtime.start(seed=1, threads=2)


def bright_spot(n: int = 5, size: int = 24) -> np.ndarray:
    pixels = np.zeros((n, size, size, 3), dtype=np.uint8)
    for k in range(n):
        pixels[k, 4 * k : 4 * k + 4, 16:20] = 255
    return pixels


def sees_brightness() -> keras.Model:
    """A convolution whose one feature is brightness, and a score that rises with its mean."""
    inputs = keras.Input((24, 24, 3))
    x = keras.layers.Conv2D(1, 4, strides=4, use_bias=False, kernel_initializer="ones", name="bright")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")(x)
    return keras.Model(inputs, outputs)


def test_the_map_is_warm_where_the_evidence_is():
    maps = heat_maps(sees_brightness(), bright_spot())
    assert maps.shape == (5, 6, 6)
    for k, one in enumerate(maps):
        assert np.unravel_index(one.argmax(), one.shape) == (k, 4)
        assert one.sum() == pytest.approx(1.0)  # the score is saturated: the logit's gradient is not


def test_what_speaks_against_fake_is_cold():
    network = sees_brightness()
    network.layers[-1].set_weights([-np.ones((1, 1)), np.zeros(1)])
    assert heat_maps(network, bright_spot()).max() == 0


def test_it_is_grad_cam_of_a_network_cut_at_the_last_convolution():
    network = blueprint("custom_cnn", {}, "here").build((32, 32, 3))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    ours = heat_maps(network, pixels)
    import tensorflow as tf

    kernel, bias = network.layers[-1].get_weights()
    at = network.layers.index(network.get_layer("conv4"))
    features = pixels.astype("float32")
    for layer in network.layers[: at + 1]:
        features = layer(features, training=False) if layer.name.startswith(("norm", "drop")) else layer(features)
    with tf.GradientTape() as tape:
        tape.watch(features)
        logit = features
        for layer in network.layers[at + 1 : -1]:
            logit = layer(logit, training=False) if layer.name.startswith(("norm", "drop")) else layer(logit)
        logit = logit @ kernel + bias
    weights = tf.reduce_mean(tape.gradient(logit, features), axis=(1, 2), keepdims=True)
    theirs = scaled(np.asarray(tf.reduce_sum(weights * features, axis=-1)))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_network_is_as_it_was_afterwards():
    network = sees_brightness()
    before = network.predict_on_batch(bright_spot().astype("float32"))
    heat_maps(network, bright_spot())
    assert (network.predict_on_batch(bright_spot().astype("float32")) == before).all()
    assert "call" not in vars(network.get_layer("bright"))


def test_a_frozen_backbone_is_reached_through_its_nesting(tmp_path):
    backbone = make_backbone("MobileNet", size=32, weights="none", allow_random=False, seed=1, root=tmp_path)
    frozen, _ = cut(backbone.network, None)
    head = blueprint("pretrained", {}, "here").build((1024,))
    inputs = keras.Input((32, 32, 3))
    network = keras.Model(inputs, head(frozen(inputs)))
    assert last_maps(network).name == "conv_pw_13_relu"
    done = []
    maps = heat_maps(network, np.full((40, 32, 32, 3), 90, np.uint8), lambda n, note: done.append(n))
    assert maps.shape == (40, 1, 1)
    assert done == [32, 8]
    assert "preprocess" not in [layer.name for layer in convolutions(network)]
    assert leaves(network)[-1].name == "p_fake"
    found = feature_maps(network, np.full((32, 32, 3), 90, np.uint8), layers=3, maps=4)
    assert [len(one.maps) for one in found] == [4, 4, 4]
    assert found[0].layer == "conv1"


def test_the_last_maps_are_the_activation_where_it_stands_apart():
    layers = [keras.layers.Conv2D(2, 3, name="c"), keras.layers.BatchNormalization(), keras.layers.ReLU(name="r")]
    tail = [keras.layers.MaxPooling2D(2), keras.layers.ReLU(name="late"), keras.layers.Flatten(), keras.layers.Dense(1)]
    assert last_maps(keras.Sequential([keras.Input((8, 8, 3)), *layers, *tail])).name == "r"
    assert last_maps(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="d"), *tail])).name == "d"


def test_a_network_without_a_convolution_is_refused():
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ModelError, match="no convolution"):
        heat_maps(network, bright_spot()[:, :8, :8])


def test_feature_maps_and_filters_of_the_custom_cnn():
    network = blueprint("custom_cnn", {}, "here").build((32, 32, 3))
    maps = feature_maps(network, bright_spot(1, 32)[0], layers=8, maps=16)
    assert [(one.layer, one.maps.shape) for one in maps] == [
        ("conv1", (8, 32, 32)),
        ("conv2", (8, 16, 16)),
        ("conv3", (16, 8, 8)),
        ("conv4", (16, 4, 4)),
    ]
    assert all(one.maps.min() >= 0 and one.maps.max() <= 1 for one in maps)
    kernels = filters(network, layers=8)
    assert [one.kernels.shape for one in kernels] == [(8, 3, 3, 3), (8, 8, 5, 5), (16, 8, 5, 5), (16, 16, 5, 5)]
    first = network.get_layer("conv1").get_weights()[0]
    assert (kernels[0].kernels[2, 1] == first[:, :, 1, 2]).all()


def test_fine_maps_are_averaged_down():
    maps = np.random.default_rng(0).random((2, 64, 128), dtype=np.float32)
    small = coarse(maps)
    assert small.shape == (2, FINEST // 2, FINEST)
    assert small.mean() == pytest.approx(maps.mean(), abs=1e-3)
