"""Which network of which fold scores which image, and when scores are computed anew; networks are replaced."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.features.extract import extract_bytes
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.familiar import Familiar
from fakefaces.params.file import load
from pipelines import score as stage
from tests.conftest import ROOT
from tests.detectors import constant, detector_of, mean

NAME = "simple_cnn"
SPEC = FeatureSpec("pixels", 32)


@pytest.fixture
def project(workspace, monkeypatch):
    """Layout, parameters of one model, a table of six images without splits, and the folders of loaded detectors.

    The score of the detector of fold k and seed s is (k + 1 + s) / 10.
    """

    def load_detector(folder):
        loaded.append(folder.relative_to(layout.root).as_posix())
        which = re.fullmatch(r"(?:seed(\d)-)?fold(\d)", folder.name)
        seed, fold = (int(number or 0) for number in which.groups()) if which else (0, 9)
        return detector_of(constant((fold + 1 + seed) / 10), model=NAME)

    for name in ("src", "pipelines"):
        (workspace / name).symlink_to(ROOT / name)
    layout, params, loaded = Layout(workspace), load(workspace / "params.yaml"), []
    rows = {NAME: params.train.models[NAME]}
    params = params.model_copy(update={"train": params.train.model_copy(update={"models": rows})})
    names = sorted(path.relative_to(layout.data).as_posix() for path in layout.data.rglob("*.jpg"))[:6]
    table = pd.DataFrame({"image": names, "label": [0, 1] * 3, "difficulty": "", "group": names})
    table = table.assign(**dict.fromkeys(PARTS, 0))
    layout.corrupted.mkdir(parents=True)
    layout.model(NAME).mkdir(parents=True)
    (layout.model(NAME) / "detector.json").write_text("{}")
    monkeypatch.setattr(stage, "load", load_detector)
    return layout, params, table, loaded


def write_corrupted(layout, images: list[str]) -> None:
    """Two levels of corrupted images, each of one grey level: its number, counted over images and levels."""
    levels = [["jpeg", 90.0], ["blur", 1.0]]
    greys = np.arange(2 * len(images), dtype=np.uint8).reshape(2, len(images), 1, 1, 1)
    np.save(layout.corrupted / SPEC.file_name, np.broadcast_to(greys, (*greys.shape[:2], 32, 32, 3)))
    (layout.corrupted / "index.json").write_text(json.dumps({"images": images, "levels": levels}))


def test_each_image_is_scored_by_the_network_of_the_fold_that_has_not_seen_it(project):
    layout, params, table, loaded = project
    table = table.assign(split="unused", fold=[0, 0, 1, 1, 2, 2], validates=[1, 0] * 3)
    table.to_csv(layout.images, index=False)
    write_corrupted(layout, list(table["image"]))
    stage.main(params, layout)
    assert loaded == [f"outputs/models/{NAME}/fold{k}" for k in range(3)]
    scores = pd.read_csv(layout.scores(NAME))
    row = {name: k for k, name in enumerate(table["image"])}
    assert list(zip(scores["image"].map(row), scores["split"], scores["p_fake"].round(6), strict=True)) == [
        (0, "test", 0.1), (1, "test", 0.1), (2, "validation", 0.1),
        (2, "test", 0.2), (3, "test", 0.2), (4, "validation", 0.2),
        (0, "validation", 0.3), (4, "test", 0.3), (5, "test", 0.3),
    ]  # fmt: skip
    corrupted = pd.read_csv(layout.corrupted_scores(NAME))
    assert len(corrupted) == 12
    assert corrupted["p_fake"].tolist() == pytest.approx((corrupted["image"].map(row) // 2 + 1) / 10)
    assert corrupted.groupby("transform")["image"].apply(set).tolist() == [set(table["image"])] * 2


def test_how_unfamiliar_an_image_is_stands_beside_its_score(project, monkeypatch):
    layout, params, table, _ = project
    table.assign(split=["train", "test", "validation", "test", "train", "test"]).to_csv(layout.images, index=False)
    write_corrupted(layout, list(table["image"]))
    familiar = Familiar(threshold=0.5, left_out=200, refused=10)
    knowing = detector_of(constant(0.9, 0, 0, 0, 0, 0.75), model=NAME, familiar=familiar)
    monkeypatch.setattr(stage, "load", lambda folder: knowing)
    stage.main(params, layout)
    scores = pd.read_csv(layout.scores(NAME))
    assert scores[["unfamiliar", "unfamiliarity"]].to_numpy().tolist() == [[1, 0.75]] * 4


def test_without_folds_the_models_network_scores_the_validation_and_test_images(project, monkeypatch):
    layout, params, table, _ = project
    table.assign(split=["train", "test", "validation", "test", "train", "test"]).to_csv(layout.images, index=False)
    sampled = [table["image"][k] for k in (2, 5, 1)]  # corrupted; the first is not a test image
    write_corrupted(layout, sampled)
    monkeypatch.setattr(stage, "load", lambda folder: detector_of(mean(), model=NAME))
    stage.main(params, layout)
    scores = pd.read_csv(layout.scores(NAME))
    assert scores["image"].tolist() == [table["image"][k] for k in (1, 2, 3, 5)]
    assert scores["split"].tolist() == ["test", "validation", "test", "test"]
    for image, p_fake in zip(scores["image"], scores["p_fake"], strict=True):
        expected = extract_bytes(SPEC, (layout.data / image).read_bytes()).mean()
        assert p_fake == pytest.approx(expected / 255, abs=1e-6)
    corrupted = pd.read_csv(layout.corrupted_scores(NAME))
    assert list(corrupted.columns) == ["transform", "level", "image", "p_fake"]
    assert [tuple(row) for row in corrupted.itertuples(index=False)] == [
        ("jpeg", 90.0, sampled[1], pytest.approx(1 / 255, abs=1e-6)),
        ("jpeg", 90.0, sampled[2], pytest.approx(2 / 255, abs=1e-6)),
        ("blur", 1.0, sampled[1], pytest.approx(4 / 255, abs=1e-6)),
        ("blur", 1.0, sampled[2], pytest.approx(5 / 255, abs=1e-6)),
    ]


def test_further_seeds_have_columns_beside_the_score_and_nothing_else(project):
    layout, params, table, loaded = project
    table = table.assign(split="unused", fold=[0, 0, 1, 1, 2, 2], validates=[1, 0] * 3)
    table.to_csv(layout.images, index=False)
    write_corrupted(layout, list(table["image"]))
    stage.main(params, layout)
    alone, corrupted = pd.read_csv(layout.scores(NAME)), layout.corrupted_scores(NAME).read_bytes()
    (layout.model(NAME) / "network.keras").write_bytes(b"of three seeds")
    row = params.train.models[NAME].model_copy(update={"seeds": 3})
    train = params.train.model_copy(update={"models": {NAME: row}})
    loaded.clear()
    stage.main(params.model_copy(update={"train": train}), layout)
    folders = [["", "seed1-", "seed2-"][seed] + f"fold{fold}" for fold in range(3) for seed in range(3)]
    assert loaded == [f"outputs/models/{NAME}/{folder}" for folder in folders]
    scores = pd.read_csv(layout.scores(NAME))
    pd.testing.assert_frame_equal(scores[list(alone)], alone)
    assert list(scores.columns[len(alone.columns) :]) == ["p_fake_seed1", "p_fake_seed2"]
    assert (scores["p_fake_seed2"] - scores["p_fake"]).round(6).tolist() == [0.2] * len(scores)
    assert layout.corrupted_scores(NAME).read_bytes() == corrupted


def test_all_that_scores_depend_on_makes_them_stale(project):
    layout, params, table, loaded = project
    table.assign(split=["train", "test", "validation", "test", "train", "test"]).to_csv(layout.images, index=False)
    write_corrupted(layout, [table["image"][1]])

    def times_loaded(params=params) -> int:
        before = len(loaded)
        stage.main(params, layout)
        return len(loaded) - before

    assert [times_loaded(), times_loaded()] == [1, 0]
    write_corrupted(layout, [table["image"][3]])
    assert [times_loaded(), times_loaded()] == [1, 0]
    other_seed = params.model_copy(update={"seed": params.seed + 1})
    assert [times_loaded(other_seed), times_loaded(other_seed)] == [1, 0]
    (layout.model(NAME) / "network.keras").write_bytes(b"another")
    assert [times_loaded(other_seed), times_loaded(other_seed)] == [1, 0]
    layout.corrupted_scores(NAME).write_text("lost")
    assert [times_loaded(other_seed), times_loaded(other_seed)] == [1, 0]
