"""Copies drawn in each epoch against copies stored beforehand: seconds, megabytes, validation ROC AUC.

    uv run python benchmarks/augmentation.py [--seeds 3] [--epochs 12] [--stored 4]

Needs the outputs of `dvc repro`. Both ways take the same number of gradient steps over `custom_cnn`: with K stored
copies an epoch is K + 1 times as long, so there are that many fewer.
"""

import argparse
import time

import numpy as np

from fakefaces.base import environment
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data.arrays import TrainArrays
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load
from fakefaces.training.augmentation import Augmenter, Recipe
from fakefaces.training.fit import load_features
from fakefaces.training.loop import TrainingConfig, fit


def with_copies(train: TrainArrays, recipe: Recipe, copies: int, seed: int) -> TrainArrays:
    """The training images and ``copies`` augmented ones of each."""
    originals = np.asarray(train.features)
    augmented = [Augmenter(recipe, [seed, k])(originals) for k in range(copies)]
    return TrainArrays(
        np.concatenate([originals, *augmented]),
        np.tile(train.labels, copies + 1),
        np.tile(train.replaced, (copies + 1, 1)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("seeds", 3), ("epochs", 12), ("stored", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    runtime.start(params.seed, params.threads)
    features = load_features(layout.features("pixels"), cv_splits(read_split(layout.images))[0])
    recipe = Recipe.from_json(read_json(layout.recipe("standard")))
    rows: dict[str, list[tuple[float, float]]] = {"none": [], "drawn": [], "stored": []}
    for seed in range(arguments.seeds):
        for variant, row in rows.items():
            runtime.start(seed, params.threads)
            start = time.perf_counter()
            train, epochs = features.train, arguments.epochs
            if variant == "stored":
                train = with_copies(train, recipe, arguments.stored, seed)
                epochs = max(1, round(epochs / (arguments.stored + 1)))
            schedule = params.train.fit.model_copy(
                update={"epochs": epochs, "batch_size": 32, "patience": epochs, "monitor": "val_roc_auc"}
            )
            config = TrainingConfig(schedule, recipe if variant == "drawn" else Recipe([]), seed)
            network = model_spec("custom_cnn", {}, "benchmark").build(train.features.shape[1:])
            state = fit(network, train, features.validation, config)
            row.append((time.perf_counter() - start, max(r["val_roc_auc"] for r in state.history)))
    plain = np.mean([seconds for seconds, _ in rows["none"]])
    for variant, row in rows.items():
        seconds, aucs = np.array(row).T
        size = features.train.features.nbytes * (arguments.stored + 1 if variant == "stored" else 1) / 2**20
        print(
            f"{variant:7} time {seconds.mean() / plain:5.2f} x none   arrays {size:7.1f} MiB   "
            f"best val ROC AUC {aucs.mean():.3f} (seeds: {', '.join(f'{a:.3f}' for a in aucs)})"
        )


if __name__ == "__main__":
    main()
