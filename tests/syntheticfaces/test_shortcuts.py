"""What the committed set must not give away: its class by header, size, colour or layout.

A classifier with 800 images that cannot tell anything has an AUC of .50 with a standard error of .02,
hence the limit of .56.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from syntheticfaces.camera import encode_jpeg
from syntheticfaces.generation import generate_image
from syntheticfaces.manifest import manifest_row
from syntheticfaces.plan import draw_plan
from syntheticfaces.writing import QUALITY

SAMPLES = Path(__file__).parents[2] / "samples"
LIMIT = 0.56

MODELS = {
    "linear": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000)),
    "boosting": lambda: HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.05, max_leaf_nodes=8, random_state=0
    ),
}


@pytest.fixture(scope="module")
def manifest() -> list[dict[str, str]]:
    with (SAMPLES / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pictures(manifest: list[dict[str, str]]) -> list[Any]:
    return [cv2.imread(str(SAMPLES / line["image"])) for line in manifest]


def auc(features: list[Any], manifest: list[dict[str, str]], model: str) -> float:
    labels = np.array([line["label"] == "fake" for line in manifest]).astype(int)
    groups = [line["group"] for line in manifest]
    with threadpool_limits(1):  # threads that wait for each other on a busy machine take minutes
        scores = cross_val_predict(
            MODELS[model](),
            np.array(features),
            labels,
            groups=groups,
            cv=GroupKFold(5),
            method="predict_proba",
        )
    return float(roc_auc_score(labels, scores[:, 1]))


@pytest.mark.parametrize("model", MODELS)
def test_header_and_file_size_say_nothing(manifest, model):
    features = []
    for line in manifest:
        content = (SAMPLES / line["image"]).read_bytes()
        header = content[: content.index(b"\xff\xda")]
        features.append([len(content), len(header), sum(header)])
    assert len({tuple(f[1:]) for f in features}) == 1, "all images have the same header"
    assert auc(features, manifest, model) <= LIMIT


@pytest.mark.parametrize("model", MODELS)
def test_mean_and_spread_of_the_colours_say_nothing(manifest, pictures, model):
    features = [np.concatenate([p.mean(axis=(0, 1)), p.std(axis=(0, 1))]) for p in pictures]
    assert auc(features, manifest, model) <= LIMIT


@pytest.mark.parametrize("model", MODELS)
def test_a_grey_thumbnail_says_nothing(manifest, pictures, model):
    features = []
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        features.append(cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).ravel() / 255)
    assert auc(features, manifest, model) <= LIMIT


def test_the_committed_set_can_be_generated_again(manifest):
    lines = {line["image"]: line for line in manifest}
    assert len(lines) == 800
    for entry in draw_plan(len(lines), 0)[:24:3]:
        generated = generate_image(entry, 176, 0)
        assert manifest_row(generated, 0) == lines[entry.name]
        assert (SAMPLES / entry.name).read_bytes() == encode_jpeg(generated.image, QUALITY)


def test_the_committed_set_is_small_and_complete(manifest):
    names = {"manifest.csv"} | {line["image"] for line in manifest}
    names |= {line["mask"] for line in manifest if line["mask"]}
    paths = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert {path.relative_to(SAMPLES).as_posix() for path in paths} == names
    assert sum(path.stat().st_size for path in paths) < 8_000_000
