import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.data.batches import predict_in_batches
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.features.spec import FeatureSpec
from fakefaces.models import runtime
from fakefaces.models.backbones import cut, make_backbone
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load
from fakefaces.params.train import Fit
from fakefaces.tracking.digests import digest
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import PreparedFeatures, train_network, whole_network
from fakefaces.training.loop import FitState, TrainingConfig, closed_form_history, fingerprint, fit
from tests.conftest import ROOT

NO_AUGMENTATION = Recipe([])
FLIP = Recipe([("HorizontalFlip", {"p": 0.5})])
A = TypeVar("A", bound=SplitArrays)


def config(epochs: int = 3, *, learning_rate: float = 0.003, recipe: Recipe = NO_AUGMENTATION) -> TrainingConfig:
    schedule = Fit(epochs=epochs, batch_size=16, learning_rate=learning_rate, patience=epochs)
    return TrainingConfig(schedule, recipe, seed=1)


def arrays(kind: type[A], n: int, seed: int) -> A:
    """Dark real images and light fakes."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.float32)
    pixels = rng.integers(0, 120, (n, 32, 32, 3)) + (labels * 130)[:, None, None, None]
    return kind(pixels.astype(np.uint8), labels, np.zeros((n, 4), np.int8))


def train_arrays() -> TrainArrays:
    return arrays(TrainArrays, 48, 0)


def validation_arrays() -> ValidationArrays:
    return arrays(ValidationArrays, 32, 1)


def network(kind: str = "custom_cnn"):
    runtime.start(seed=1, threads=2)
    return model_spec(kind, {}, "here").build((32, 32, 3))


def test_the_metrics_of_an_epoch_are_those_of_scikit_learn():
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    class Identity:
        """A network whose inputs are its scores."""

        def predict(self, features, **_):
            return features[:, None]

    rng = np.random.default_rng(8)
    labels = rng.integers(0, 2, 300).astype(np.float32)
    scores = (rng.integers(0, 40, 300) / 40).astype(np.float32)  # many equal ones, and some at 0
    replaced = np.zeros((300, 4), np.int8)
    train, validation = TrainArrays(scores[::-1], labels, replaced), ValidationArrays(scores, labels, replaced)
    row = closed_form_history(Identity(), train, validation, seconds=1.0).history[0]
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    assert row["val_roc_auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert row["val_loss"] == pytest.approx(log_loss(labels, clipped), abs=1e-12)
    assert row["val_accuracy"] == accuracy_score(labels, scores > 0.5)


@pytest.mark.parametrize("kind", ["simple_cnn", "custom_cnn"])
def test_a_kind_learns_what_is_plain_to_see(kind):
    fitted = network(kind)
    state = fit(fitted, arrays(TrainArrays, 64, 0), validation_arrays(), config(8))
    test = arrays(SplitArrays, 40, 2)
    scores = fitted.predict_on_batch(test.features.astype("float32"))[:, 0]
    assert ((scores > 0.5) == test.labels).mean() > 0.9
    assert state.history[-1]["val_loss"] < state.history[0]["val_loss"]
    assert set(state.history[0]) == {"epoch", "loss", "accuracy", "roc_auc", "val_loss", "val_accuracy", "val_roc_auc"}


def test_custom_cnn_is_the_reference_layer_by_layer():
    layers = [(type(layer).__name__, layer) for layer in network("custom_cnn").layers]
    assert [name for name, _ in layers] == [
        "Rescaling",
        *["Conv2D", "BatchNormalization", "MaxPooling2D"] * 4,
        "Flatten", "Dropout", "Dense", "LeakyReLU", "Dropout", "Dense",
    ]  # fmt: skip
    convolutions = [layer for name, layer in layers if name == "Conv2D"]
    assert [(c.filters, c.kernel_size[0]) for c in convolutions] == [(8, 3), (8, 5), (16, 5), (16, 5)]
    assert [layer.pool_size[0] for name, layer in layers if name == "MaxPooling2D"] == [2, 2, 2, 4]
    dense = [layer for name, layer in layers if name == "Dense"]
    assert (dense[0].units, dense[1].units) == (16, 1)
    assert float(dense[0].kernel_regularizer.l2) == pytest.approx(0.005)
    assert next(layer for name, layer in layers if name == "LeakyReLU").negative_slope == pytest.approx(0.1)
    assert [layer.rate for name, layer in layers if name == "Dropout"] == [0.5, 0.5]


def test_the_best_epoch_is_kept_and_patience_ends_the_fit():
    state = FitState()
    schedule = Fit(epochs=10, batch_size=1, learning_rate=1, patience=2)
    better = [state.add_epoch({"val_loss": loss, "val_roc_auc": 0.5}, "val_loss") for loss in (3, 2, 2, 4)]
    assert better == [True, True, False, False]
    assert state.best_epoch == 2
    assert state.is_finished(schedule)
    auc = FitState()
    assert [auc.add_epoch({"val_loss": 1, "val_roc_auc": a}, "val_roc_auc") for a in (0.5, 0.7, 0.6)] == [
        True,
        True,
        False,
    ]


def test_the_weights_returned_are_those_of_the_best_epoch():
    validation = validation_arrays()
    # with wrong labels validation gets worse while training gets better
    flipped = replace(validation, labels=1 - validation.labels)
    fitted = network()
    state = fit(fitted, train_arrays(), flipped, config(6))
    losses = [row["val_loss"] for row in state.history]
    fitted.compile(loss="binary_crossentropy")
    kept = fitted.evaluate(flipped.features, flipped.labels, verbose=0, return_dict=True)["loss"]
    assert kept == pytest.approx(min(losses), rel=1e-4)
    assert state.best_epoch == int(np.argmin(losses)) + 1


def test_an_interrupted_fit_ends_where_an_undisturbed_one_does(tmp_path):
    class StopError(Exception):
        pass

    def stop(row):
        if row["epoch"] == 2:
            raise StopError

    train, validation, flipping = train_arrays(), validation_arrays(), config(recipe=FLIP)
    whole, resumed = network(), network()
    history = fit(whole, train, validation, flipping)
    with pytest.raises(StopError):
        fit(network(), train, validation, flipping, checkpoint=tmp_path / "c", on_epoch=stop)
    rows = []
    again = fit(resumed, train, validation, flipping, checkpoint=tmp_path / "c", on_epoch=rows.append)
    assert again.history == history.history == rows
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert (one == other).all()


def test_a_loss_that_is_no_number_is_an_error():
    with pytest.raises(ModelError, match="learning_rate"):
        fit(network(), train_arrays(), validation_arrays(), config(4, learning_rate=1e30))


def test_a_checkpoint_belongs_to_one_fit_alone(tmp_path):
    code = tmp_path / "a.py"
    code.write_text("x = 1")
    data = [np.arange(4)]
    first = fingerprint(data, {"a": 1}, [code])
    assert first == fingerprint(data, {"a": 1}, [code])
    assert first != fingerprint([np.arange(5)], {"a": 1}, [code])
    assert first != fingerprint(data, {"a": 2}, [code])
    code.write_text("x = 2")
    assert first != fingerprint(data, {"a": 1}, [code])


SAVE = """
    import sys; from pathlib import Path; sys.path.insert(0, {root!r})
    from tests.test_train import FLIP, config, network, train_arrays, validation_arrays
    from tests.detectors import save_network
    from fakefaces.training.loop import fit
    fitted = network()
    fit(fitted, train_arrays(), validation_arrays(), config(recipe=FLIP))
    save_network(fitted, Path({out!r}))
"""


def test_the_last_blocks_of_a_backbone_are_trained_and_the_others_are_not(tmp_path):
    runtime.start(seed=1, threads=2)
    made = make_backbone("VGG16", size=32, weights="none", allow_random=False, seed=1, root=tmp_path)
    frozen, trainable = cut(made.network, "block5_conv3")
    validation = arrays(ValidationArrays, 16, 1)

    def embedded(images: A) -> A:
        return replace(images, features=predict_in_batches(frozen.predict_on_batch, images.features))

    spec = FeatureSpec("pixels", 32)
    train = embedded(arrays(TrainArrays, 32, 0))
    prepared = PreparedFeatures(train, embedded(validation), frozen, trainable, "VGG16 random", spec)
    before = [w.copy() for w in frozen.get_weights()], [np.asarray(w).copy() for w in trainable.trainable_weights]
    head, state = train_network(
        prepared,
        model_spec("pretrained", {"units": 8}, "here"),
        config(),
        unfinished=tmp_path / "unfinished",
        on_epoch=lambda row: None,
    )
    whole = whole_network(prepared, head)
    assert state.epoch == 3
    assert all((a == b).all() for a, b in zip(before[0], frozen.get_weights(), strict=True))
    assert any((a != np.asarray(b)).any() for a, b in zip(before[1], trainable.trainable_weights, strict=True))
    scores = whole.predict_on_batch(validation.features.astype("float32"))
    assert scores.shape == (16, 1)
    assert ((scores >= 0) & (scores <= 1)).all()
    runtime.save_network(whole, tmp_path / "whole.keras")
    again = runtime.load_network(tmp_path / "whole.keras")
    assert np.abs(again.predict_on_batch(validation.features.astype("float32")) - scores).max() < 1e-6


@pytest.mark.slow
def test_two_processes_save_the_same_bytes(tmp_path):
    made = []
    for name in ("one", "two"):
        out = tmp_path / name
        code = textwrap.dedent(SAVE.format(root=str(ROOT), out=str(out)))
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        made.append(digest(out))
    assert made[0] == made[1]


def test_a_terminated_stage_leaves_an_exit_code_and_no_traceback(workspace):
    code = """
        import os, signal, time
        from fakefaces.base.schema import StageParams
        from fakefaces.base.stage import run_stage

        def main(params, layout):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(9)

        run_stage(main, StageParams)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=workspace, capture_output=True, text=True, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr
    assert not list(workspace.rglob("*.tmp"))


@pytest.mark.parametrize("kind", ["simple_cnn", "pretrained"])
def test_a_network_learns_from_the_training_arrays_and_stops_on_the_validation_arrays(kind, tmp_path):
    train, validation = arrays(TrainArrays, 64, 0), validation_arrays()
    if kind == "pretrained":
        train, validation = (replace(a, features=a.features.mean(axis=(1, 2)) / 255) for a in (train, validation))
    unrelated = (np.arange(32) // 2 % 2).astype(
        np.float32
    )  # to the brightness, by which training images are told apart
    prepared = PreparedFeatures(
        train, replace(validation, labels=unrelated), None, None, "w", FeatureSpec("pixels", 32)
    )
    runtime.start(seed=1, threads=2)
    spec = model_spec(kind, {}, "here")
    _, state = train_network(prepared, spec, config(8), unfinished=tmp_path, on_epoch=lambda row: None)
    assert state.history[-1]["roc_auc"] > 0.9
    assert state.history[-1]["val_roc_auc"] < 0.7


@pytest.mark.slow
def test_each_fold_is_trained_on_its_own_training_images(workspace, monkeypatch):
    from pipelines import train as stage

    layout, params = Layout(workspace), load(workspace / "params.yaml")
    names = sorted(path.relative_to(layout.data).as_posix() for path in layout.data.rglob("*.jpg"))
    table = pd.DataFrame({"image": names, "split": "train", "fold": [k % 3 for k in range(len(names))]})
    table = table.assign(
        label=[int("fake" in name) for name in names], group=names, validates=[k % 2 for k in range(80)]
    )
    table = table.assign(faces=0, **dict.fromkeys(PARTS, 0))
    layout.images.parent.mkdir(parents=True)
    table.to_csv(layout.images, index=False)
    folder = layout.features("pixels")
    folder.mkdir(parents=True)
    rows = np.arange(80, dtype=np.uint8)  # each image is known by its pixels
    np.save(folder / "arrays.npy", np.broadcast_to(rows[:, None, None, None], (80, 32, 32, 3)))
    spec = {"extractor": "pixels", "image_size": 32, "crop": 0, "weights": "trained from scratch", "group_sizes": []}
    write_json(folder / "features.json", spec)
    write_json(layout.tuned("none"), {"fit": {}, "settings": {}, "augment": {}})
    write_json(layout.recipe("standard"), [])
    trained = []

    def record(features, spec, config, **_):
        trained.append(features)
        return spec.build((32, 32, 3)), FitState(history=[{"epoch": 1.0, "val_loss": 1.0}], best_epoch=1, seconds=1.0)

    monkeypatch.setattr(stage, "train_network", record)
    monkeypatch.setenv("FAKEFACES_JOBS", "1")  # in this process
    stage.main(params, layout, "simple_cnn")
    splits = cv_splits(read_split(layout.images))
    assert len(trained) == len(splits) == 3
    for features, split in zip(trained, splits, strict=True):
        assert set(features.train.features[:][:, 0, 0, 0]) == set(split.train.index)
        assert set(features.validation.features[:][:, 0, 0, 0]) == set(split.validation.index)
        assert features.train.labels.tolist() == split.train["label"].tolist()
    assert pd.read_csv(layout.history("simple_cnn"))["fold"].tolist() == [0, 1, 2]
