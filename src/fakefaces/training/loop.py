"""The training loop: deterministic, with early stopping, and resumed after a kill."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write, read_json, write_json
from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.data.stored_rows import StoredRows, chunks
from fakefaces.models.runtime import predicted, with_precision
from fakefaces.params.train import Fit
from fakefaces.training.augmentation import Augmenter, Recipe
from fakefaces.training.batches import batches

if TYPE_CHECKING:
    from fakefaces.training.step import Steps

Row = dict[str, float]  # an epoch's metrics by name; those of validation start with val_
OnEpoch = Callable[[Row], None]
LabelsAndScores = tuple[NDArray[np.float32], NDArray[np.float32]]  # (n,) each

_EPSILON = 1e-7  # Keras' own bound on a probability within a logarithm


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained."""

    fit: Fit
    recipe: Recipe  # augmentation of the training images
    seed: int  # of weights, order, augmentation and dropout


@dataclass
class FitState:
    """The state of training between two epochs."""

    history: list[Row] = field(default_factory=list)  # a row for each epoch
    best: float | None = None  # the best value of the monitored metric, negated where smaller is better
    best_epoch: int = 0  # from 1
    seconds: float = 0.0  # duration of the epochs, including those before a kill

    @property
    def epoch(self) -> int:
        """Number of completed epochs."""
        return len(self.history)

    def add_epoch(self, row: Row, monitor: str) -> bool:
        """Add an epoch's metrics; True if they are the best so far."""
        self.history.append(row)
        value = row[monitor] if monitor == "val_roc_auc" else -row[monitor]
        if self.best is not None and not value > self.best:
            return False
        self.best, self.best_epoch = value, self.epoch
        return True

    def is_finished(self, fit: Fit) -> bool:
        """Whether the last epoch is reached or early stopping applies."""
        return self.epoch >= fit.epochs or self.epoch - self.best_epoch >= fit.patience


def fit(
    network: Any,
    train: TrainArrays,
    validation: ValidationArrays,
    config: TrainingConfig,
    *,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch = lambda row: None,
) -> FitState:
    """Train a Keras model, not compiled, and restore the weights of its best epoch on the validation images.

    The order and the augmentation of an epoch depend on the seed and the epoch alone, so that training resumed from a
    checkpoint ends with the same weights. ``checkpoint`` is a folder for the state after each epoch; each training
    needs its own (:func:`fingerprint`). ``on_epoch`` is called with each row of the history, those before a kill
    included. In mixed precision, and with fused normalisation, a copy of the network takes the steps; validation is of
    the network itself, in float32.

    Raises:
        ModelError: the loss is not finite.
    """
    from fakefaces.training.normalization import with_fused_normalization
    from fakefaces.training.step import adam, training_steps

    trained = with_fused_normalization(with_precision(network, config.fit.precision))
    optimizer = adam(trained, config.fit.learning_rate, config.fit.precision)
    size = len(train.labels), config.fit.batch_size
    steps = training_steps(trained, optimizer, *size, train.features.dtype)
    # The states of the dropouts' generators are among them, which a .keras file lacks.
    variables = [*trained.variables, *optimizer.variables]
    state, best = FitState(), network.get_weights()
    if checkpoint and (checkpoint / "state.json").is_file():
        state, best = _load_checkpoint(checkpoint, variables)
    for row in state.history:
        on_epoch(row)
    while not state.is_finished(config.fit):
        start = time.perf_counter()
        p_train = _train_epoch(steps, train, config, state.epoch)
        if trained is not network:
            network.set_weights(trained.get_weights())
        row = _epoch_row(network, p_train, validation, config.fit.batch_size, state.epoch + 1)
        state.seconds += time.perf_counter() - start
        if state.add_epoch(row, config.fit.monitor):
            best = network.get_weights()
        if checkpoint:
            _save_checkpoint(checkpoint, variables, best, state)
        on_epoch(row)
    network.set_weights(best)
    return state


def closed_form_history(network: Any, train: TrainArrays, validation: ValidationArrays, seconds: float) -> FitState:
    """The history, of one epoch, of a network that was fitted in closed form.

    Its first output is p_fake; it was fitted on ``train`` and calibrated on ``validation`` within ``seconds``.
    """

    def metrics(arrays: SplitArrays) -> Row:
        return _epoch_metrics(arrays.labels, predicted(network, arrays.features)[:, 0], 0.0)

    state = FitState(seconds=seconds)
    state.add_epoch(_row(1, metrics(train), metrics(validation)), "val_loss")
    return state


def fingerprint(arrays: Sequence[NDArray[Any] | StoredRows], settings: object, code: Sequence[Path]) -> str:
    """A short digest of all that training depends on, so that a checkpoint is resumed by the same training only.

    ``settings`` are anything that JSON can write, ``code`` are source files.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in sorted(code):
        digest.update(path.read_bytes())
    for array in arrays:
        for rows in chunks(array):
            digest.update(rows.data)
    return digest.hexdigest()[:16]


def _train_epoch(steps: "Steps", train: TrainArrays, config: TrainingConfig, epoch: int) -> LabelsAndScores:
    """Train for the epoch after ``epoch`` completed ones; the labels and p_fake before the steps, in their order."""
    from fakefaces.training.step import seed_dropout

    seed = [config.seed, epoch]
    seed_dropout(seed)
    order = np.random.default_rng(seed).permutation(len(train.labels))
    augment = Augmenter(config.recipe, seed)
    return train.labels[order], steps(batches(train, order, augment, config.fit.batch_size))


def _epoch_row(network: Any, train: LabelsAndScores, validation: ValidationArrays, batch_size: int, number: int) -> Row:
    """The metrics of the epoch of a number, from 1."""
    starts = range(0, len(validation.labels), batch_size)
    p_validation = np.concatenate(
        [network.predict_on_batch(validation.features[k : k + batch_size])[:, 0] for k in starts]
    )
    penalty = float(sum(float(_value(loss)) for loss in network.losses))
    row = _row(number, _epoch_metrics(*train, penalty), _epoch_metrics(validation.labels, p_validation, penalty))
    if not all(np.isfinite(value) for value in row.values()):
        raise ModelError(f"{network.name}: the loss is not finite after epoch {number}; lower its learning_rate")
    return row


def _row(epoch: int, train: Row, validation: Row) -> Row:
    return {"epoch": float(epoch)} | train | {f"val_{name}": value for name, value in validation.items()}


def _epoch_metrics(labels: NDArray[np.float32], p_fake: NDArray[np.float32], penalty: float) -> Row:
    """Cross-entropy, accuracy and ROC AUC of an epoch.

    scikit-learn's are equal to the last digits, but its import takes as long as two epochs.
    """
    if not np.isfinite(p_fake).all():
        return {"loss": float("nan")}
    p, fake = np.clip(p_fake.astype(np.float64), _EPSILON, 1 - _EPSILON), labels == 1
    _, inverse, counts = np.unique(p_fake, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # ties share the mean of their ranks
    n_fakes, n_reals = int(fake.sum()), int((~fake).sum())
    u_statistic = ranks[fake].sum() - n_fakes * (n_fakes + 1) / 2
    return {
        "loss": float(-np.where(fake, np.log(p), np.log1p(-p)).mean()) + penalty,
        "accuracy": float(((p_fake > 0.5) == fake).mean()),
        "roc_auc": float(u_statistic / (n_fakes * n_reals)) if n_fakes and n_reals else float("nan"),
    }


def _save_checkpoint(checkpoint: Path, variables: list[Any], best: list[NDArray[Any]], state: FitState) -> None:
    with atomic_write(checkpoint) as aside:
        aside.mkdir()
        np.savez(aside / "variables.npz", *(_value(variable) for variable in variables))
        np.savez(aside / "best.npz", *best)
        write_json(aside / "state.json", vars(state))


def _load_checkpoint(checkpoint: Path, variables: list[Any]) -> tuple[FitState, list[NDArray[Any]]]:
    for variable, value in zip(variables, _arrays(checkpoint / "variables.npz"), strict=True):
        variable.assign(value)
    return FitState(**read_json(checkpoint / "state.json")), _arrays(checkpoint / "best.npz")


def _value(variable: Any) -> NDArray[Any]:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(variable))


def _arrays(path: Path) -> list[NDArray[Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[name] for name in arrays.files]
