"""A run without TensorFlow: real stages where they are quick, scores and heat maps made up."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from fakefaces.base.files import write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.data.attributes import write_attributes
from fakefaces.data.splits import read_split
from fakefaces.explain.feature_maps import FeatureMaps
from fakefaces.explain.ground_truth import ground_truth_masks
from fakefaces.explain.localization import evaluate_localization
from fakefaces.explain.plots import plot_feature_maps
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.ingest.collection import sha256
from fakefaces.params.file import Params, load
from pipelines import augment, duplicates, evaluate, split, validate
from tests.browser import Browser
from tests.conftest import ROOT, write_photographs

GRID = 6
CAMERA = "<b>Nikon|[x](y)</b>"  # of some photographs


def finished_project(small_params: dict, root: Path) -> tuple[Params, Layout]:
    """Make a project's folder in which all stages before the report have run."""
    root.mkdir()
    shutil.copy(ROOT / "dvc.yaml", root)
    models = {
        "custom_cnn": {"kind": "custom_cnn", "features": "pixels", "seeds": 2},
        "worse": {"kind": "simple_cnn", "features": "pixels"},
    }
    changed = yaml.safe_load(yaml.safe_dump(small_params))
    changed["train"]["models"] = models
    changed["evaluate"]["slices"] = ["camera"]
    (root / "params.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
    write_photographs(root / "data", reals=60, fakes=60)
    pretend_pair(root / "data")
    pretend_attributes(root / "data")
    with within(root):
        layout, params = Layout(root), load(root / "params.yaml")
        for stage in (duplicates, split, validate, augment):
            stage.main(params, layout)
        for quality, name in enumerate(models):
            pretend_model(layout, name, 1.5 - 1.2 * quality)
        pretend_unfamiliar(layout, "worse")
        evaluate.main(params, layout)
        pretend_heat(params, layout)
    return params, layout


@contextmanager
def within(root: Path) -> Iterator[None]:
    """Work in a project's folder, and in no experiment of DVC's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.chdir(root)
        yield


def opened(chromium: Browser, layout: Layout, view: str = "") -> Browser:
    """The report's page at a view, in light colours and the width of a desk."""
    chromium.size(1200)
    chromium.scheme("light")
    chromium.open("about:blank")  # or another view would be a jump within the page
    chromium.complaints()
    chromium.open((layout.reports / "index.html").as_uri() + view)
    chromium.wait("return document.documentElement.dataset.ready === 'true'")
    return chromium


def pretend_pair(data: Path) -> None:
    """A fake that was made from a real of the set."""
    sample = ROOT / "samples"
    shutil.copy(sample / "training_real" / "real_00016.jpg", data / "training_real")
    shutil.copy(sample / "training_fake" / "hard_4_0010.jpg", data / "training_fake")


def pretend_attributes(data: Path) -> None:
    """Two cameras, one of an odd name, that some photographs do not name; and ages."""
    cameras = cycle(["Canon", CAMERA, ""])
    write_attributes(
        data,
        {
            sha256(path): {"age": str(20 + len(path.name))} | ({"camera": camera} if camera else {})
            for path, camera in zip(sorted(data.rglob("*.jpg")), cameras, strict=False)
        },
    )


def pretend_model(layout: Layout, name: str, signal: float) -> None:
    """A card, a history and scores that tell fakes by ``signal`` standard deviations."""
    card = DetectorMetadata(model=name, kind=name, image_size=32, weights="none", threshold=0.5, parameters=1000)
    layout.model(name).mkdir(parents=True)
    write_json(layout.model(name) / "detector.json", card.model_dump())
    epochs = {"epoch": [1.0, 2.0], "loss": [0.8, 0.6], "accuracy": [0.5, 0.7], "roc_auc": [0.5, 0.7]}
    epochs |= {f"val_{key}": values for key, values in epochs.items() if key != "epoch"}
    write_text(layout.history(name), pd.DataFrame(epochs).to_csv(index=False))
    rng = np.random.default_rng(len(name))
    images = read_split(layout.images)
    seen = images[images["split"] != "train"]
    p = 1 / (1 + np.exp(-(signal * (seen["label"] - 0.5) + rng.normal(0, 0.7, len(seen)))))
    p[seen.index[(seen["split"] == "test") & (seen["label"] == 1)][:2]] = 0.3  # two fakes that are missed
    scores = seen[["image", "split"]].assign(p_fake=p, p_fake_seed1=p[::-1].to_numpy())
    write_text(layout.scores(name), scores.to_csv(index=False))
    tested = seen[seen["split"] == "test"][["image"]].assign(p_fake=p[seen["split"] == "test"])
    corrupted_scores = [tested.assign(transform="jpeg", level=float(level)) for level in (90, 50)]
    columns = ["transform", "level", "image", "p_fake"]
    write_text(layout.corrupted_scores(name), pd.concat(corrupted_scores)[columns].to_csv(index=False))


def pretend_unfamiliar(layout: Layout, name: str) -> None:
    """A model that calls the first test image unfamiliar."""
    scores = pd.read_csv(layout.scores(name))
    unfamiliar = scores["image"] == scores["image"][scores["split"] == "test"].min()
    scores = scores.assign(unfamiliarity=np.where(unfamiliar, 0.9, 0.1), unfamiliar=unfamiliar.astype(int))
    write_text(layout.scores(name), scores.to_csv(index=False))


def pretend_heat(params: Params, layout: Layout) -> None:
    """Heat maps of noise, in the explain stage's files."""
    tested = read_split(layout.images)
    tested = tested[tested["split"] == "test"].sort_values("image", ignore_index=True)
    fakes = tested[tested["label"] == 1].assign(source=None)
    known = ground_truth_masks(layout.data, fakes, min_inliers=20, seed=1, threads=2)
    layout.heatmaps.mkdir()
    record = {}
    for place, name in enumerate(params.train.models):
        heat = np.random.default_rng(place).integers(1, 256, (len(tested), GRID, GRID), dtype=np.uint8)
        heat[0] = 0
        np.save(layout.heatmaps / f"{name}.npy", heat)
        metrics = evaluate_localization(heat / np.float32(255), tested, known, random_maps=5, n_resamples=100, seed=1)
        record[name] = metrics.model_dump(mode="json")
    write_json(layout.explanations, record)
    origins = tested["image"].map({image: truth.origin for image, truth in known.items()})
    write_text(layout.heatmaps / "images.csv", tested[["image"]].assign(truth=origins).to_csv(index=False))
    masks = np.stack([known[image].mask for image in tested["image"] if image in known])
    np.save(layout.heatmaps / "masks.npy", np.packbits(masks, axis=-1))
    maps = [FeatureMaps("conv1", np.zeros((8, 4, 4), np.float32), 8)]
    for kind in ("feature_maps", "filters"):
        plot_feature_maps(layout.heatmaps / f"custom_cnn_{kind}.png", np.zeros((32, 32, 3), np.uint8), maps, kind)
