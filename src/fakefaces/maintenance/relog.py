"""Runs that a store lacks, logged again from the outputs that DVC kept: a fresh clone, a wiped ``mlruns/``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.maintenance import dvc_lock
from fakefaces.maintenance.dvc_lock import Made
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.evaluations import log_evaluation
from fakefaces.tracking.runs import RELOGGED, Run, stage_run


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
    model = known.get(f"train.models.{name}", {})
    fit = dict(known.get("train.fit", {})) | dict(model.get("fit", {}))
    run.params({"model": name, "seed": known.get("seed"), "threads": known.get("threads")})
    run.params({key: model[key] for key in ("kind", "view", "augment", "tuned", "settings") if key in model})
    run.params({"fit": fit})
    history = pd.read_csv(layout.history(name))
    folder = layout.model(name)
    if (folder / "detector.json").is_file():
        _one_network(run, history, folder, layout)
    else:  # one a fold
        for path in sorted(folder.iterdir()):
            number = int(path.name.removeprefix("fold"))
            with run.child(f"fold {number}", role="fold") as within:
                rows = history[history["fold"] == number].drop(columns="fold")
                _one_network(within, rows, path, layout)
    run.artifact(layout.history(name))
    run.log_outputs(layout.relative(folder), layout.relative(layout.history(name)))


def _one_network(run: Run, history: pd.DataFrame, folder: Path, layout: Layout) -> None:
    for row in history.to_dict("records"):
        run.metrics({str(key): value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
    run.metrics({"epochs": len(history)})
    log_detector(run, folder, example(layout))


def _tuning(run: Run, layout: Layout, known: Mapping[str, Any]) -> None:
    tune = known.get("tune", {})
    run.params({"seed": known.get("seed")} | {key: value for key, value in tune.items() if key != "space"})
    run.params({f"space.{key}": where for key, where in tune.get("space", {}).items()})
    trials = read_json(layout.reports / "tune.json")["trials"]
    for trial in trials:
        with run.child(f"trial {trial['number']}", role="trial") as within:
            within.params(trial["values"])
            within.metrics({"best_val_roc_auc": trial["score"]})
            within.tag("given_up", "pruned" if trial["pruned"] else "")
    scores = [trial["score"] for trial in trials if trial["score"] is not None]
    pruned = sum(trial["pruned"] for trial in trials)
    run.metrics({"best_val_roc_auc": max(scores, default=None), "trials": len(trials), "pruned": pruned})
    run.artifact(layout.reports / "tune.json")
    run.log_outputs(*(layout.relative(path) for path in (layout.tuned("best"), layout.reports / "tune.json")))
