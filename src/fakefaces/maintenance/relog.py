"""Log runs again that the store lacks, from the outputs that DVC kept: in a fresh clone, or without ``mlruns/``."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.data import formats, images
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.maintenance.dvc_lock import Output, Stages
from fakefaces.tracking import training_runs
from fakefaces.tracking.descriptions import LOGGED_AGAIN, note_tags
from fakefaces.tracking.evaluations import log_evaluation
from fakefaces.tracking.runs import RELOGGED, Run, stage_run
from fakefaces.tracking.trials import read_trials


def log_again(output: Output, layout: Layout, stages: Stages) -> None:
    """Log the run that wrote a current output, with the parameters that ``stages`` of dvc.lock record.

    Commit and machine are those of the logging, as the old ones are unknown, and it has no duration; the tag
    ``relogged`` marks it.
    """
    tags = {
        "dvc.stage": output.stage,
        "mlflow.source.name": f"dvc:{output.stage}",
        RELOGGED: "true",
    }
    tags |= note_tags(LOGGED_AGAIN)
    name, params = output.run_name, stages.get(output.stage, {}).get("params", {}).get("params.yaml", {})
    with stage_run(name, role=output.role, tags=tags) as run:
        if output.role == "train":
            _log_training(run, layout, name, params)
        elif output.role == "tune":
            _log_study(run, layout, params)
        else:
            log_evaluation(run, layout, name, ModelMetrics.read(layout.metrics(name)), params.get("seed", 0))


def _example(layout: Layout) -> bytes:
    """One image file, for the model's example."""
    for path in sorted(layout.data.rglob("*")):
        if path.suffix.lower() in formats.SUFFIXES:
            return images.read(path)
    raise DataError("data/ holds no image, which a logged model needs as an example; fetch it: dvc pull, or dvc repro")


def _log_training(run: Run, layout: Layout, name: str, params: Mapping[str, Any]) -> None:
    model, folder = params.get(f"train.models.{name}", {}), layout.model(name)
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    n_splits = max(1, sum(name.startswith("fold") for name in names))
    n_seeds = 1 + max((int(match[1]) for name in names if (match := re.match(r"seed(\d+)", name))), default=0)
    shared = {"seed": params.get("seed"), "threads": params.get("threads"), "n_splits": n_splits}
    fit = params.get("train.fit", {}) | model.get("fit", {})
    training_runs.log_training_params(run, name, shared, model, fit, model.get("settings", {}))
    history = pd.read_csv(layout.history(name))
    for training in training_runs.trainings(n_splits, n_seeds):
        with training.run(run) as network_run:
            rows = history
            for column, value in training.columns.items():
                rows = rows[rows[column] == value].drop(columns=column)
            for row in rows.to_dict("records"):
                training_runs.log_epoch(network_run, {str(key): value for key, value in row.items()})
            detector = (training.folder(layout, name), _example(layout))
            training_runs.log_network(network_run, run, training, len(rows), detector)
    training_runs.log_training_outputs(run, layout, name, n_splits)


def _log_study(run: Run, layout: Layout, params: Mapping[str, Any]) -> None:
    training_runs.log_study_params(run, params.get("seed"), params.get("tune", {}))
    trials = read_trials(layout.tuning_trials)
    for trial in trials:
        with run.child(f"trial {trial.number}", role="trial") as trial_run:
            trial_run.params(trial.values)
            training_runs.log_trial(trial_run, trial.score, "pruned" if trial.pruned else "")
    training_runs.log_study_outputs(run, layout, trials)
