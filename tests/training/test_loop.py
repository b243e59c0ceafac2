"""What a fit does in each epoch and step, and when it stops, on networks that are small enough to compute by hand."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fakefaces.data.arrays import TrainArrays, ValidationArrays
from fakefaces.models import runtime
from fakefaces.params.train import Fit
from fakefaces.training import loop
from fakefaces.training.augmentation import Recipe
from fakefaces.training.loop import FitState, TrainingConfig, closed_form_history, fit

FLIP = Recipe([("HorizontalFlip", {"p": 0.5})])


def config(epochs: int, batch_size: int, learning_rate: float, patience: int, *, recipe=None, seed=1):
    schedule = Fit(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, patience=patience)
    return TrainingConfig(schedule, recipe or Recipe([]), seed)


def numbered(n: int) -> tuple[TrainArrays, ValidationArrays]:
    """Rows that are known by their only feature."""
    rows = np.arange(n, dtype=np.float32)
    values = rows[:, None], rows % 2, np.zeros((n, 4), np.int8)
    return TrainArrays(*values), ValidationArrays(*values)


def validating(train: TrainArrays, **changed) -> ValidationArrays:
    """The training arrays as validation arrays, with changes."""
    values = {"features": train.features, "labels": train.labels, "replaced": train.replaced}
    return ValidationArrays(**values | changed)


def one_weight(**options):
    """A network of one weight, which is 1, and no bias: p_fake is the sigmoid of the feature."""
    import keras

    runtime.start(seed=1, threads=2)
    dense = keras.layers.Dense(1, "sigmoid", use_bias=False, kernel_initializer="ones", **options)
    return keras.Sequential([keras.Input((1,)), dense])


def weight_of(network) -> float:
    return float(network.get_weights()[0][0, 0])


def test_an_epoch_goes_through_all_training_images_in_an_order_of_its_own(monkeypatch):
    calls = []

    class Augmenter:
        """Leaves features as they are, and keeps what it was asked for."""

        def __init__(self, recipe, seed):
            calls.append((rows := [], recipe, list(seed)))
            self.rows = rows

        def __call__(self, features):
            self.rows += features[:, 0].tolist()
            return features

    monkeypatch.setattr(loop, "Augmenter", Augmenter)
    train, validation = numbered(20)[0], numbered(6)[1]
    for seed in (1, 2):
        fit(one_weight(), train, validation, config(3, 8, 0.01, 3, recipe=FLIP, seed=seed))
    orders = [order for order, _, _ in calls]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len({tuple(order) for order in [*orders, list(range(20))]}) == 7
    assert [seed for _, _, seed in calls] == [[seed, epoch] for seed in (1, 2) for epoch in range(3)]
    assert {id(recipe) for _, recipe, _ in calls} == {id(FLIP)}


def test_the_number_and_the_size_of_steps_are_those_of_the_parameters():
    # features of 0 give no gradient but the penalty's, along which Adam's steps are as long as the learning rate
    import keras

    network = one_weight(kernel_regularizer=keras.regularizers.L2(3.0))
    train = replace(numbered(10)[0], features=np.zeros((10, 1), np.float32))
    state = fit(network, train, validating(train), config(2, 4, 0.001, 2))
    weight = weight_of(network)
    assert weight == pytest.approx(1 - 6 * 0.001, abs=1e-5)  # three batches an epoch
    assert not network.compiled  # or its file would hold the optimizer's moments
    last = state.history[-1]
    assert last["loss"] == last["val_loss"] == pytest.approx(np.log(2) + 3 * weight**2, abs=1e-5)


def test_metrics_of_an_epoch_are_of_training_before_each_step_and_of_validation_after_the_last():
    features = np.array([[2.0], [-1.0]], np.float32)
    train = TrainArrays(features, np.array([1, 0], np.float32), np.zeros((2, 4), np.int8))
    validation = validating(train, labels=1 - train.labels)
    (row,) = fit(one_weight(), train, validation, config(1, 2, 0.5, 1)).history
    before, after = (1 / (1 + np.exp(-weight * features[:, 0])) for weight in (1.0, 1.5))
    assert row["epoch"] == 1
    assert row["loss"] == pytest.approx(-(np.log(before[0]) + np.log1p(-before[1])) / 2, abs=1e-5)
    assert row["val_loss"] == pytest.approx(-(np.log1p(-after[0]) + np.log(after[1])) / 2, abs=1e-4)
    assert (row["accuracy"], row["val_accuracy"]) == (1, 0)


def test_normalisation_and_dropout_are_in_training_mode_during_steps_only():
    import keras

    norm, dropout = keras.layers.BatchNormalization(momentum=0.5), keras.layers.Dropout(0.5)
    last = keras.layers.Dense(1, "sigmoid", kernel_initializer="ones")
    runtime.start(seed=1, threads=2)
    network = keras.Sequential([keras.Input((1,)), norm, dropout, last])
    train = replace(numbered(8)[0], features=np.full((8, 1), 4.0, np.float32))
    state = fit(network, train, validating(train), config(1, 8, 1e-6, 1))
    assert float(norm.moving_mean[0]) == pytest.approx(2)  # half of the way to 4
    # in training 4 is the batch's mean, so that all scores are 0.5; afterwards it is above the running mean
    assert state.history[0]["loss"] == pytest.approx(np.log(2), abs=1e-4)
    high = 1 / (1 + np.exp(-2 / np.sqrt(0.5 + 1e-3)))
    assert state.history[0]["val_loss"] == pytest.approx(-(np.log(high) + np.log1p(-high)) / 2, abs=1e-3)


def test_validation_stops_a_fit_which_ends_with_the_best_epoch_after_a_kill_too(tmp_path):
    class KilledError(Exception):
        pass

    def kill(row):
        if row["epoch"] == 3:
            raise KilledError

    # training raises the weight, and validation wants it low: the first epoch is the best
    train = TrainArrays(np.float32([[-2], [-1], [1], [2]]), np.float32([0, 0, 1, 1]), np.zeros((4, 4), np.int8))
    validation = validating(train, labels=1 - train.labels)
    stopping = config(9, 8, 0.1, 3)
    undisturbed, resumed = one_weight(), one_weight()
    state = fit(undisturbed, train, validation, stopping)
    assert (state.epoch, state.best_epoch) == (4, 1)
    assert weight_of(undisturbed) == pytest.approx(1.1, abs=1e-3)
    with pytest.raises(KilledError):
        fit(one_weight(), train, validation, stopping, checkpoint=tmp_path / "checkpoint", on_epoch=kill)
    state = fit(resumed, train, validation, stopping, checkpoint=tmp_path / "checkpoint")
    assert (state.epoch, state.best_epoch) == (4, 1)
    assert weight_of(resumed) == weight_of(undisturbed)
    assert state.seconds > 0


def test_patience_counts_the_epochs_after_the_best_one():
    def finished(losses) -> list[bool]:
        state, answers = FitState(), []
        for loss in losses:
            state.add_epoch({"val_loss": loss, "val_roc_auc": 0.5}, "val_loss")
            answers.append(state.is_finished(config(6, 1, 1, 3).fit))
        return answers

    assert finished((5, 4, 6, 3, 3, 3, 3)) == [False] * 5 + [True, True]  # the sixth is the last
    assert finished((5, 4, 6, 6, 6)) == [False] * 4 + [True]


def test_closed_form_metrics_are_of_the_training_and_of_the_validation_arrays():
    class FirstFeature:
        """A network whose first output is its first feature."""

        def predict(self, features, **_):
            return np.column_stack([features[:, 0], 1 - features[:, 0]])

    right = TrainArrays(np.array([[0.1], [0.9], [0.5]]), np.array([0, 1, 0], np.float32), np.zeros((3, 4), np.int8))
    wrong = validating(right, labels=1 - right.labels)
    state = closed_form_history(FirstFeature(), right, wrong, seconds=3.0)
    (row,) = state.history
    assert (row["epoch"], row["roc_auc"], row["accuracy"]) == (1, 1, 1)
    assert (row["val_roc_auc"], row["val_accuracy"]) == (0, 0)
    assert row["loss"] == pytest.approx(-np.log([0.9, 0.9, 0.5]).mean())
    assert row["val_loss"] == pytest.approx(-np.log([0.1, 0.1, 0.5]).mean())
    assert (state.seconds, state.best_epoch) == (3.0, 1)


def test_the_step_of_any_backend_is_that_of_tensorflow():
    import keras

    from fakefaces.training import step

    runtime.start(seed=1, threads=2)
    if keras.backend.backend() != "tensorflow":
        pytest.skip("another backend than TensorFlow")
    features = np.random.default_rng(0).normal(size=(3, 8, 4)).astype(np.float32)
    labels = (features[..., 0] > 0).astype(np.float32)

    def trained(make, *options):
        keras.utils.set_random_seed(5)
        penalty = keras.regularizers.L2(0.1)
        dense = keras.layers.Dense(6, "relu", kernel_regularizer=penalty)
        layers = [dense, keras.layers.BatchNormalization(), keras.layers.Dense(1, "sigmoid")]
        network = keras.Sequential([keras.Input((4,)), *layers])
        optimizer = keras.optimizers.Adam(0.05)
        optimizer.build(network.trainable_variables)
        steps = make(network, optimizer, *options)
        return np.concatenate([steps(iter(batches)) for _ in range(2)]), network.get_weights()

    batches = [*zip(features, labels, strict=True), (features[0, :3], labels[0, :3])]
    ours, our_weights = trained(step._tensorflow_steps, np.float32)
    theirs, their_weights = trained(step._trainer_steps, 27, 8)
    assert len(ours) == 2 * 27
    assert np.allclose(ours, theirs, atol=1e-5)
    for mine, other in zip(our_weights, their_weights, strict=True):
        assert np.allclose(mine, other, atol=1e-4)
    assert np.ptp(ours[:24].reshape(3, 8).mean(axis=1)) > 0.01


@pytest.mark.parametrize(
    ("precision", "difference"),
    [("mixed_bfloat16", 2**-7), pytest.param("mixed_float16", 2**-10, marks=pytest.mark.slow)],
)
def test_mixed_precision_trains_alike_is_resumed_to_the_bit_and_ends_in_float32(precision, difference, tmp_path):
    import keras

    class KilledError(Exception):
        pass

    def kill(row):
        if row["epoch"] == 2:
            raise KilledError

    def trained(config, *, dropout=0.0, **options):
        keras.utils.set_random_seed(3)
        hidden = keras.layers.Dense(8, "tanh"), keras.layers.Dropout(dropout)
        network = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1, "sigmoid")])
        return network, fit(network, train, validating(train), config, **options).history

    runtime.start(seed=1, threads=2)
    features = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
    train = TrainArrays(features, (features[:, 0] > 0).astype(np.float32), np.zeros((48, 4), np.int8))
    single = config(4, 16, 0.01, 4)
    mixed = replace(single, fit=single.fit.model_copy(update={"precision": precision}))
    losses = [[row["loss"] for row in trained(each)[1]] for each in (single, mixed)]
    assert 0 < np.abs(np.subtract(*losses)).max() < difference
    network, history = trained(mixed, dropout=0.2)
    assert all(layer.dtype_policy.name == "float32" for layer in network.layers)
    p_fake = network.predict_on_batch(features)[:, 0].astype(np.float64)
    loss = -np.where(train.labels == 1, np.log(p_fake), np.log1p(-p_fake)).mean()
    assert min(row["val_loss"] for row in history) == pytest.approx(loss, abs=1e-6)  # what ships was validated
    with pytest.raises(KilledError):
        trained(mixed, dropout=0.2, checkpoint=tmp_path / "checkpoint", on_epoch=kill)
    resumed, same = trained(mixed, dropout=0.2, checkpoint=tmp_path / "checkpoint")
    assert same == history
    for one, other in zip(resumed.get_weights(), network.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "package"), [("jax", "jax"), ("torch", "torch")])
def test_another_backend_trains_and_resumes_as_well(backend, package):
    pytest.importorskip(package)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", __file__]
    left_out = ["--deselect", f"{__file__}::{test_another_backend_trains_and_resumes_as_well.__name__}"]
    environ = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run([*command, *left_out], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
