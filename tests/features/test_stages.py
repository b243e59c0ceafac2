"""A forensic model through the stages: measured, trained, scored, on the small set of photographs."""

import json

import numpy as np
import pandas as pd
import yaml

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import read_split
from fakefaces.features.residuals.boxes import cropped
from fakefaces.features.residuals.features import describe
from fakefaces.inference.metadata import read_metadata
from fakefaces.models.runtime import load_network
from fakefaces.params.file import load
from fakefaces.training.fit import load_view
from pipelines import augment, corrupt, duplicates, prepare, score, split, train, validate


def test_traces_and_a_backbone_are_measured_trained_on_and_scored(workspace, small_params):
    view = {"backbone": "MobileNetV2", "weights": "none", "crop": 96, "layers": ["block_3_expand_relu"]}
    views = small_params["prepare"]["features"]
    given = small_params | {"prepare": {"features": views | {"residuals": views["residuals"] | view}}}
    (workspace / "params.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    for stage in (duplicates, split, validate, augment, corrupt):
        stage.main(params, layout)
    write_json(layout.tuned("none"), {"fit": {}, "settings": {}, "augment": {}})
    prepare.main(params, layout, "residuals")

    table = read_split(layout.images)
    arrays = np.load(layout.features("residuals") / "arrays.npy")
    first = images.decode(images.read(layout.data / table["image"].iloc[0]))
    traces = describe(first, longest=256)
    assert np.array_equal(arrays[0][:, : traces.shape[1]], traces)
    pooled = load_network(layout.features("residuals") / "frozen.keras").predict_on_batch(cropped(first, 96)[None])
    assert np.abs(arrays[0][:, traces.shape[1] :] - pooled[0]).max() < 1e-4
    made = pd.read_csv(layout.features("residuals") / "made.csv")
    assert len(made) == 80  # a copy of each image
    copies = made.set_index("image")
    assert copies["label"].equals(table.set_index("image")["label"].loc[copies.index])

    # what was made of an image is learned from where the image is, and nowhere else
    view = load_view(layout.features("residuals"), table)
    names = set(table.loc[table["split"] == "train", "image"])
    assert len(view.train.labels) == len(names) + made["image"].isin(names).sum()
    assert len(view.validation.labels) == (table["split"] == "validation").sum()

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
