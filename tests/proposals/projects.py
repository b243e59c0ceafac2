"""Projects whose models have scores as good as stated, written without the stages."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.predictions import ScoredImages
from tests.metrics import EVALUATOR, model_metrics

N = 240
RULES = ("rule_header",)


def images(n: int = N, first: int = 0) -> pd.DataFrame:
    numbers = np.arange(first, first + n)
    label = numbers % 2
    table = pd.DataFrame(
        {
            "image": [f"training_{'fake' if k % 2 else 'real'}/{k}.jpg" for k in numbers],
            "sha256": [f"{k:064x}" for k in numbers],
            "label": label,
            "group": [f"g{k}" for k in numbers],
            "difficulty": np.where(label == 1, np.where(numbers % 3 == 0, "hard", "easy"), ""),
            "encoding": "one",
            "split": "test",
        }
    )
    return table.assign(**dict.fromkeys(PARTS, label))


def write_project(
    root: Path, strengths: Mapping[str, float], seed: int = 0, table: pd.DataFrame | None = None
) -> Layout:
    """The evaluation of models that tell the classes apart by so many standard deviations, and of a blind rule."""
    layout = Layout(root)
    table = images() if table is None else table
    for number, (name, strength) in enumerate({**strengths, **dict.fromkeys(RULES, 0.0)}.items()):
        noise = np.random.default_rng([seed, number]).normal(0, 1, len(table))
        table = table.assign(**{name: 1 / (1 + np.exp(-(noise + strength * (table["label"] - 0.5))))})
    layout.predictions.parent.mkdir(parents=True)
    table.to_csv(layout.predictions, index=False)
    table.assign(split="test").to_csv(layout.images, index=False)
    for name in (*strengths, *RULES):
        evaluated = table.assign(p_fake=table[name])
        if name in RULES:
            EVALUATOR.evaluate(ScoredImages(evaluated, evaluated), weights="header", threshold=0.5).write(
                layout.metrics(name)
            )
            continue
        roc_auc = float(
            np.mean(
                [
                    p > q
                    for p in evaluated.loc[table["label"] == 1, "p_fake"]
                    for q in evaluated.loc[table["label"] == 0, "p_fake"]
                ]
            )
        )
        model_metrics(roc_auc, roc_auc, model_digest=f"{name} {strengths[name]} {seed}").write(layout.metrics(name))
    return layout


class Fetched:
    """The base's files, as if they had been fetched."""

    def __init__(self, layout: Layout, commit: str = "0123456789abcdef"):
        self.layout, self.commit = layout, commit

    def fetch(self, path: Path) -> None:
        assert path.exists(), path
