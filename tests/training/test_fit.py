"""Which arrays, settings and layers a network is trained with, and what it is joined to."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.files import write_json
from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.data.batches import predict_in_batches
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import CvSplit
from fakefaces.features.spec import FeatureSpec
from fakefaces.graphs.graph import Graph
from fakefaces.models import runtime
from fakefaces.models.backbones import cut
from fakefaces.models.export import export
from fakefaces.models.kinds import model_spec
from fakefaces.params.train import Fit
from fakefaces.training import fit as fitting
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import PreparedFeatures, inference_graph, load_features, train_network, whole_network
from fakefaces.training.loop import FitState, TrainingConfig

FLIP = Recipe([("HorizontalFlip", {"p": 0.5})])
CONFIG = TrainingConfig(Fit(epochs=3, batch_size=16, learning_rate=0.003, patience=3), FLIP, seed=1)
SPEC = FeatureSpec("pixels", 32)
A = TypeVar("A", bound=SplitArrays)


def arrays(kind: type[A], n: int, seed: int) -> A:
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3)).astype(np.uint8)
    return kind(pixels, (np.arange(n) % 2).astype(np.float32), np.zeros((n, 4), np.int8))


@pytest.fixture
def features() -> PreparedFeatures:
    runtime.start(seed=3, threads=2)
    return PreparedFeatures(arrays(TrainArrays, 6, 0), arrays(ValidationArrays, 4, 1), None, None, "w", SPEC)


@pytest.fixture
def fits(monkeypatch):
    """What train_network hands to the fit, which is not done."""
    calls = []

    def fit(network, train, validation, config, **options):
        calls.append(options | {"network": network, "train": train, "validation": validation, "config": config})
        return FitState()

    monkeypatch.setattr(fitting, "fit", fit)
    return calls


def train_with(features, folder, *, kind="simple_cnn", settings=None, config=CONFIG):
    spec = model_spec(kind, {"units": 3} | (settings or {}), "here")
    return train_network(features, spec, config, unfinished=folder, on_epoch=lambda row: None)


def test_a_network_is_fitted_on_the_training_arrays_and_stopped_by_the_validation_arrays(features, fits, tmp_path):
    for seed in (5, 5, 6):
        train_with(features, tmp_path, config=replace(CONFIG, seed=seed))
    first = fits[0]
    assert first["train"] is features.train
    assert first["validation"] is features.validation
    assert first["config"] == replace(CONFIG, seed=5)
    assert first["checkpoint"].parent == tmp_path
    kernels = [call["network"].get_weights()[0] for call in fits]  # the seed decides, not what was built before
    assert (kernels[0] == kernels[1]).all()
    assert (kernels[0] != kernels[2]).any()


def test_a_fit_is_resumed_only_from_a_checkpoint_of_equal_arrays_settings_and_parameters(features, fits, tmp_path):
    train, validation = features.train, features.validation
    train_with(features, tmp_path)
    train_with(features, tmp_path)
    first, again = (call["checkpoint"] for call in fits)
    assert first == again
    other = arrays(SplitArrays, 6, 2).features
    train_with(replace(features, train=replace(train, features=other)), tmp_path)
    train_with(replace(features, train=replace(train, labels=1 - train.labels)), tmp_path)
    train_with(replace(features, validation=replace(validation, features=other[:4])), tmp_path)
    train_with(replace(features, validation=replace(validation, labels=1 - validation.labels)), tmp_path)
    train_with(features, tmp_path, settings={"units": 4})
    train_with(features, tmp_path, kind="custom_cnn", settings={"depth": 2})
    for change in (
        {"epochs": 4},
        {"batch_size": 8},
        {"learning_rate": 0.1},
        {"patience": 2},
        {"monitor": "val_roc_auc"},
    ):
        train_with(features, tmp_path, config=replace(CONFIG, fit=CONFIG.fit.model_copy(update=change)))
    train_with(features, tmp_path, config=replace(CONFIG, recipe=Recipe([])))
    train_with(features, tmp_path, config=replace(CONFIG, recipe=FLIP.with_strength(0.5)))
    train_with(features, tmp_path, config=replace(CONFIG, seed=2))
    checkpoints = [call["checkpoint"] for call in fits[1:]]
    assert len(set(checkpoints)) == len(checkpoints) == 15


def small_backbone():
    """A backbone as make_backbone gives one: fixed preprocessing, and two convolutions with a normalisation each."""
    import keras

    runtime.start(seed=1, threads=2)
    layers = keras.layers
    below = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="low_norm")(layers.Conv2D(4, 3, name="low")(layers.Dropout(0.3)(below)))
    x = layers.BatchNormalization(name="high_norm")(layers.Conv2D(5, 3, name="high")(x))
    inputs = keras.Input((8, 8, 3), name="pixels")
    preprocess = layers.Rescaling(1 / 255, name="preprocess")
    network = keras.Model(inputs, keras.Model(below, x, name="core")(preprocess(inputs)), name="backbone")
    network.trainable = False
    return network


def test_a_fit_changes_the_trainable_convolutions_and_no_normalisation_of_the_backbone(tmp_path):
    frozen, trainable = cut(small_backbone(), "high")
    before = {v.path: np.asarray(v).copy() for part in (frozen, trainable) for v in part.variables}
    pixels = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    values = predict_in_batches(frozen.predict_on_batch, pixels), (np.arange(24) % 2).astype(np.float32)
    train, validation = (kind(*values, np.zeros((24, 4), np.int8)) for kind in (TrainArrays, ValidationArrays))
    features = PreparedFeatures(train, validation, frozen, trainable, "w", FeatureSpec("pixels", 8))
    head, _ = train_with(features, tmp_path, kind="pretrained", config=replace(CONFIG, recipe=Recipe([])))
    after = {v.path: np.asarray(v) for part in (frozen, trainable) for v in part.variables}
    assert {path for path in after if (after[path] != before[path]).any()} == {"high/kernel", "high/bias"}
    # the whole network and its graph start from pixels, and hold the trained convolution
    expected = head.predict_on_batch(predict_in_batches(frozen.predict_on_batch, pixels))
    features = replace(features, frozen_graph=export(frozen), scale=1.0)
    whole, graph = whole_network(features, head), Graph(inference_graph(features, head))
    assert whole.input_shape == (None, 8, 8, 3)
    assert whole.predict_on_batch(pixels.astype(np.float32)) == pytest.approx(expected, abs=1e-6)
    assert graph.map(pixels, threads=2) == pytest.approx(expected, abs=1e-6)


def test_nothing_of_a_backbone_without_a_cut_is_trainable():
    frozen, trainable = cut(small_backbone(), None)
    assert trainable is None
    assert not frozen.trainable_variables
    assert frozen.output_shape == (None, 5)


def write_features(folder, rows: int, network=None, **metadata):
    """The folder of a feature set whose row k holds k."""
    folder.mkdir()
    np.save(folder / "arrays.npy", np.arange(rows, dtype=np.float32)[:, None] * np.ones(2, np.float32))
    defaults = {"extractor": "pixels", "image_size": 32, "crop": 0, "weights": "w", "group_sizes": []}
    write_json(folder / "features.json", defaults | metadata)
    if network is not None:
        runtime.save_network(network, folder / "frozen.keras")
        (folder / "frozen.onnx").write_bytes(export(network))


def split_of(names: list[str]) -> CvSplit:
    """Images in order; every third is a fake with a replaced nose, and the parts of image 6 are unknown.

    Images 1 and 6 are of one photograph.
    """
    n = len(names)
    table = pd.DataFrame({"image": [f"{k}.jpg" for k in range(n)], "split": names})
    table["label"] = [int(k % 3 == 0) for k in range(n)]
    table["group"] = ["one" if k in (1, 6) else f"{k}" for k in range(n)]
    parts = pd.DataFrame(0, index=table.index, columns=list(PARTS)).astype("Int64")
    parts.loc[table["label"] == 1, "nose"] = 1
    parts.loc[6] = pd.NA
    return CvSplit(0, 1, table.join(parts))


NAMES = ["test", "train", "validation", "train", "train", "test", "train", "validation", "test"]


def test_features_are_divided_as_the_table_says(tmp_path):
    write_features(tmp_path / "features", 9)
    features = load_features(tmp_path / "features", split_of(NAMES))
    assert features.train.features[:, 0].tolist() == [1, 3, 4, 6]
    assert features.validation.features[:, 0].tolist() == [2, 7]
    assert features.train.labels.tolist() == [0, 1, 0, 1]
    assert features.validation.labels.tolist() == [0, 0]
    assert features.train.replaced.tolist() == [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [-1, -1, -1, -1]]
    assert len(features.train.copy_of) == 0
    assert features.train.photographs.tolist() == [2, 0, 1, 2]
    assert (features.frozen, features.trainable, features.weights, features.spec) == (None, None, "w", SPEC)


def test_only_copies_of_training_images_are_trained_on_and_refer_to_their_originals(tmp_path):
    folder = tmp_path / "features"
    write_features(folder, 9, extractor="residuals", group_sizes=[1, 1])
    copies = split_of(NAMES).table.drop(columns="split").loc[[k for k in range(9) for _ in range(2)]]
    copies.loc[copies["image"] == "6.jpg", list(PARTS)] = -1
    copies.to_csv(folder / "copies.csv", index=False)
    np.save(folder / "copies.npy", 100 + np.arange(18, dtype=np.float32)[:, None] * np.ones(2, np.float32))
    features = load_features(folder, split_of(NAMES))
    train = features.train
    assert train.features[:][:, 0].tolist() == [1, 3, 4, 6, 102, 103, 106, 107, 108, 109, 112, 113]
    assert train.copy_of.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert train.photographs.tolist() == [2, 0, 1, 2]
    assert train.labels.tolist() == [0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1]
    assert train.replaced[:, 2].tolist() == [0, 1, 0, -1, 0, 0, 1, 1, 0, 0, -1, -1]
    assert features.validation.features[:][:, 0].tolist() == [2, 7]
    assert (features.spec, features.group_sizes) == (FeatureSpec("residuals", 32), [1, 1])


def test_backbone_features_and_the_backbone_are_scaled_by_the_deviation_of_the_training_images(tmp_path):
    import keras

    runtime.start(seed=1, threads=2)
    inputs = keras.Input((2,), name="pixels")
    network = keras.Model(inputs, keras.layers.Rescaling(1.0)(inputs), name="frozen")
    write_features(tmp_path / "features", 9, network=network)
    features = load_features(tmp_path / "features", split_of(NAMES))
    deviation = np.std([1, 3, 4, 6])
    assert features.train.features[:, 0] == pytest.approx(np.array([1, 3, 4, 6]) / deviation)
    assert features.validation.features[:, 1] == pytest.approx(np.array([2, 7]) / deviation)
    assert features.scale == pytest.approx(1 / deviation)
    assert features.trainable is None
    head = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(3.0)])  # what a network and its graph begin with
    assert whole_network(features, head).predict_on_batch(np.full((1, 2), 5.0)) == pytest.approx(15 / deviation)
    assert Graph(inference_graph(features, head))(np.full(2, 5.0)) == pytest.approx(15 / deviation)
