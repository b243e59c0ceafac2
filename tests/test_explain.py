import numpy as np
import pandas as pd
from PIL import Image

from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data.splits import read_split
from fakefaces.inference import detector
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load
from fakefaces.tracking.digests import digest
from pipelines import duplicates, split, validate
from pipelines.explain import main


def test_the_stage_explains_every_test_image_by_every_model(workspace):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    for stage in (duplicates, split, validate):
        stage.main(params, layout)
    runtime.start(seed=1, threads=2)
    for name in params.train.models:
        network = model_spec("simple_cnn" if name == "simple_cnn" else "custom_cnn", {}, "here").build((32, 32, 3))
        metadata = DetectorMetadata(
            model=name,
            kind="custom_cnn",
            image_size=32,
            weights="random",
            threshold=0.5,
            parameters=network.count_params(),
        )
        detector.Detector(network, metadata).save(layout.model(name))
    main(params, layout)
    images = read_split(layout.images)
    tested = sorted(images.loc[images["split"] == "test", "image"])
    explained = pd.read_csv(layout.heatmaps / "images.csv", keep_default_na=False)
    assert list(explained["image"]) == tested
    fakes = explained["image"].str.contains("training_fake")
    assert (explained["truth"] == np.where(fakes, "boxes", "")).all()
    record = read_json(layout.explanations)
    assert set(record) == set(params.train.models)
    for name, found in record.items():
        heat = np.load(layout.heatmaps / f"{name}.npy")
        assert heat.dtype == np.uint8
        assert len(heat) == len(tested)
        assert found["n"] == fakes.sum()
        assert set(found["baselines"]) == {"random", "centre"}
        for picture in ("feature_maps", "filters"):
            with Image.open(layout.heatmaps / f"{name}_{picture}.png") as drawn:
                assert min(drawn.size) > 200
    first, record = digest(layout.heatmaps), layout.explanations.read_bytes()
    main(params, layout)
    assert digest(layout.heatmaps) == first
    assert layout.explanations.read_bytes() == record
