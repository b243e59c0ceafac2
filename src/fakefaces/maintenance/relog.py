"""Runs that a store lacks, logged again from the outputs that DVC kept: a fresh clone, a wiped ``mlruns/``."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.maintenance import dvc_lock
from fakefaces.maintenance.dvc_lock import Made
from fakefaces.tracking.evaluations import log_evaluation
from fakefaces.tracking.runs import RELOGGED, Run, stage_run
from fakefaces.tracking.training_runs import (
    fold_run,
    log_epoch,
    log_network,
    log_study_outputs,
    log_study_params,
    log_training_outputs,
    log_training_params,
    log_trial,
)


def log_again(made: Made, layout: Layout, stages: Mapping[str, Any]) -> None:
    """Log the run that made an output, as far as the outputs and dvc.lock tell.

    Its parameters are those of dvc.lock; commit and machine are today's, since nobody knows the old ones; it has no
    duration. The tag ``relogged`` says so.

    Raises:
        FakefacesError: a file that it needs is missing.
    """
    tags = {
        "dvc.stage": made.stage,
        "mlflow.source.name": f"dvc:{made.stage}",
        RELOGGED: "true",
        "mlflow.note.content": "Logged again from DVC's outputs. Its parameters are those of dvc.lock; the commit and "
        "the machine are those of the logging.",
    }
    with stage_run(made.name, role=made.role, tags=tags) as run:
        known = dvc_lock.parameters(stages, made.stage)
        if made.role == "train":
            _training(run, layout, made.name, known)
        elif made.role == "tune":
            _tuning(run, layout, known)
        else:
            log_evaluation(run, layout, made.name, read_json(layout.metrics(made.name)), known.get("seed", 0))


def example(layout: Layout) -> bytes:
    """One image, for the model's example.

    Raises:
        DataError: there is none.
    """
    for path in sorted(layout.data.rglob("*")):
        if path.suffix.lower() in images.SUFFIXES:
            return images.read(path)
    raise DataError("data/ holds no image, which a logged model needs as an example; fetch it: dvc pull, or dvc repro")


def _training(run: Run, layout: Layout, name: str, known: Mapping[str, Any]) -> None:
    model, folder = known.get(f"train.models.{name}", {}), layout.model(name)
    n_splits = 1 if (folder / "detector.json").is_file() else sum(path.is_dir() for path in folder.iterdir())
    shared = {"seed": known.get("seed"), "threads": known.get("threads"), "n_splits": n_splits}
    fit = known.get("train.fit", {}) | model.get("fit", {})
    log_training_params(run, name, shared, model, fit, model.get("settings", {}))
    history = pd.read_csv(layout.history(name))
    for fold in range(n_splits):
        with fold_run(run, fold, n_splits) as network_run:
            rows = history if n_splits == 1 else history[history["fold"] == fold].drop(columns="fold")
            for row in rows.to_dict("records"):
                log_epoch(network_run, {str(key): value for key, value in row.items()})
            log_network(network_run, len(rows), layout.detector(name, fold, n_splits), example(layout))
    log_training_outputs(run, layout, name, n_splits)


def _tuning(run: Run, layout: Layout, known: Mapping[str, Any]) -> None:
    log_study_params(run, known.get("seed"), known.get("tune", {}))
    trials = read_json(layout.tuning_trials)["trials"]
    for trial in trials:
        with run.child(f"trial {trial['number']}", role="trial") as trial_run:
            trial_run.params(trial["values"])
            log_trial(trial_run, trial["score"], "pruned" if trial["pruned"] else "")
    log_study_outputs(run, layout, trials)
