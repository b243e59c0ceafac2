"""Train one model, once or once a fold, keep its best epoch, and log the run to MLflow."""

import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces.base.files import read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.inference.detector import Detector
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.kinds import Blueprint, blueprint
from fakefaces.params.train import Fit, Train
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.runs import Run, stage_run
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import View, fit_view, load_view
from fakefaces.training.loop import Progress, Row, Schedule


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    train: Train


def main(params: Params, layout: Layout, name: str) -> None:
    model = params.train.models[name]
    found = read_json(layout.tuned(model.tuned))
    where = f"train.models.{name}"
    schedule = params.train.fit_with(model.fit, found["fit"], where=f"{where}.fit")
    plan = blueprint(model.kind, model.settings | found["settings"], f"params.yaml: {where}")
    recipe = Recipe.from_json(read_json(layout.recipe(model.augment))).at(found["augment"].get("strength", 1.0))
    table = read_split(layout.images)
    runtime.start(params.seed, params.threads)
    splits = cv_splits(table)
    unfinished, histories = layout.unfinished("train", name), []
    with stage_run(name, role="train") as run:
        run.params(
            {"model": name, "seed": params.seed, "threads": params.threads, "rounds": len(splits)}
            | model.model_dump(include={"kind", "features", "augment", "tuned"})
            | {"fit": schedule.model_dump(), "settings": plan.settings.model_dump()}
        )
        if model.tuned == "best":
            effort = run.metrics_of(layout.tuned("best"), "trials", "pruned", "trial_seconds")
            run.metrics({f"tuning_{name}": value for name, value in effort.items()})
        for split in splits:
            view = load_view(layout.features(model.features), split.table)
            run.params({"weights": view.weights})
            folder = layout.detector(name, split.fold, split.n_splits)
            with one_round(run, split.fold, split.n_splits) as within:
                network, state = fitted(name, within, view, plan, schedule, recipe, params.seed, unfinished)
                metadata = DetectorMetadata(
                    model=name,
                    kind=model.kind,
                    extractor=view.extractor,
                    crop=view.crop,
                    image_size=view.image_size,
                    weights=view.weights,
                    threshold=params.train.threshold,
                    parameters=network.count_params(),
                )
                Detector(network, metadata).save(folder)
                log_detector(within, folder, images.read(layout.data / table["image"].iloc[0]))
            histories.append(pd.DataFrame(state.history) if split.n_splits == 1 else told(state, split.fold))
            echo(f"{name}: best epoch {state.best_epoch} of {state.epoch}, weights: {view.weights}")
        write_text(layout.history(name), pd.concat(histories).to_csv(index=False, float_format="%.6f"))
        run.artifact(layout.history(name))
        run.log_outputs(layout.relative(layout.model(name)), layout.relative(layout.history(name)))
        shutil.rmtree(unfinished, ignore_errors=True)


def one_round(run: Run, number: int, rounds: int) -> AbstractContextManager[Run]:
    """The run of one round: the model's own where there is but one, else nested in it."""
    return nullcontext(run) if rounds == 1 else run.child(f"fold {number}", role="fold")


def fitted(
    name: str, run: Run, view: View, plan: Blueprint, schedule: Fit, recipe: Recipe, seed: int, unfinished: Path
) -> tuple[Any, Progress]:
    """Fit one network, with its epochs on the terminal and in its run."""
    with progress(name, schedule.epochs) as step:

        def on_epoch(row: Row) -> None:
            run.metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
            step(1, f"val_loss {row['val_loss']:.4f} val_roc_auc {row['val_roc_auc']:.3f}")

        network, state = fit_view(
            view,
            plan,
            Schedule(**schedule.model_dump()),
            recipe=recipe,
            seed=seed,
            unfinished=unfinished,
            on_epoch=on_epoch,
        )
    run.metrics({"best_epoch": state.best_epoch, "epochs": state.epoch})
    run.speed(state.epoch * len(view.train.labels), state.seconds)
    return network, state


def told(state: Progress, number: int) -> pd.DataFrame:
    """The history of one fold, which is named."""
    return pd.DataFrame(state.history).assign(fold=number)


if __name__ == "__main__":
    run_stage(main, Params)
