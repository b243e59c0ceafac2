"""The layers that the settings of each kind give."""

import pytest

from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec


def layers_of(network) -> list[tuple[str, dict]]:
    return [(type(layer).__name__, layer.get_config()) for layer in network.layers]


def test_the_head_on_a_backbone_is_a_normalisation_a_dense_layer_dropout_and_the_score():
    import keras

    runtime.start(seed=1, threads=2)
    settings = {"units": 7, "dropout": 0.2, "l2": 0.01}
    network = model_spec("pretrained", settings, "here").build((12,))
    assert [name for name, _ in layers_of(network)] == ["InputLayer", "BatchNormalization", "Dense", "Dropout", "Dense"]
    (_, dense), (_, dropout), (_, last) = layers_of(network)[2:]
    assert (dense["units"], dense["activation"], dropout["rate"]) == (7, "relu", 0.2)
    assert float(network.get_layer("dense").kernel_regularizer.l2) == pytest.approx(0.01)
    assert (last["units"], last["activation"]) == (1, "sigmoid")
    linear = model_spec("pretrained", {"units": 0}, "here").build((12,))
    assert [name for name, _ in layers_of(linear)] == ["InputLayer", "BatchNormalization", "Dropout", "Dense"]
    block = keras.Sequential([keras.Input((12,)), keras.layers.Dense(3)])
    on_block = model_spec("pretrained", settings, "here").build((12,), block)
    assert on_block.get_layer("norm").input.shape == (None, 3)


def test_the_settings_of_networks_that_are_trained_from_scratch_reach_their_layers():
    runtime.start(seed=1, threads=2)
    settings = {"depth": 3, "first_kernel": 7, "kernel": 3, "width": 0.5, "units": 9, "dropout": 0.1, "l2": 0.02}
    custom = model_spec("custom_cnn", settings | {"momentum": 0.8}, "here").build((32, 32, 3))
    layers = layers_of(custom)
    assert [c["filters"] for name, c in layers if name == "Conv2D"] == [4, 4, 8]
    assert [c["kernel_size"] for name, c in layers if name == "Conv2D"] == [(7, 7), (3, 3), (3, 3)]
    assert [c["pool_size"] for name, c in layers if name == "MaxPooling2D"] == [(2, 2), (2, 2), (4, 4)]
    assert {c["momentum"] for name, c in layers if name == "BatchNormalization"} == {0.8}
    assert [c["rate"] for name, c in layers if name == "Dropout"] == [0.1, 0.1]
    assert custom.get_layer("dense").units == 9
    assert float(custom.get_layer("dense").kernel_regularizer.l2) == pytest.approx(0.02)
    simple = model_spec("simple_cnn", {"filters": 5, "units": 6}, "here").build((32, 32, 3))
    layers = layers_of(simple)
    assert [name for name, _ in layers] == [
        "Rescaling", "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense",
    ]  # fmt: skip
    assert [c["filters"] for name, c in layers if name == "Conv2D"] == [5, 10]
    assert [c["pool_size"] for name, c in layers if name == "MaxPooling2D"] == [(4, 4), (4, 4)]
    assert [c["units"] for name, c in layers if name == "Dense"] == [6, 1]
    for network in (custom, simple):
        assert network.get_layer("rescale").scale == pytest.approx(1 / 255)
        assert network.get_layer("p_fake").get_config()["activation"] == "sigmoid"
