"""Fit a network on arrays: seeded to the last bit, stopped on validation, and gone on with after a kill."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write, read_json, write_json
from fakefaces.data.arrays import Part
from fakefaces.training.augmentation import Recipe, augment

Row = dict[str, float]
OnEpoch = Callable[[Row], None]
Step = Callable[[NDArray[Any], NDArray[np.float32]], NDArray[np.float32]]

_SATURATED = 1e-7  # Keras' own bound on a probability within a logarithm


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        epochs: at most.
        batch_size: images.
        learning_rate: of Adam.
        patience: epochs without a better ``monitor`` after which the fit ends.
        monitor: ``val_loss`` (smaller is better) or ``val_roc_auc`` (larger is better).
    """

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    monitor: str = "val_loss"


@dataclass
class Progress:
    """Where a fit stands between two epochs."""

    history: list[Row] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0
    seconds: float = 0.0  # that the epochs took, in this process and in killed ones before it

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return len(self.history)

    def improved_by(self, row: Row, monitor: str) -> bool:
        """Take in an epoch's figures; True if they are the best so far."""
        self.history.append(row)
        value = row[monitor] if monitor == "val_roc_auc" else -row[monitor]
        if self.best is not None and not value > self.best:
            return False
        self.best, self.best_epoch = value, self.epoch
        return True

    def over(self, schedule: Schedule) -> bool:
        """Whether the last epoch is reached or patience is at its end."""
        return self.epoch >= schedule.epochs or self.epoch - self.best_epoch >= schedule.patience


def fit(
    network: Any,
    train: Part,
    validation: Part,
    schedule: Schedule,
    *,
    recipe: Recipe,
    seed: int,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch = lambda row: None,
) -> Progress:
    """Fit, keep the weights of the best epoch, and leave a checkpoint after each one.

    Args:
        network: a Keras model, not compiled.
        train: what it learns from; the order and the augmented copies of each epoch depend on the seed and
            the epoch alone, so a fit that goes on from a checkpoint ends where an undisturbed one does.
        validation: what stops it.
        schedule: how long and how fast.
        recipe: augmentation of the training images; empty for none.
        seed: of order and copies.
        checkpoint: folder for the state between two epochs; what lies there is gone on with, so give each
            fit its own (:func:`fingerprint`).
        on_epoch: called with each new row of the history.

    Returns:
        The history; the network itself is left with the weights of its best epoch.

    Raises:
        ModelError: the loss is no longer a number.
    """
    import keras

    network.compile(optimizer=keras.optimizers.Adam(schedule.learning_rate), loss="binary_crossentropy")
    network.optimizer.build(network.trainable_variables)
    step = _step(network)
    state, best = Progress(), network.get_weights()
    if checkpoint and (checkpoint / "progress.json").is_file():
        state, best = _restore(checkpoint, network)
    for row in state.history:
        on_epoch(row)
    while not state.over(schedule):
        start = time.perf_counter()
        row = _one_epoch(network, step, train, validation, schedule, recipe, [seed, state.epoch])
        state.seconds += time.perf_counter() - start
        if state.improved_by(row, schedule.monitor):
            best = network.get_weights()
        if checkpoint:
            _keep(checkpoint, network, best, state)
        on_epoch(row)
    network.set_weights(best)
    return state


def solved(network: Any, train: Part, validation: Part) -> Progress:
    """The history of a network that was solved for: one epoch, the first and best."""
    found = [
        _figures(part.labels, np.asarray(network.predict(part.views, batch_size=256, verbose=0))[:, 0], 0.0)
        for part in (train, validation)
    ]
    row = {"epoch": 1.0} | found[0] | {f"val_{name}": value for name, value in found[1].items()}
    state = Progress()
    state.improved_by(row, "val_loss")
    return state


def fingerprint(arrays: Sequence[NDArray[Any]], settings: Any, code: Sequence[Path]) -> str:
    """A short digest of all that a fit depends on, so that a checkpoint is gone on with only by its own fit.

    Args:
        arrays: what is learned from.
        settings: anything that JSON can write.
        code: source files.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in sorted(code):
        digest.update(path.read_bytes())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _step(network: Any) -> Step:
    """One step of Adam on the binary cross-entropy, as a graph; it gives p_fake as it was before the step.

    Not ``fit``: what feeds its batches takes a thread from the convolutions in about half of the epochs
    (benchmarks/training.py), and its ROC AUC is read off 200 thresholds.
    """
    import keras
    import tensorflow as tf

    cross_entropy = keras.losses.BinaryCrossentropy()
    shape = (None, *network.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32), tf.TensorSpec((None, 1), tf.float32)])
    def step(views: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            p_fake = network(views, training=True)
            loss = cross_entropy(labels, p_fake) + sum(network.losses)
        gradients = tape.gradient(loss, network.trainable_variables)
        network.optimizer.apply(gradients, network.trainable_variables)
        return p_fake

    return lambda views, labels: np.asarray(step(views.astype(np.float32), labels[:, None]))[:, 0]


def _one_epoch(
    network: Any, step: Step, train: Part, validation: Part, schedule: Schedule, recipe: Recipe, seed: list[int]
) -> Row:
    order = np.random.default_rng(seed).permutation(len(train.labels))
    views = augment(train.views[order], recipe, seed=seed)
    labels = train.labels[order]
    batches = [slice(k, k + schedule.batch_size) for k in range(0, len(labels), schedule.batch_size)]
    seen = np.concatenate([step(views[batch], labels[batch]) for batch in batches])
    batches = [slice(k, k + schedule.batch_size) for k in range(0, len(validation.labels), schedule.batch_size)]
    held = np.concatenate([network.predict_on_batch(validation.views[batch])[:, 0] for batch in batches])
    penalty = float(sum(float(loss) for loss in network.losses))
    row = {"epoch": float(seed[1] + 1)} | _figures(labels, seen, penalty)
    row |= {f"val_{name}": value for name, value in _figures(validation.labels, held, penalty).items()}
    if not all(np.isfinite(value) for value in row.values()):
        raise ModelError(f"{network.name}: the loss is not a number after epoch {seed[1] + 1}; lower its learning_rate")
    return row


def _figures(labels: NDArray[np.float32], p_fake: NDArray[np.float32], penalty: float) -> Row:
    """Cross-entropy, accuracy and ROC AUC of an epoch.

    scikit-learn's are the same to the last digits, but its import alone takes as long as two epochs.
    """
    if not np.isfinite(p_fake).all():
        return {"loss": float("nan")}
    p, fake = np.clip(p_fake.astype(np.float64), _SATURATED, 1 - _SATURATED), labels == 1
    _, places, counts = np.unique(p_fake, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # equal scores share the mean of their ranks
    fakes, reals = int(fake.sum()), int((~fake).sum())
    above = ranks[fake].sum() - fakes * (fakes + 1) / 2
    return {
        "loss": float(-np.where(fake, np.log(p), np.log1p(-p)).mean()) + penalty,
        "accuracy": float(((p_fake > 0.5) == fake).mean()),
        "roc_auc": float(above / (fakes * reals)) if fakes and reals else float("nan"),
    }


def _keep(checkpoint: Path, network: Any, best: list[NDArray[Any]], state: Progress) -> None:
    with atomic_write(checkpoint) as aside:
        aside.mkdir()
        np.savez(aside / "variables.npz", *(np.asarray(variable) for variable in _variables(network)))
        np.savez(aside / "best.npz", *best)
        write_json(aside / "progress.json", vars(state))


def _restore(checkpoint: Path, network: Any) -> tuple[Progress, list[NDArray[Any]]]:
    for variable, value in zip(_variables(network), _arrays(checkpoint / "variables.npz"), strict=True):
        variable.assign(value)
    return Progress(**read_json(checkpoint / "progress.json")), _arrays(checkpoint / "best.npz")


def _variables(network: Any) -> list[Any]:
    """All that a fit changes: the weights, the state of each dropout's generator, the optimizer's moments.

    A ``.keras`` file leaves the generators out, so a fit gone on from one would drop other units.
    """
    return [*network.variables, *network.optimizer.variables]


def _arrays(path: Path) -> list[NDArray[Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[name] for name in arrays.files]
