"""Train one model, once or once a fold, keep the weights of the best epoch, and log the run to MLflow."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from fakefaces.base.files import read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.schema import Count, Schema, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.splits import CvSplit, cv_splits, read_split
from fakefaces.features.extract import FeatureSpec
from fakefaces.features.files import extract_files
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.kinds import ModelSpec, model_spec
from fakefaces.params.train import Train
from fakefaces.tracking.runs import Run, stage_run
from fakefaces.tracking.training_runs import (
    fold_run,
    log_epoch,
    log_network,
    log_training_outputs,
    log_training_params,
)
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import PreparedFeatures, inference_graph, load_features, train_network, whole_network
from fakefaces.training.loop import FitState, Row, TrainingConfig
from fakefaces.training.saving import save_detector


class SmallestSide(Schema):
    """What this stage reads of the section ``validate``."""

    model_config = ConfigDict(extra="ignore")

    min_side: Count


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    validate_: SmallestSide = Field(alias="validate")
    train: Train


def main(params: Params, layout: Layout, name: str) -> None:
    model, where = params.train.models[name], f"train.models.{name}"
    tuned = read_json(layout.tuned(model.tuned))
    config = TrainingConfig(
        params.train.fit_with(model.fit, tuned["fit"], where=f"{where}.fit"),
        Recipe.from_json(read_json(layout.recipe(model.augment))).with_strength(tuned["augment"].get("strength", 1.0)),
        params.seed,
    )
    spec = model_spec(model.kind, model.settings | tuned["settings"], f"params.yaml: {where}")
    table = read_split(layout.images)
    example = images.read(layout.data / table["image"].iloc[0])
    splits = cv_splits(table)
    unfinished, histories = layout.unfinished("train", name), []
    runtime.start(params.seed, params.threads)
    with stage_run(name, role="train") as run:
        shared = {"seed": params.seed, "threads": params.threads, "n_splits": len(splits)}
        settings = spec.settings.model_dump()
        log_training_params(run, name, shared, model.model_dump(), config.fit.model_dump(), settings)
        if model.tuned == "best":
            study = run.metrics_of(layout.tuned("best"), "trials", "pruned", "trial_seconds")
            run.metrics({f"tuning_{metric}": value for metric, value in study.items()})
        for split in splits:
            runtime.clear_session()
            features = load_features(layout.features(model.features), split)
            folder = layout.detector(name, split.fold, split.n_splits)
            with fold_run(run, split.fold, split.n_splits) as network_run:
                head, state = fit_network(name, network_run, features, spec, config, unfinished)
                network, graph = whole_network(features, head), inference_graph(features, head)
                metadata = DetectorMetadata(
                    model=name,
                    kind=model.kind,
                    **vars(features.spec),
                    min_side=params.validate_.min_side,
                    weights=features.weights,
                    drawn=(layout.data / "manifest.csv").is_file(),  # as the sample has one, and the model card says
                    threshold=params.train.threshold,
                    parameters=network.count_params(),
                )
                save_detector(folder, network, metadata, sample_inputs(features.spec, split, layout), graph)
                log_network(network_run, state.epoch, folder, example)
            history = pd.DataFrame(state.history)
            histories.append(history if split.n_splits == 1 else history.assign(fold=split.fold))
            echo(f"{name}: best epoch {state.best_epoch} of {state.epoch}, weights: {features.weights}")
        write_text(layout.history(name), pd.concat(histories).to_csv(index=False, float_format="%.6f"))
        log_training_outputs(run, layout, name, len(splits))
        shutil.rmtree(unfinished, ignore_errors=True)


def sample_inputs(spec: FeatureSpec, split: CvSplit, layout: Layout) -> NDArray[Any]:
    """The features of some validation images, on which an exported graph is compared with its network."""
    images = split.validation["image"]
    return extract_files(spec, [layout.data / image for image in images.iloc[:: 1 + len(images) // 16]], threads=1)


def fit_network(
    name: str, run: Run, features: PreparedFeatures, spec: ModelSpec, config: TrainingConfig, unfinished: Path
) -> tuple[Any, FitState]:
    """Train one network, with its epochs on the terminal and in its run."""
    with progress(name, config.fit.epochs) as step:

        def on_epoch(row: Row) -> None:
            log_epoch(run, row)
            step(1, f"val_loss {row['val_loss']:.4f} val_roc_auc {row['val_roc_auc']:.3f}")

        network, state = train_network(features, spec, config, unfinished=unfinished, on_epoch=on_epoch)
    run.metrics({"best_epoch": state.best_epoch})
    run.speed(state.epoch * len(features.train.labels), state.seconds)
    return network, state


if __name__ == "__main__":
    run_stage(main, Params)
