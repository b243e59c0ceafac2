"""The evaluate stage on made-up files, with its inputs and outputs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from fakefaces.base.files import write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import cv_splits
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.params.file import Params, load
from pipelines import evaluate as stage

THRESHOLDS = {"custom_cnn": 0.4, "second": 0.65}  # in the metadata of the two models
RULES = ("header", "exif")


@dataclass
class RecordedRun:
    """Stands for an MLflow run, and keeps what is logged."""

    name: str
    role: str
    logged_params: dict = field(default_factory=dict)
    logged_metrics: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    files: list = field(default_factory=list)
    outputs: list = field(default_factory=list)

    def params(self, values):
        self.logged_params |= values

    def metrics(self, values):
        self.logged_metrics |= values

    def tag(self, name, value):
        self.tags[name] = value

    def artifact(self, path):
        self.files.append(path)

    def text(self, text, name):
        self.texts[name] = text

    def log_outputs(self, *paths):
        self.outputs += paths


@dataclass
class Evaluated:
    """The stage's inputs and outputs."""

    params: Params
    layout: Layout
    images: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    corrupted_scores: dict[str, pd.DataFrame]
    runs: list[RecordedRun]
    published: set[str]  # digests of the models whose rows were brought up to date

    def model(self, name: str) -> ModelMetrics:
        return ModelMetrics.read(self.layout.metrics(name))

    def rule(self, name: str) -> Evaluation:
        return Evaluation.read(self.layout.metrics(f"rule_{name}"))

    def scored(self, name: str, split: str, column: str = "p_fake") -> pd.DataFrame:
        """The images that a model or rule scored as part of a split, with ``p_fake``; sorted by name."""
        scores = self.scores[name]
        chosen = scores.loc[scores["split"] == split, ["image", column]].rename(columns={column: "p_fake"})
        images = self.images.drop(columns="split")
        return images.merge(chosen, on="image").sort_values("image", ignore_index=True)

    @property
    def source(self) -> dict[str, str]:
        """The source of a fake: the real in the row before it, but for every fifth, which has too few inliers."""
        names = self.images["image"]
        return {names[2 * k + 1]: names[2 * k] for k in range(100) if k % 5}

    @property
    def resampling(self) -> Resampling:
        return Resampling(100, self.params.seed)


def made_up_images(protocol: str) -> pd.DataFrame:
    """``images.csv``: a hundred photographs, each with a fake of it; the names are not in the order of the rows."""
    rng = np.random.default_rng(8)
    n = 200
    label, group = np.arange(n) % 2, np.arange(n) // 2
    table = pd.DataFrame({"image": [f"{'rf'[fake]}/{997 * k % 1000:03d}.jpg" for k, fake in enumerate(label)]})
    table = table.assign(label=label, group=[f"g{code}" for code in group], format="JPEG")
    table["difficulty"] = np.where(label == 1, np.asarray(["easy", "mid", "hard"])[group % 3], "")
    for part in PARTS:
        table[part] = np.where(label == 1, rng.integers(0, 2, n), 0)
    table["sha256"] = [f"{7 * k % 211:064x}" for k in range(n)]
    table["quantization"] = np.where(group % 4 == 0, "q1", "q2")
    if protocol == "folds":
        table = table.assign(fold=group % 4, validates=(group % 3 == 0).astype(int))
        return table.assign(split=cv_splits(table)[0].table["split"])
    return table.assign(split=np.select([group < 40, group < 65], ["test", "validation"], "train"))


def made_up_scores(images: pd.DataFrame, rng: np.random.Generator, strength: float) -> pd.DataFrame:
    """Scores of the validation and test images of each fold, in no order; an image of two folds has two scores."""
    table = pd.concat(split.unseen for split in cv_splits(images)).sample(frac=1, random_state=5)
    p = 1 / (1 + np.exp(-rng.normal(strength * (table["label"] - 0.5), 1)))
    return table[["image", "split"]].assign(p_fake=p.round(8))


def run_stage_on_made_up_files(root: Path, small_params: dict, protocol: str) -> Evaluated:
    raw = yaml.safe_load(yaml.safe_dump(small_params))
    raw["split"]["protocol"] = protocol
    raw["train"]["models"] = {name: {"kind": "custom_cnn", "features": "pixels"} for name in THRESHOLDS}
    raw["train"]["models"]["second"]["seeds"] = 3
    raw["train"]["threshold"] = 0.55
    raw["evaluate"] |= {"n_resamples": 100, "max_fpr": 0.2, "max_fnr": 0.1, "source_inliers": 50}
    root.mkdir()
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    layout, params, rng = Layout(root), load(root / "params.yaml"), np.random.default_rng(3)
    images = made_up_images(protocol)
    write_text(layout.images, images.to_csv(index=False))
    names = images["image"]
    pairs = [(names[k + 1], names[k], 60 if k % 10 else 40) for k in range(0, len(names), 2)]
    write_text(layout.duplicate_pairs, pd.DataFrame(pairs, columns=["a", "b", "inliers"]).to_csv(index=False))
    scores, corrupted_scores = {}, {}
    n_splits = len(cv_splits(images))
    for number, (name, threshold) in enumerate(THRESHOLDS.items()):
        for fold in range(n_splits):
            metadata = DetectorMetadata(
                model=name,
                kind="custom_cnn",
                image_size=32,
                weights=f"w of {name}",
                threshold=threshold,
                parameters=100 + number,
            )
            folder = layout.detector(name, fold, n_splits)
            folder.mkdir(parents=True)
            (folder / "network.keras").write_text(f"{name} {fold}")
            write_json(folder / "detector.json", metadata.model_dump())
        scores[name] = made_up_scores(images, rng, 1.5 - number)
        first = (scores[name]["split"] == "test").to_numpy().argmax()
        scores[name].iloc[first, scores[name].columns.get_loc("p_fake")] = threshold  # which is called fake
        corruptible = scores[name][scores[name]["split"] == "test"].iloc[5:]
        corrupted_scores[name] = pd.concat(
            corruptible[["image"]].assign(transform="jpeg", level=level, p_fake=corruptible["p_fake"] * level / 100)
            for level in (90, 50)
        )
        if name == "second":
            for part in PARTS:
                scores[name][part] = rng.random(len(scores[name])).round(8)
            for column in ("p_fake_seed1", "p_fake_seed2"):
                scores[name][column] = ((scores[name]["p_fake"] + rng.random(len(scores[name]))) / 2).round(8)
        write_text(layout.scores(name), scores[name].to_csv(index=False))
        write_text(layout.corrupted_scores(name), corrupted_scores[name].to_csv(index=False))
    for rule in RULES:
        scores[rule] = made_up_scores(images, rng, 0.5).assign(rule=rule)
    write_text(layout.shortcuts, pd.concat([scores[rule] for rule in RULES]).to_csv(index=False))
    runs = []

    @contextmanager
    def recorded_run(name: str, role: str) -> Iterator[RecordedRun]:
        runs.append(RecordedRun(name, role))
        yield runs[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "stage_run", recorded_run)
        published: set[str] = set()
        patch.setattr(stage, "publish", published.update)
        stage.main(params, layout)
    return Evaluated(params, layout, images, scores, corrupted_scores, runs, published)
