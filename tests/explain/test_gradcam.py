import keras
import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.explain.feature_maps import feature_maps, filters
from fakefaces.explain.heatmaps import MAX_SIDE, grad_cam, scale_to_peak, shrink_heatmaps
from fakefaces.explain.layers import convolutions, flatten_layers, last_feature_layer
from fakefaces.models import runtime
from fakefaces.models.backbones import cut, make_backbone
from fakefaces.models.kinds import model_spec


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


def test_the_heatmap_is_hot_where_the_evidence_is():
    maps = grad_cam(sees_brightness(), bright_spot())
    assert maps.shape == (5, 6, 6)
    for k, heatmap in enumerate(maps):
        assert np.unravel_index(heatmap.argmax(), heatmap.shape) == (k, 4)
        assert heatmap.sum() == pytest.approx(1.0)  # the score is saturated: the logit's gradient is not


def test_evidence_against_fake_is_cold():
    network = sees_brightness()
    network.layers[-1].set_weights([-np.ones((1, 1)), np.zeros(1)])
    assert grad_cam(network, bright_spot()).max() == 0


def test_it_equals_grad_cam_of_a_network_cut_at_the_last_convolution():
    network = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    ours = grad_cam(network, pixels)
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
    theirs = scale_to_peak(np.asarray(tf.reduce_sum(weights * features, axis=-1)))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_the_network_is_unchanged_afterwards():
    network = sees_brightness()
    before = network.predict_on_batch(bright_spot().astype("float32"))
    grad_cam(network, bright_spot())
    assert (network.predict_on_batch(bright_spot().astype("float32")) == before).all()
    assert "call" not in vars(network.get_layer("bright"))


def test_a_frozen_backbone_is_reached_through_its_nesting(tmp_path):
    backbone = make_backbone("MobileNet", size=32, weights="none", allow_random=False, seed=1, root=tmp_path)
    frozen, _ = cut(backbone.network, None)
    head = model_spec("pretrained", {}, "here").build((1024,))
    inputs = keras.Input((32, 32, 3))
    network = keras.Model(inputs, head(frozen(inputs)))
    assert last_feature_layer(network).name == "conv_pw_13_relu"
    done = []
    maps = grad_cam(network, np.full((40, 32, 32, 3), 90, np.uint8), lambda n, note: done.append(n))
    assert maps.shape == (40, 1, 1)
    assert done == [32, 8]
    assert "preprocess" not in [layer.name for layer in convolutions(network)]
    assert flatten_layers(network)[-1].name == "p_fake"
    layer_maps = feature_maps(network, np.full((32, 32, 3), 90, np.uint8), layers=3, maps=4)
    assert [len(layer.maps) for layer in layer_maps] == [4, 4, 4]
    assert layer_maps[0].layer == "conv1"


def test_the_last_feature_layer_is_a_separate_activation_if_there_is_one():
    layers = [keras.layers.Conv2D(2, 3, name="c"), keras.layers.BatchNormalization(), keras.layers.ReLU(name="r")]
    tail = [keras.layers.MaxPooling2D(2), keras.layers.ReLU(name="late"), keras.layers.Flatten(), keras.layers.Dense(1)]
    assert last_feature_layer(keras.Sequential([keras.Input((8, 8, 3)), *layers, *tail])).name == "r"
    assert (
        last_feature_layer(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="d"), *tail])).name
        == "d"
    )


def test_a_network_without_a_convolution_is_refused():
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ModelError, match="no convolution"):
        grad_cam(network, bright_spot()[:, :8, :8])


def test_feature_maps_and_filters_of_the_custom_cnn():
    network = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    maps = feature_maps(network, bright_spot(1, 32)[0], layers=8, maps=16)
    assert [(layer.layer, layer.maps.shape) for layer in maps] == [
        ("conv1", (8, 32, 32)),
        ("conv2", (8, 16, 16)),
        ("conv3", (16, 8, 8)),
        ("conv4", (16, 4, 4)),
    ]
    assert all(layer.maps.min() >= 0 and layer.maps.max() <= 1 for layer in maps)
    kernels = filters(network, layers=8)
    assert [layer.kernels.shape for layer in kernels] == [(8, 3, 3, 3), (8, 8, 5, 5), (16, 8, 5, 5), (16, 16, 5, 5)]
    first = network.get_layer("conv1").get_weights()[0]
    assert (kernels[0].kernels[2, 1] == first[:, :, 1, 2]).all()


def test_fine_maps_are_averaged_down():
    maps = np.random.default_rng(0).random((2, 64, 128), dtype=np.float32)
    small = shrink_heatmaps(maps)
    assert small.shape == (2, MAX_SIDE // 2, MAX_SIDE)
    assert small.mean() == pytest.approx(maps.mean(), abs=1e-3)


def identity_network() -> keras.Model:
    """Five convolutions that copy their inputs; the first multiplies red by ten."""
    inputs = x = keras.Input((8, 8, 3))
    for k in range(5):
        layer = keras.layers.Conv2D(3, 3, padding="same", use_bias=False, name=f"c{k}")
        x = layer(x)
        kernel = np.zeros((3, 3, 3, 3), np.float32)
        kernel[1, 1] = np.diag([10, 1, 1] if k == 0 else [1, 1, 1])
        layer.set_weights([kernel])
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(x)))


def test_feature_maps_are_of_evenly_spaced_layers_each_in_its_own_range():
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2, 5], pixels[3, 4] = (200, 30, 0), (100, 60, 0)
    layers = feature_maps(identity_network(), pixels, layers=3, maps=2)
    assert [layer.layer for layer in layers] == ["c0", "c2", "c4"]
    for layer in layers:
        assert (len(layer.maps), layer.channels) == (2, 3)
        assert (layer.maps[0, 2, 5], layer.maps[1, 2, 5]) == pytest.approx((1, 0.5))
        assert (layer.maps[0, 3, 4], layer.maps[1, 3, 4]) == pytest.approx((0.5, 1))
    (last,) = feature_maps(identity_network(), pixels, layers=5, maps=3)[-1:]
    assert last.maps[2].max() == 0  # a constant map
    assert [layer.layer for layer in filters(identity_network(), layers=2)] == ["c0", "c4"]


def test_heatmaps_of_several_batches_have_their_own_peaks_and_keep_their_order():
    pixels = bright_spot(40, 24)
    pixels[5:] = np.resize(pixels[:5], (35, 24, 24, 3))
    pixels[3] //= 4
    maps = grad_cam(sees_brightness(), pixels)
    assert maps.max(axis=(1, 2)).tolist() == [1.0] * 40
    assert [int(heatmap.argmax()) // 6 for heatmap in maps] == [k % 5 for k in range(40)]
