"""Train one model, once or once a fold, keep the weights of the best epoch, and log the run to MLflow.

A tuned model is trained with the tuned values and with those of its row, and keeps the ones that validate better.
"""

import shutil
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from fakefaces.base.files import read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress, waiting_for
from fakefaces.base.schema import Count, Schema, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data import images
from fakefaces.data.splits import MOSTLY_FACES, CvSplit, cv_splits, read_split
from fakefaces.features.files import extract_files
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.params.train import Train
from fakefaces.tracking.runs import Run, stage_run
from fakefaces.tracking.system_metrics import system_metrics
from fakefaces.tracking.training_runs import (
    fold_run,
    log_epoch,
    log_network,
    log_training_outputs,
    log_training_params,
)
from fakefaces.training.augmentation import Recipe
from fakefaces.training.candidates import Candidate, FittedCandidate, better, candidates
from fakefaces.training.familiarity import familiar
from fakefaces.training.fit import PreparedFeatures, inference_graph, load_features, train_network, whole_network
from fakefaces.training.loop import OnEpoch, Row
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
    model = params.train.models[name]
    tuned, recipe = read_json(layout.tuned(model.tuned)), Recipe.from_json(read_json(layout.recipe(model.augment)))
    values = candidates(params.train, name, tuned, recipe, params.seed)
    table = read_split(layout.images)
    example = images.read(layout.data / table["image"].iloc[0])
    splits = cv_splits(table)
    unfinished, histories, kept = layout.unfinished("train", name), [], []
    runtime.start(params.seed, params.threads)
    with stage_run(name, role="train") as run, system_metrics(run):
        shared = {"seed": params.seed, "threads": params.threads, "n_splits": len(splits)}
        fit, settings = values[0].config.fit.model_dump(), values[0].spec.settings.model_dump()
        log_training_params(run, name, shared, model.model_dump(), fit, settings)
        if model.tuned == "best":
            study = run.metrics_of(layout.tuned("best"), "trials", "pruned", "trial_seconds")
            run.metrics({f"tuning_{metric}": value for metric, value in study.items()})
        for split in splits:
            runtime.clear_session()
            features = load_features(layout.features(model.features), split)
            folder = layout.detector(name, split.fold, split.n_splits)
            with fold_run(run, split.fold, split.n_splits) as network_run:
                if len(values) == 1:
                    fitted = fit_network(name, features, values[0], unfinished, partial(log_epoch, network_run))
                else:
                    fitted = select(name, network_run, *(fit_network(name, features, v, unfinished) for v in values))
                    kept.append(fitted.candidate.is_tuned)
                head, state = fitted.head, fitted.state
                network_run.metrics({"best_epoch": state.best_epoch})
                network_run.speed(state.epoch * len(features.train.labels), state.seconds)
                with waiting_for(f"{name} to be exported, compared with its export, and logged"):
                    network, graph = whole_network(features, head), inference_graph(features, head)
                    metadata = DetectorMetadata(
                        model=name,
                        kind=model.kind,
                        **vars(features.spec),
                        min_side=params.validate_.min_side,
                        needs_face=bool((split.train["faces"] > 0).mean() >= MOSTLY_FACES),
                        weights=features.weights,
                        drawn=layout.drawn,
                        threshold=params.train.threshold,
                        parameters=network.count_params(),
                        familiar=familiar(features, head),
                    )
                    save_detector(folder, network, metadata, sample_inputs(features.spec, split, layout), graph)
                    log_network(network_run, state.epoch, folder, example)
            history = pd.DataFrame(state.history)
            histories.append(history if split.n_splits == 1 else history.assign(fold=split.fold))
            echo(f"{name}: best epoch {state.best_epoch} of {state.epoch}, weights: {features.weights}")
        if kept:
            run.metrics({"tuned_values_kept": sum(kept) / len(kept)})
        write_text(layout.history(name), pd.concat(histories).to_csv(index=False, float_format="%.6f"))
        log_training_outputs(run, layout, name, len(splits))
        shutil.rmtree(unfinished, ignore_errors=True)


def sample_inputs(spec: FeatureSpec, split: CvSplit, layout: Layout) -> NDArray[Any]:
    """The features of some validation images, on which an exported graph is compared with its network."""
    images = split.validation["image"]
    return extract_files(spec, [layout.data / image for image in images.iloc[:: 1 + len(images) // 16]], threads=1)


def fit_network(
    name: str,
    features: PreparedFeatures,
    candidate: Candidate,
    unfinished: Path,
    log: OnEpoch = lambda row: None,
) -> FittedCandidate:
    """Train one network, with its epochs on the terminal."""
    title = f"{name}, tuned" if candidate.is_tuned else name
    # What is fitted in closed form has one epoch, and shows its own progress.
    epochs = nullcontext() if candidate.spec.is_closed_form else progress(title, candidate.config.fit.epochs)
    with epochs as step:

        def on_epoch(row: Row) -> None:
            log(row)
            if step:
                step(1, f"val_loss {row['val_loss']:.4f} val_roc_auc {row['val_roc_auc']:.3f}")

        network, state = train_network(
            features, candidate.spec, candidate.config, unfinished=unfinished, on_epoch=on_epoch
        )
    return FittedCandidate(candidate, network, state)


def select(name: str, run: Run, tuned: FittedCandidate, untuned: FittedCandidate) -> FittedCandidate:
    """Keep the tuned values if they validate better, and log the epochs of what is kept."""
    fitted = better(tuned, untuned)
    for row in fitted.state.history:
        log_epoch(run, row)
    run.metrics({"tuned_val_roc_auc": tuned.val_roc_auc, "untuned_val_roc_auc": untuned.val_roc_auc})
    echo(
        f"{name}: the {'tuned' if fitted is tuned else 'untuned'} values are kept: validation ROC AUC "
        f"{tuned.val_roc_auc:.3f} tuned, {untuned.val_roc_auc:.3f} untuned"
    )
    return fitted


if __name__ == "__main__":
    run_stage(main, Params)
