"""Train one model, once or once a fold and a seed, keep the weights of the best epoch, and log the run to MLflow.

Several trainings run side by side, each in a process of its own; their results are those of one after another.

A tuned model is trained with the tuned values and with those of its row, and keeps the ones that validate better.
"""

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from fakefaces.base.errors import TrackingError
from fakefaces.base.files import atomic_write, read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress, waiting_for
from fakefaces.base.schema import Count, Schema, StageParams
from fakefaces.base.slots import Slots
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import MOSTLY_FACES, CvSplit, cv_splits, read_split
from fakefaces.features.files import extract_files
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.params.train import Train
from fakefaces.tracking.runs import Run, RunAddress, stage_run
from fakefaces.tracking.system_metrics import system_metrics
from fakefaces.tracking.training_runs import (
    Training,
    log_epoch,
    log_network,
    log_training_outputs,
    log_training_params,
    trainings,
)
from fakefaces.training.augmentation import Recipe
from fakefaces.training.candidates import Candidate, FittedCandidate, better, candidates
from fakefaces.training.familiarity import familiar
from fakefaces.training.fit import (
    PreparedFeatures,
    build_network,
    inference_graph,
    load_features,
    train_network,
    whole_network,
)
from fakefaces.training.loop import OnEpoch, Row
from fakefaces.training.saving import save_detector
from fakefaces.training.seeds import seed_of_training
from fakefaces.training.shared import SharedTraining, shared_training
from fakefaces.training.side_by_side import side_by_side


class SmallestSide(Schema):
    """What this stage reads of the section ``validate``."""

    model_config = ConfigDict(extra="ignore")

    min_side: Count


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    validate_: SmallestSide = Field(alias="validate")
    train: Train


@dataclass(frozen=True)
class Task:
    """What one training needs besides its features."""

    params: Params
    layout: Layout
    name: str  # of the model
    training: Training
    staged: Path  # the folder that its detector is written to


@dataclass(frozen=True)
class Trained:
    """What a training leaves besides its detector."""

    history: list[Row]
    kept_tuned: bool | None  # whether the tuned values validated better; None for a model that is not tuned
    lost: TrackingError | None = None  # the store, meanwhile


def main(params: Params, layout: Layout, name: str) -> None:
    model, slots = params.train.models[name], Slots.of_stage(layout.root)
    unfinished = layout.unfinished("train", name)
    all_trainings = trainings(len(cv_splits(read_split(layout.images))), model.seeds)
    tasks = [Task(params, layout, name, training, _staged(layout, name, training)) for training in all_trainings]
    first = _candidates(tasks[0])[0]
    with stage_run(name, role="train") as run, system_metrics(run):
        shared = {"seed": params.seed, "threads": params.threads, "n_splits": tasks[0].training.n_splits}
        fit, settings = first.config.fit.model_dump(), first.spec.settings.model_dump()
        log_training_params(run, name, shared, model.model_dump(), fit, settings)
        if model.tuned == "best":
            study = run.metrics_of(layout.tuned("best"), "trials", "pruned", "trial_seconds")
            run.metrics({f"tuning_{metric}": value for metric, value in study.items()})
        if slots.count == 1 or len(tasks) == 1:
            trained = [train(run, task) for task in tasks]
        else:
            trained = side_by_side(partial(train_apart, run.address), tasks, slots)
            run.connection.lose(next((one.lost for one in trained if one.lost), None))
        by_training = zip(all_trainings, trained, strict=True)
        histories = [pd.DataFrame(one.history).assign(**training.columns) for training, one in by_training]
        kept = [one.kept_tuned for one in trained if one.kept_tuned is not None]
        if kept:
            run.metrics({"tuned_values_kept": sum(kept) / len(kept)})
        with atomic_write(layout.model(name)) as aside:
            for task in sorted(tasks, key=lambda task: task.training.folder(layout, name)):
                target = aside / task.training.folder(layout, name).relative_to(layout.model(name))
                target.parent.mkdir(exist_ok=True)
                shutil.move(task.staged, target)
        write_text(layout.history(name), pd.concat(histories).to_csv(index=False, float_format="%.6f"))
        log_training_outputs(run, layout, name, tasks[0].training.n_splits)
        shutil.rmtree(unfinished, ignore_errors=True)


def _staged(layout: Layout, name: str, training: Training) -> Path:
    """Where a detector waits for those of the other trainings, under the name that its folder will have."""
    return layout.unfinished("train", name) / "detectors" / training.folder(layout, name).name


def _candidates(task: Task) -> list[Candidate]:
    train, model = task.params.train, task.params.train.models[task.name]
    tuned, recipe = (read_json(path) for path in (task.layout.tuned(model.tuned), task.layout.recipe(model.augment)))
    seed = seed_of_training(task.params.seed, task.training.seed)
    return candidates(train, task.name, tuned, Recipe.from_json(recipe), seed)


def train_apart(address: RunAddress, task: Task) -> Trained:
    """Train in a process of its own; ``address`` is of the model's run."""
    run = address.open()
    return replace(train(run, task), lost=run.connection.lost)


def train(run: Run, task: Task) -> Trained:
    """Train, export and save one detector; ``run`` is the model's."""
    params, layout, name, training = task.params, task.layout, task.name, task.training
    model, values = params.train.models[name], _candidates(task)
    table = read_split(layout.images)
    split, unfinished = cv_splits(table)[training.fold], layout.unfinished("train", name)
    title = f"{name}, {training.title}" if training.title else name
    runtime.start(params.seed, params.threads)
    runtime.clear_session()
    features = load_features(layout.features(model.features), split)
    with training.run(run) as network_run:
        if training.n_seeds > 1:
            network_run.params({"seed": values[0].config.seed})
        fit = partial(fit_network, title, features, unfinished, _shared(task))
        if len(values) == 1:
            fitted = fit(values[0], partial(log_epoch, network_run))
        else:
            fitted = select(title, network_run, *map(fit, values))
        head, state = fitted.head, fitted.state
        network_run.metrics({"best_epoch": state.best_epoch})
        network_run.speed(state.epoch * len(features.train.labels), state.seconds)
        with waiting_for(f"{title} to be exported, compared with its export, and logged"):
            network, graph = whole_network(features, head), inference_graph(features, head)
            metadata = DetectorMetadata(
                model=name,
                kind=model.kind,
                **vars(features.spec),
                min_side=params.validate_.min_side,
                needs_face=bool((split.train["faces"] > 0).mean() >= MOSTLY_FACES),
                weights=features.weights,
                drawn=layout.drawn,
                whole_fakes=not bool((split.train[list(PARTS)] == 1).to_numpy(dtype=bool, na_value=False).any()),
                threshold=params.train.threshold,
                parameters=network.count_params(),
                familiar=familiar(features, head),
            )
            save_detector(task.staged, network, metadata, sample_inputs(features.spec, split, layout), graph)
            example = images.read(layout.data / table["image"].iloc[0])
            log_network(network_run, run, training, state.epoch, (task.staged, example))
    echo(f"{title}: best epoch {state.best_epoch} of {state.epoch}, weights: {features.weights}")
    return Trained(state.history, fitted.candidate.is_tuned if len(values) > 1 else None)


def sample_inputs(spec: FeatureSpec, split: CvSplit, layout: Layout) -> NDArray[Any]:
    """The features of some validation images, on which an exported graph is compared with its network."""
    images = split.validation["image"]
    return extract_files(spec, [layout.data / image for image in images.iloc[:: 1 + len(images) // 16]], threads=1)


def _shared(task: Task) -> SharedTraining | None:
    settings = [task.params.seed, task.params.threads]
    return shared_training(task.layout, task.params.train, task.name, task.training.title, settings)


def fit_network(
    title: str,
    features: PreparedFeatures,
    unfinished: Path,
    shared: SharedTraining | None,
    candidate: Candidate,
    log: OnEpoch = lambda row: None,
) -> FittedCandidate:
    """Train one network, with its epochs on the terminal, unless another stage has trained the same one."""
    title = f"{title}, tuned" if candidate.is_tuned else title
    # What is fitted in closed form has one epoch, and shows its own progress.
    epochs = nullcontext() if candidate.spec.is_closed_form else progress(title, candidate.config.fit.epochs)
    with epochs as step:

        def on_epoch(row: Row) -> None:
            log(row)
            if step:
                step(1, f"val_loss {row['val_loss']:.4f} val_roc_auc {row['val_roc_auc']:.3f}")

        spec, config = candidate.spec, candidate.config
        train = partial(train_network, features, spec, config, unfinished=unfinished, on_epoch=on_epoch)
        if shared and not candidate.is_tuned and not spec.is_closed_form:
            network, state = shared.once(train, partial(build_network, features, spec, config.seed), on_epoch)
        else:
            network, state = train()
    return FittedCandidate(candidate, network, state)


def select(title: str, run: Run, tuned: FittedCandidate, untuned: FittedCandidate) -> FittedCandidate:
    """Keep the tuned values if they validate clearly better, and log the epochs of what is kept."""
    fitted = better(tuned, untuned)
    for row in fitted.state.history:
        log_epoch(run, row)
    run.metrics({"tuned_val_roc_auc": tuned.val_roc_auc, "untuned_val_roc_auc": untuned.val_roc_auc})
    echo(
        f"{title}: the {'tuned' if fitted is tuned else 'untuned'} values are kept: validation ROC AUC "
        f"{tuned.val_roc_auc:.3f} tuned, {untuned.val_roc_auc:.3f} untuned"
    )
    return fitted


if __name__ == "__main__":
    run_stage(main, Params)
