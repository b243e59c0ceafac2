import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.data.arrays import Part
from fakefaces.models import runtime
from fakefaces.models.backbones import cut, features, make_backbone
from fakefaces.models.kinds import blueprint
from fakefaces.tracking.digests import digest
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import View, fit_view
from fakefaces.training.loop import Progress, Schedule, fingerprint, fit, solved
from tests.conftest import ROOT

SCHEDULE = Schedule(epochs=3, batch_size=16, learning_rate=0.003, patience=3)
FLIP = Recipe([("HorizontalFlip", {"p": 0.5})])


def part(n: int, seed: int) -> Part:
    """Dark images, and light ones that are the fakes."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.float32)
    views = rng.integers(0, 120, (n, 32, 32, 3)) + (labels * 130)[:, None, None, None]
    return Part(views.astype(np.uint8), labels, np.zeros((n, 4), np.int8))


def network(kind: str = "custom_cnn"):
    runtime.start(seed=1, threads=2)
    return blueprint(kind, {}, "here").build((32, 32, 3))


def test_the_figures_of_an_epoch_are_those_of_scikit_learn():
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    class Given:
        """A network whose views are its scores."""

        def predict(self, views, **_):
            return views[:, None]

    rng = np.random.default_rng(8)
    labels = rng.integers(0, 2, 300).astype(np.float32)
    scores = (rng.integers(0, 40, 300) / 40).astype(np.float32)  # many equal ones, and some at 0
    row = solved(Given(), *(Part(scores, labels, np.zeros((300, 4), np.int8)) for _ in range(2))).history[0]
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    assert row["val_roc_auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert row["val_loss"] == pytest.approx(log_loss(labels, clipped), abs=1e-12)
    assert row["val_accuracy"] == accuracy_score(labels, scores > 0.5)


@pytest.mark.parametrize("kind", ["simple_cnn", "custom_cnn"])
def test_a_kind_learns_what_is_plain_to_see(kind):
    fitted = network(kind)
    state = fit(fitted, part(64, 0), part(32, 1), Schedule(8, 16, 0.003, 8), recipe=Recipe([]), seed=1)
    test = part(40, 2)
    scores = fitted.predict_on_batch(test.views.astype("float32"))[:, 0]
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
    state = Progress()
    schedule = Schedule(epochs=10, batch_size=1, learning_rate=1, patience=2)
    better = [state.improved_by({"val_loss": loss, "val_roc_auc": 0.5}, "val_loss") for loss in (3, 2, 2, 4)]
    assert better == [True, True, False, False]
    assert state.best_epoch == 2
    assert state.over(schedule)
    auc = Progress()
    assert [auc.improved_by({"val_loss": 1, "val_roc_auc": a}, "val_roc_auc") for a in (0.5, 0.7, 0.6)] == [
        True,
        True,
        False,
    ]


def test_the_weights_returned_are_those_of_the_best_epoch():
    train, validation = part(48, 0), part(32, 1)
    # wrong labels: the better it learns, the worse it looks
    flipped = Part(validation.views, 1 - validation.labels, validation.parts)
    fitted = network()
    state = fit(fitted, train, flipped, Schedule(6, 16, 0.003, 6), recipe=Recipe([]), seed=1)
    losses = [row["val_loss"] for row in state.history]
    kept = fitted.evaluate(flipped.views, flipped.labels, verbose=0, return_dict=True)["loss"]
    assert kept == pytest.approx(min(losses), rel=1e-4)
    assert state.best_epoch == int(np.argmin(losses)) + 1


def test_an_interrupted_fit_ends_where_an_undisturbed_one_does(tmp_path):
    class StopError(Exception):
        pass

    def stop(row):
        if row["epoch"] == 2:
            raise StopError

    train, validation = part(48, 0), part(32, 1)
    whole, resumed = network(), network()
    history = fit(whole, train, validation, SCHEDULE, recipe=FLIP, seed=1)
    with pytest.raises(StopError):
        fit(network(), train, validation, SCHEDULE, recipe=FLIP, seed=1, checkpoint=tmp_path / "c", on_epoch=stop)
    rows = []
    again = fit(
        resumed, train, validation, SCHEDULE, recipe=FLIP, seed=1, checkpoint=tmp_path / "c", on_epoch=rows.append
    )
    assert again.history == history.history == rows
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert (one == other).all()


def test_a_loss_that_is_no_number_is_an_error():
    with pytest.raises(ModelError, match="learning_rate"):
        fit(network(), part(48, 0), part(32, 1), Schedule(4, 16, 1e30, 4), recipe=Recipe([]), seed=1)


def test_a_checkpoint_belongs_to_one_fit_alone(tmp_path):
    code = tmp_path / "a.py"
    code.write_text("x = 1")
    arrays = [np.arange(4)]
    first = fingerprint(arrays, {"a": 1}, [code])
    assert first == fingerprint(arrays, {"a": 1}, [code])
    assert first != fingerprint([np.arange(5)], {"a": 1}, [code])
    assert first != fingerprint(arrays, {"a": 2}, [code])
    code.write_text("x = 2")
    assert first != fingerprint(arrays, {"a": 1}, [code])


SAVE = """
    import sys; from pathlib import Path; sys.path.insert(0, {root!r})
    from tests.test_train import FLIP, SCHEDULE, network, part
    from fakefaces.metadata import DetectorMetadata
    from fakefaces.detector import Detector
    from fakefaces.training import fit
    fitted = network()
    fit(fitted, part(48, 0), part(32, 1), SCHEDULE, recipe=FLIP, seed=1)
    metadata = DetectorMetadata(model="m", kind="custom_cnn", image_size=32, weights="w", threshold=0.5, parameters=1)
    Detector(fitted, metadata).save(Path({out!r}))
"""


def test_the_last_blocks_of_a_backbone_are_trained_and_the_others_are_not(tmp_path):
    runtime.start(seed=1, threads=2)
    made = make_backbone("VGG16", size=32, weights="none", allow_random=False, seed=1, root=tmp_path)
    frozen, trained = cut(made.network, "block5_conv3")
    train, validation = part(32, 0), part(16, 1)

    def seen(images: Part) -> Part:
        return Part(features(frozen, images.views, lambda n, note: None), images.labels, images.parts)

    view = View(seen(train), seen(validation), frozen, trained, 32, "VGG16 random")
    before = [w.copy() for w in frozen.get_weights()], [np.asarray(w).copy() for w in trained.trainable_weights]
    whole, state = fit_view(
        view,
        blueprint("pretrained", {"units": 8}, "here"),
        SCHEDULE,
        recipe=Recipe([]),
        seed=1,
        unfinished=tmp_path / "unfinished",
        on_epoch=lambda row: None,
    )
    assert state.epoch == 3
    assert all((a == b).all() for a, b in zip(before[0], frozen.get_weights(), strict=True))
    assert any((a != np.asarray(b)).any() for a, b in zip(before[1], trained.trainable_weights, strict=True))
    scores = whole.predict_on_batch(validation.views.astype("float32"))
    assert scores.shape == (16, 1)
    assert ((scores >= 0) & (scores <= 1)).all()
    runtime.save_network(whole, tmp_path / "whole.keras")
    again = runtime.load_network(tmp_path / "whole.keras")
    assert np.abs(again.predict_on_batch(validation.views.astype("float32")) - scores).max() < 1e-6


def test_two_processes_save_the_same_bytes(tmp_path):
    made = []
    for name in ("one", "two"):
        out = tmp_path / name
        code = textwrap.dedent(SAVE.format(root=str(ROOT), out=str(out)))
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        made.append(digest(out))
    assert made[0] == made[1]


def test_a_stage_that_is_told_to_end_leaves_an_exit_code_and_no_traceback(workspace):
    code = "import os, signal, time\nfrom fakefaces.base.stage import run_stage\n"
    code += "def main(params, layout):\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(9)\nrun_stage(main)"
    done = subprocess.run([sys.executable, "-c", code], cwd=workspace, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr
    assert not list(workspace.rglob("*.tmp"))
