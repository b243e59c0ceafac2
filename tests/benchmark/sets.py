"""A set without photographs, and predictions on it."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.benchmark.benchmark_set import COLUMNS, BenchmarkSet, Settings
from fakefaces.benchmark.croissant import read_description, write_croissant
from fakefaces.benchmark.published import write_tables
from fakefaces.data.faces import PARTS
from tests.conftest import ROOT

N = 40  # images of each class
COMMON, OTHER = "d8f19683:2,2,2,2", "0a1b2c3d:6,4,4,6"


def digest(image: str) -> str:
    return hashlib.sha256(image.encode()).hexdigest()


def small_set(folds: int = 0) -> BenchmarkSet:
    """Forty reals and forty fakes, fifteen of them made from the first reals; in folds, or in splits."""
    reals = [f"training_real/real_{k:05d}.jpg" for k in range(N)]
    fakes = [f"training_fake/{('easy', 'mid', 'hard')[k % 3]}_{k}_1010.jpg" for k in range(N)]
    images = pd.DataFrame({"image": reals + fakes, "label": [0] * N + [1] * N})
    images["sha256"] = images["image"].map(digest)
    images["difficulty"] = [""] * N + [("easy", "mid", "hard")[k % 3] for k in range(N)]
    for part, replaced in zip(PARTS, (1, 0, 1, 0), strict=True):
        images[part] = pd.array([0] * N + [replaced] * N, dtype="Int64")
    images["group"] = [f"p{k:02d}" for k in range(N)] + [f"p{k if k < 15 else N + k:02d}" for k in range(N)]
    images["encoding"] = [COMMON] * N + [COMMON if k % 2 else OTHER for k in range(N)]
    images["source"] = pd.Series([None] * N + [reals[k] if k < 15 else None for k in range(N)], dtype="object")
    place = images.groupby("label").cumcount()
    if folds:
        images = images.assign(fold=place % folds, validates=(place % 2).astype(int))
        columns = [*COLUMNS, "fold", "validates"]
    else:
        split = pd.Series(["train", "validation", "test", "test"])
        images, columns = images.assign(split=(place % 4).map(split)), [*COLUMNS, "split"]
    settings = Settings(
        protocol="folds" if folds else "grouped",
        n_resamples=100,
        seed=3,
        max_fpr=0.1,
        threshold=0.5,
        n_splits=max(1, folds),
    )
    images = images[columns].sort_values("image", ignore_index=True)
    bare = BenchmarkSet(images, pd.DataFrame(), settings)
    rng = np.random.default_rng(5)
    rules = [
        pd.DataFrame({"rule": rule, "image": image, "split": split, "p_fake": np.round(rng.uniform(), 8)}, index=[0])
        for rule in ("header", "colour")
        for split in ("test", "validation")
        for image in sorted(bare.images_of(split))
    ]
    return BenchmarkSet(images, pd.concat(rules, ignore_index=True), settings)


def near_duplicates(benchmark: BenchmarkSet) -> pd.DataFrame:
    paired = benchmark.images.dropna(subset="source")
    return pd.DataFrame({"a": paired["image"], "b": paired["source"], "inliers": 200})


def publish(folder: Path, benchmark: BenchmarkSet) -> Path:
    """A published set in a new folder."""
    folder.mkdir()
    shutil.copy(ROOT / "docs" / "ciplab" / "description.yaml", folder)
    tables = write_tables(folder, benchmark, near_duplicates(benchmark))
    write_croissant(folder, read_description(folder), tables)
    return folder


def scores_of(benchmark: BenchmarkSet, signal: float = 1.0, seed: int = 1) -> pd.DataFrame:
    """A score of each image, which tells fakes by ``signal`` standard deviations."""
    images = benchmark.images
    logit = signal * (2 * images["label"] - 1) + np.random.default_rng(seed).normal(0, 1, len(images))
    return pd.DataFrame({"sha256": images["sha256"], "image": images["image"], "score": 1 / (1 + np.exp(-logit))})


def written(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path
