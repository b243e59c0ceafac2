"""A forensic model with a backbone through the stages, on the small set of photographs."""

import json

import numpy as np
import pandas as pd
import yaml

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.data.face_regions import crop_face
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.features.residuals.descriptor import residual_features
from fakefaces.inference.metadata import read_metadata
from fakefaces.models.runtime import load_network
from fakefaces.params.file import load
from fakefaces.training.fit import load_features
from pipelines import augment, corrupt, duplicates, prepare, score, split, train, validate
from tests.conftest import ROOT


def test_residual_and_backbone_features_are_extracted_trained_on_and_scored(workspace, small_params):
    backbone = {"backbone": "MobileNetV2", "weights": "none", "crop": 96, "layers": ["block_3_expand_relu"]}
    feature_sets = small_params["prepare"]["features"]
    feature_sets = feature_sets | {"residuals": feature_sets["residuals"] | backbone}
    values = small_params | {"prepare": {"features": feature_sets}}
    (workspace / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    for name in ("src", "pipelines"):
        (workspace / name).symlink_to(ROOT / name)
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    for stage in (duplicates, split, validate, augment, corrupt):
        stage.main(params, layout)
    write_json(layout.tuned("none"), {"fit": {}, "settings": {}, "augment": {}})
    prepare.main(params, layout, "residuals")

    table = read_split(layout.images)
    arrays = np.load(layout.features("residuals") / "arrays.npy")
    first = images.decode(images.read(layout.data / table["image"].iloc[0]))
    residuals = residual_features(first, longest=256)
    assert np.array_equal(arrays[0][:, : residuals.shape[1]], residuals)
    pooled = load_network(layout.features("residuals") / "frozen.keras").predict_on_batch(crop_face(first, 96)[None])
    assert np.abs(arrays[0][:, residuals.shape[1] :] - pooled[0]).max() < 1e-4
    copies = pd.read_csv(layout.features("residuals") / "copies.csv").set_index("image")
    assert len(copies) == 80  # one of each image
    assert copies["label"].equals(table.set_index("image")["label"].loc[copies.index])

    # copies of training images are learned from, and no others
    features = load_features(layout.features("residuals"), cv_splits(table)[0])
    train_rows = np.flatnonzero(table["split"] == "train")
    all_copies = np.load(layout.features("residuals") / "copies.npy")
    assert np.array_equal(features.train.features, np.concatenate([arrays[train_rows], all_copies[train_rows]]))
    assert features.train.copy_of.tolist() == list(range(len(train_rows)))
    assert np.array_equal(features.validation.features, arrays[table["split"] == "validation"])

    train.main(params, layout, "forensic")
    metadata = read_metadata(layout.model("forensic"))
    assert (metadata.kind, metadata.extractor, metadata.image_size, metadata.crop) == ("forensic", "residuals", 256, 96)
    assert metadata.weights == "MobileNetV2 random"
    alone = params.train.model_copy(update={"models": {"forensic": params.train.models["forensic"]}})
    score.main(params.model_copy(update={"train": alone}), layout)
    scores = pd.read_csv(layout.scores("forensic"))
    assert scores["p_fake"].between(0, 1).all()
    assert {*PARTS} <= {*scores.columns}
    corrupted_scores = pd.read_csv(layout.corrupted_scores("forensic"))
    levels = json.loads((layout.corrupted / "index.json").read_text())["levels"]
    assert len(corrupted_scores) == len(levels) * (table["split"] == "test").sum()
