"""What runs of training and tuning log: the stages and ``fakefaces doctor``, which logs lost runs again, share it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.base.paths import Layout
from fakefaces.inference.metadata import read_metadata
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.runs import Run
from fakefaces.tracking.trials import Trial

SEED_NUMBER = "seed.number"  # tag of a training by one of several seeds: its number, from 0


@dataclass(frozen=True)
class Training:
    """One of the trainings of a model: of one fold, by one seed."""

    fold: int  # 0 to n_splits - 1
    n_splits: int  # 1 without folds
    seed: int = 0  # number of the seed, 0 to n_seeds - 1; the first one's detector is the model's
    n_seeds: int = 1

    @property
    def title(self) -> str:
        """What tells it from the others, such as ``seed 1, fold 0``; empty where there is one training."""
        return ", ".join([f"seed {self.seed}"] * (self.n_seeds > 1) + [f"fold {self.fold}"] * (self.n_splits > 1))

    @property
    def columns(self) -> dict[str, int]:
        """The same as columns of a history."""
        return ({"seed": self.seed} if self.n_seeds > 1 else {}) | ({"fold": self.fold} if self.n_splits > 1 else {})

    def folder(self, layout: Layout, name: str) -> Path:
        """Of its detector, where ``name`` is the model's."""
        return layout.detector(name, self.fold, self.n_splits, self.seed)

    def run(self, of_model: Run) -> AbstractContextManager[Run]:
        """Its run, nested in the model's; where there is one training the model's run itself."""
        role = "fold" if self.n_splits > 1 else "seed"
        tags = {SEED_NUMBER: str(self.seed)} if self.n_seeds > 1 else {}
        return of_model.child(self.title, role, tags) if self.title else nullcontext(of_model)


def trainings(n_splits: int, n_seeds: int) -> list[Training]:
    """All trainings of a model, those of the first seed first."""
    return [Training(fold, n_splits, seed, n_seeds) for seed in range(n_seeds) for fold in range(n_splits)]


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
    row |= {"seeds": model["seeds"]} if model.get("seeds", 1) != 1 else {}
    run.params({"model": name} | dict(shared) | row | {"fit": fit, "settings": settings})


def log_epoch(run: Run, row: Mapping[str, float]) -> None:
    """Log the metrics of an epoch: a row of the history with its ``epoch``."""
    run.metrics({name: value for name, value in row.items() if name != "epoch"}, step=int(row["epoch"]))


def log_network(run: Run, of_model: Run, training: Training, epochs: int, detector: tuple[Path, bytes]) -> None:
    """Log what a training of some epochs gave.

    Args:
        run: of the training.
        of_model: the model's, which is the same where there is one training.
        training: that it was. Of further seeds DVC keeps the detectors, and MLflow the metrics.
        epochs: number of them.
        detector: the folder of the detector, and an image file as its input example.
    """
    run.metrics({"epochs": epochs})
    if training.seed == 0:
        log_detector(run if training.n_splits > 1 else of_model, *detector)


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
