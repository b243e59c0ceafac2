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
from fakefaces.data.arrays import Part
from fakefaces.data.splits import read_split
from fakefaces.models import runtime
from fakefaces.models.kinds import blueprint
from fakefaces.params.file import load
from fakefaces.training.augmentation import Recipe, augment
from fakefaces.training.fit import load_view
from fakefaces.training.loop import Schedule, fit


def stored(train: Part, recipe: Recipe, copies: int, seed: int) -> Part:
    """The training images and ``copies`` augmented ones of each."""
    drawn = [augment(train.views, recipe, seed=[seed, k]) for k in range(copies)]
    return Part(
        np.concatenate([train.views, *drawn]),
        np.tile(train.labels, copies + 1),
        np.tile(train.parts, (copies + 1, 1)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("seeds", 3), ("epochs", 12), ("stored", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    runtime.start(params.seed, params.threads)
    view = load_view(layout.features("pixels"), read_split(layout.images))
    recipe = Recipe.from_json(read_json(layout.recipe("standard")))
    rows: dict[str, list[tuple[float, float]]] = {"none": [], "drawn": [], "stored": []}
    for seed in range(given.seeds):
        for way, row in rows.items():
            runtime.start(seed, params.threads)
            start = time.perf_counter()
            train = stored(view.train, recipe, given.stored, seed) if way == "stored" else view.train
            epochs = max(1, round(given.epochs / (given.stored + 1))) if way == "stored" else given.epochs
            schedule = Schedule(epochs, 32, params.train.fit.learning_rate, epochs, monitor="val_roc_auc")
            network = blueprint("custom_cnn", {}, "benchmark").build(train.views.shape[1:])
            state = fit(
                network, train, view.validation, schedule, recipe=recipe if way == "drawn" else Recipe([]), seed=seed
            )
            row.append((time.perf_counter() - start, max(r["val_roc_auc"] for r in state.history)))
    plain = np.mean([seconds for seconds, _ in rows["none"]])
    for way, row in rows.items():
        seconds, aucs = np.array(row).T
        size = view.train.views.nbytes * (given.stored + 1 if way == "stored" else 1) / 2**20
        print(
            f"{way:7} time {seconds.mean() / plain:5.2f} x none   arrays {size:7.1f} MiB   "
            f"best val ROC AUC {aucs.mean():.3f} (seeds: {', '.join(f'{a:.3f}' for a in aucs)})"
        )


if __name__ == "__main__":
    main()
