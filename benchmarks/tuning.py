"""What pruning saves, and whether tuning pays.

    uv run python benchmarks/tuning.py pruners     # each pruner on the same study: epochs, seconds, the best score
    uv run python benchmarks/tuning.py pays        # the tuned model against the untuned one, over five seeds

Run it in a project whose stages up to ``prepare`` have run (``dvc repro prepare augment``); it takes the study of its
params.yaml, with the numbers that the options give.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base import environment
from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import Params, load
from fakefaces.tracking.trials import Trial
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import load_features, train_network
from fakefaces.training.loop import FitState, Row, TrainingConfig
from fakefaces.tuning.search import PrunedError, Report, StudyConfig, best, search
from fakefaces.tuning.trials import by_section


class Bench:
    """The study's features and recipe, and trainings on them without MLflow."""

    def __init__(self, params: Params, layout: Layout):
        self.params, self.tune = params, params.tune
        self.recipe = Recipe.from_json(read_json(layout.recipe(self.tune.augment)))
        split = cv_splits(read_split(layout.images))[0]
        folder = layout.features(self.tune.features)
        self.features = load_features(folder, split)
        names = split.table["split"].replace({"validation": "none", "test": "validation"})
        self.test = load_features(folder, replace(split, table=split.table.assign(split=names))).validation

    def fit(
        self, values: Mapping[str, Any], epochs: int, patience: int, seed: int, on_epoch: Callable[[Row], None]
    ) -> tuple[Any, FitState]:
        """A network that is trained with these values, and its history."""
        sections = by_section(values)
        schedule = self.params.train.fit_with(
            sections["fit"] | {"epochs": epochs, "patience": patience}, where="benchmark"
        )
        # Without values the model is the untuned one, whose images are not augmented.
        strength = sections["augment"].get("strength", 1.0 if values else 0.0)
        config = TrainingConfig(schedule, self.recipe.with_strength(strength), seed)
        with tempfile.TemporaryDirectory() as folder:
            spec = model_spec(self.tune.kind, sections["settings"], "benchmark")
            return train_network(self.features, spec, config, unfinished=Path(folder), on_epoch=on_epoch)

    def search(self, pruner: str, trials: int, epochs: int, seed: int) -> tuple[list[Trial], int, float]:
        """The trials, the epochs that they took, and the seconds."""
        spent = 0

        def objective(number: int, values: Mapping[str, Any], report: Report) -> float:
            highest = 0.0

            def on_epoch(row: Row) -> None:
                nonlocal highest, spent
                spent += 1
                highest = max(highest, row["val_roc_auc"])
                report(int(row["epoch"]), highest)

            try:
                self.fit(values, epochs, epochs, self.params.seed, on_epoch)
            except ModelError:
                raise PrunedError from None
            return highest

        config = StudyConfig(
            name=f"benchmark-{pruner}",
            space=self.tune.space,
            trials=trials,
            startup_trials=max(2, trials // 4),
            epochs=epochs,
            pruner=pruner,
            seed=seed,
        )
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            result = search(config, objective, folder=Path(folder), on_trial=lambda trial: print(trial, flush=True))
        return result.trials, spent, time.perf_counter() - start


def pruners(bench: Bench, trials: int, epochs: int, seeds: Sequence[int]) -> None:
    rows = []
    for seed in seeds:
        for pruner in ("none", "median", "hyperband"):
            trials_run, spent, seconds = bench.search(pruner, trials, epochs, seed)
            top = best(trials_run)
            pruned = sum(trial.pruned for trial in trials_run)
            rows.append((seed, pruner, pruned, spent, round(seconds, 1), round(top.score or 0, 4) if top else None))
    table = pd.DataFrame(rows, columns=["seed", "pruner", "pruned", "epochs", "seconds", "best val ROC AUC"])
    print(f"\n{trials} trials of at most {epochs} epochs\n\n{table.to_string(index=False)}")


def pays(bench: Bench, trials: int, epochs: int, seeds: Sequence[int]) -> None:
    trials_run, spent, seconds = bench.search(bench.tune.pruner, trials, epochs, bench.params.seed)
    top = best(trials_run)
    print(f"\n{trials} trials, {sum(t.pruned for t in trials_run)} pruned, {spent} epochs, {seconds:.0f} s: {top}")
    values = top.values if top else {}
    fit, scores = bench.params.train.fit, {}
    for name, chosen in (("untuned", {}), ("tuned", values)):
        scores[name] = [measured(bench, chosen, fit.epochs, fit.patience, seed) for seed in seeds]
        print(name, [f"val {val:.4f} test {test:.4f}" for val, test in scores[name]], flush=True)
    for column, part in enumerate(("validation", "test")):
        untuned, tuned = (np.array([pair[column] for pair in scores[name]]) for name in ("untuned", "tuned"))
        gain, spread = tuned.mean() - untuned.mean(), max(np.std(tuned, ddof=1), np.std(untuned, ddof=1))
        verdict = "pays" if gain > spread else "does not pay"
        print(
            f"{part}: untuned {untuned.mean():.4f} (sd {untuned.std(ddof=1):.4f}), tuned {tuned.mean():.4f} "
            f"(sd {tuned.std(ddof=1):.4f}): {gain:+.4f}; {verdict}"
        )


def measured(bench: Bench, values: Mapping[str, Any], epochs: int, patience: int, seed: int) -> tuple[float, float]:
    """The ROC AUC on validation, at the best epoch, and on test."""
    from sklearn.metrics import roc_auc_score

    network, state = bench.fit(values, epochs, patience, seed, lambda row: None)
    test = bench.test
    p_fake = np.concatenate(
        [network.predict_on_batch(test.features[k : k + 64])[:, 0] for k in range(0, len(test.labels), 64)]
    )
    return state.history[state.best_epoch - 1]["val_roc_auc"], float(roc_auc_score(test.labels, p_fake))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("pruners", "pays"))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8, help="of a trial, at most")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    runtime.start(params.seed, params.threads)
    measure = {"pruners": pruners, "pays": pays}[arguments.what]
    measure(Bench(params, layout), arguments.trials, arguments.epochs, range(1, arguments.seeds + 1))


if __name__ == "__main__":
    main()
