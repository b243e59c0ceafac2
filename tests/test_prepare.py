import json

import numpy as np
import pytest

from fakefaces.base.errors import ModelError, ParamsError
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.data.batches import predict_in_batches
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.models import runtime
from fakefaces.models.backbones import cut, make_backbone, unit_scale
from fakefaces.params.file import load
from fakefaces.params.prepare import FeatureSet
from fakefaces.training.fit import load_features
from pipelines import duplicates, prepare, split, validate


def backbone(tmp_path, name="MobileNet", size=32, weights="none", allow_random=False):
    runtime.start(seed=1, threads=2)
    return make_backbone(name, size=size, weights=weights, allow_random=allow_random, seed=1, root=tmp_path)


PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "name",
    ["VGG16", "MobileNet", *(pytest.param(name, marks=pytest.mark.slow) for name in ("EfficientNetB0", "DenseNet121"))],
)
def test_preprocessing_is_the_backbones_own(tmp_path, name):
    import keras

    made = backbone(tmp_path, name).network
    module = __import__(getattr(keras.applications, name).__module__, fromlist=["preprocess_input"])
    wanted = module.preprocess_input(PIXELS.astype("float32"))
    got = made.get_layer("preprocess")(PIXELS.astype("float32"))
    assert np.abs(np.asarray(got) - np.asarray(wanted)).max() < 1e-3


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("VGG16", "block5_conv1"),
        ("MobileNetV2", "block_16_expand"),
        pytest.param("EfficientNetB0", "top_conv", marks=pytest.mark.slow),
    ],
)
def test_a_cut_backbone_computes_what_the_whole_one_does(tmp_path, name, layer):
    made = backbone(tmp_path, name).network
    whole, none = cut(made, None)
    assert none is None
    wanted = predict_in_batches(whole.predict_on_batch, PIXELS)
    frozen, trained = cut(backbone(tmp_path, name).network, layer)
    below = predict_in_batches(frozen.predict_on_batch, PIXELS)
    assert np.abs(np.asarray(trained.predict_on_batch(below)) - wanted).max() < 1e-5
    assert not frozen.trainable_weights
    assert trained.trainable_weights


def test_statistics_of_a_trainable_part_stay_those_of_the_backbone(tmp_path):
    import keras

    _, trainable = cut(backbone(tmp_path, "EfficientNetB0").network, "block7a_expand_conv")
    norms = [layer for layer in trainable.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert norms
    assert not any(norm.trainable for norm in norms)
    assert all(layer.trainable for layer in trainable.layers if layer not in norms)


def test_random_weights_are_seeded(tmp_path):
    one, two = (backbone(tmp_path).network.get_weights() for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))


def test_weights_come_from_a_file_and_say_so(tmp_path):
    first = backbone(tmp_path)
    assert first.weights == "random"
    core = first.network.layers[2]
    core.set_weights([w + 1 for w in core.get_weights()])
    core.save_weights(tmp_path / "own.weights.h5")
    second = backbone(tmp_path, weights="own.weights.h5")
    assert second.weights == "own.weights.h5"
    assert all((a == b).all() for a, b in zip(core.get_weights(), second.network.layers[2].get_weights(), strict=True))


def test_what_a_user_can_get_wrong_is_one_message(tmp_path):
    with pytest.raises(ModelError, match="no backbone 'VGG17'.*VGG16"):
        backbone(tmp_path, "VGG17")
    with pytest.raises(ModelError, match="no file"):
        backbone(tmp_path, weights="absent.h5")
    (tmp_path / "text.weights.h5").write_text("no weights")
    with pytest.raises(ModelError, match="not the weights of MobileNet"):
        backbone(tmp_path, weights="text.weights.h5")
    with pytest.raises(ModelError, match="at least 32x32"):
        backbone(tmp_path, "VGG16", size=16)
    with pytest.raises(ModelError, match="no layer 'block9'; its last ones"):
        cut(backbone(tmp_path, "VGG16").network, "block9")
    with pytest.raises(ModelError, match="more than one tensor"):
        cut(backbone(tmp_path, "MobileNetV2").network, "block_15_depthwise")


def test_without_a_network_random_weights_are_used_only_where_allowed(tmp_path, monkeypatch, capfd):
    import keras

    def unreachable(*args, **kwargs):
        if kwargs["weights"] == "imagenet":
            raise Exception("URL fetch failure on https://example.com: None -- no network")
        return real(*args, **kwargs)

    real = keras.applications.MobileNet
    unreachable.__module__ = real.__module__
    monkeypatch.setattr(keras.applications, "MobileNet", unreachable)
    with pytest.raises(ModelError, match="could not be downloaded.*allow_random_weights"):
        backbone(tmp_path, weights="imagenet")
    made = backbone(tmp_path, weights="imagenet", allow_random=True)
    assert made.weights == "random (imagenet could not be downloaded)"
    assert "RANDOM" in capfd.readouterr().err


def test_the_stage_writes_each_feature_set_in_the_order_of_the_table(workspace):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    duplicates.main(params, layout)
    split.main(params, layout)
    validate.main(params, layout)
    for name in params.prepare.features:
        prepare.main(params, layout, name)
    arrays = np.load(layout.features("pixels") / "arrays.npy")
    table = read_split(layout.images)
    assert arrays.shape == (80, 32, 32, 3)
    last = images.resize(images.decode((layout.data / table["image"].iloc[-1]).read_bytes()), 32)
    assert (arrays[-1] == last).all()
    metadata = json.loads((layout.features("mobilenet") / "features.json").read_text())
    spec = {"extractor": "pixels", "image_size": 32, "crop": 0, "harmonise": None, "region_sizes": False}
    assert metadata == spec | {"weights": "MobileNet random", "group_sizes": []}
    made = np.load(layout.features("mobilenet") / "arrays.npy")
    assert made.shape == (80, 1024)
    # training scales them to unit spread on its own images, and the network that gives them likewise
    features = load_features(layout.features("mobilenet"), cv_splits(table)[0])
    assert features.train.features.std() == pytest.approx(1, rel=1e-3)
    first = np.flatnonzero(table["split"] == "train")[:4]
    assert (
        np.abs(
            features.scale * features.frozen.predict_on_batch(arrays[first].astype("float32"))
            - features.train.features[:4]
        ).max()
        < 1e-2
    )


def test_a_feature_set_has_a_minimum_size():
    from fakefaces.base.schema import parse

    with pytest.raises(ParamsError, match="image_size"):
        parse(FeatureSet, {"image_size": 4}, "here")


def test_features_are_those_of_each_image_however_many_they_are():
    import keras

    runtime.start(seed=1, threads=2)
    inputs = keras.Input((4, 4, 3))
    frozen = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    for n in (1, 32, 70):
        pixels = np.random.default_rng(n).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
        advances = []
        features = predict_in_batches(
            frozen.predict_on_batch, pixels, on_batch=lambda advance, note, advances=advances: advances.append(advance)
        )
        assert features == pytest.approx(pixels.mean(axis=(1, 2)), abs=1e-3)
        assert sum(advances) == n


def test_scaled_features_have_a_standard_deviation_of_one_on_the_training_rows():
    features, train_rows = np.array([[0, 2], [100, 300], [4, 6]], np.float32), np.array([0, 2])
    assert unit_scale(features, train_rows) == pytest.approx(1 / np.std([0, 2, 4, 6]))
    assert unit_scale(np.ones((3, 2), np.float32), train_rows) == 1
