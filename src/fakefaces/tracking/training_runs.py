"""What runs of training and tuning log: the stages and ``fakefaces doctor``, which logs lost runs again, share it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from fakefaces.base.paths import Layout
from fakefaces.inference.metadata import read_metadata
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.runs import Run
from fakefaces.tracking.trials import Trial


def log_training_params(
    run: Run,
    name: str,
    shared: Mapping[str, object],
    model: Mapping[str, object],
    fit: Mapping[str, object],
    settings: Mapping[str, object],
) -> None:
    """Log the parameters of a training.

    Args:
        run: of the model.
        name: of the model.
        shared: what all models share: ``seed``, ``threads`` and ``n_splits``.
        model: its row of ``train.models``.
        fit: the options of fitting, resolved.
        settings: of its kind, resolved.
    """
    row = {key: model[key] for key in ("kind", "features", "augment", "tuned") if key in model}
    run.params({"model": name} | dict(shared) | row | {"fit": fit, "settings": settings})


def fold_run(run: Run, fold: int, n_splits: int) -> AbstractContextManager[Run]:
    """The run of one fold, nested in the model's; without folds the model's run itself."""
    return nullcontext(run) if n_splits == 1 else run.child(f"fold {fold}", role="fold")


def log_epoch(run: Run, row: Mapping[str, float]) -> None:
    """Log the metrics of an epoch: a row of the history with its ``epoch``."""
    run.metrics({name: value for name, value in row.items() if name != "epoch"}, step=int(row["epoch"]))


def log_network(run: Run, epochs: int, folder: Path, example: bytes) -> None:
    """Log a detector that was trained for some epochs, with an image file as its input example."""
    run.metrics({"epochs": epochs})
    log_detector(run, folder, example)


def log_training_outputs(run: Run, layout: Layout, name: str, n_splits: int) -> None:
    """Log the outputs of a finished training, by whose digests the run is found."""
    run.params({"weights": read_metadata(layout.detector(name, 0, n_splits)).weights})
    run.artifact(layout.history(name))
    run.log_outputs(layout.relative(layout.model(name)), layout.relative(layout.history(name)))


def log_study_params(run: Run, seed: object, tune: Mapping[str, Any]) -> None:
    """Log the parameters of a study: the seed and the section ``tune``, without keys that a search range lacks."""
    space = tune.get("space", {})
    ranges = {
        name: {key: value for key, value in limits.items() if value is not None} for name, limits in space.items()
    }
    run.params({"seed": seed} | {key: value for key, value in tune.items() if key != "space"} | {"space": ranges})


def log_trial(run: Run, score: float | None, given_up: str) -> None:
    """Log a trial's best validation ROC AUC, and why it was given up; empty if it was completed."""
    run.tag("given_up", given_up)
    run.metrics({"best_val_roc_auc": score})


def log_study_outputs(run: Run, layout: Layout, trials: Sequence[Trial]) -> None:
    """Log the outputs of a finished study, whose trials are those of ``reports/tune.json``."""
    completed = [trial.score for trial in trials if not trial.pruned and trial.score is not None]
    pruned = len(trials) - len(completed)
    run.metrics({"best_val_roc_auc": max(completed, default=None), "trials": len(trials), "pruned": pruned})
    run.artifact(layout.tuning_trials)
    run.log_outputs(layout.relative(layout.tuned("best")), layout.relative(layout.tuning_trials))
