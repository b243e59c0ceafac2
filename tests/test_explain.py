from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import read_split
from fakefaces.explain.ground_truth import box_mask
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load
from fakefaces.tracking.digests import digest
from pipelines import duplicates, explain, split, validate
from pipelines.explain import main
from tests.conftest import picture
from tests.detectors import save_network


@pytest.mark.slow
def test_the_stage_explains_every_test_image_by_every_model(workspace):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    for stage in (duplicates, split, validate):
        stage.main(params, layout)
    runtime.start(seed=1, threads=2)
    for name in params.train.models:
        network = model_spec("simple_cnn" if name == "simple_cnn" else "custom_cnn", {}, "here").build((32, 32, 3))
        save_network(network, layout.model(name), model=name)
    main(params, layout)
    images = read_split(layout.images)
    tested = sorted(images.loc[images["split"] == "test", "image"])
    explained = pd.read_csv(layout.heatmaps / "images.csv", keep_default_na=False)
    assert list(explained["image"]) == tested
    fakes = explained["image"].str.contains("training_fake")
    assert (explained["truth"] == np.where(fakes, "boxes", "")).all()
    record = read_json(layout.explanations)
    assert set(record) == set(params.train.models)
    for name, metrics in record.items():
        heat = np.load(layout.heatmaps / f"{name}.npy")
        assert heat.dtype == np.uint8
        assert len(heat) == len(tested)
        assert metrics["n"] == fakes.sum()
        assert set(metrics["baselines"]) == {"random", "centre", "average"}
        for plot in ("feature_maps", "filters"):
            with Image.open(layout.heatmaps / f"{name}_{plot}.png") as drawn:
                assert min(drawn.size) > 200
    first, record = digest(layout.heatmaps), layout.explanations.read_bytes()
    main(params, layout)
    assert digest(layout.heatmaps) == first
    assert layout.explanations.read_bytes() == record


FOLDS = 3
NAMES = [f"training_{kind}/{'easy_' * (kind == 'fake')}{k}{'_0001' * (kind == 'fake')}.jpg" for k in range(6)
         for kind in ("real", "fake")]  # fmt: skip


def table(folds: bool) -> pd.DataFrame:
    """Twelve images in random order; the fold of an image is its number modulo three."""
    fake = np.array(["fake" in name for name in NAMES])
    images = pd.DataFrame({"image": NAMES, "label": fake.astype(int), "difficulty": np.where(fake, "easy", "")})
    number = np.arange(12) // 2
    for part in PARTS:
        images[part] = 0
    images["mouth"], images["nose"] = fake & (number < 3), fake & (number >= 3)
    images = images.astype(dict.fromkeys(PARTS, "int64"))
    images = images.assign(group=[f"g{k}" for k in number], split=np.where(number % FOLDS == 0, "test", "train"))
    if folds:
        images = images.assign(fold=number % FOLDS, validates=0)
    return images.sample(frac=1, random_state=1)


def number_of(image: str) -> int:
    """The input that the stub extractor gives for an image: its position in NAMES."""
    return NAMES.index(image)


class Stage:
    """The explain stage in a workspace, with stub detectors."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.layout, self.params = Layout(root), load(root / "params.yaml")
        self.extractor, self.without_convolution, self.plotted = {"image_size": 32, "crop": 0}, "", []
        self.heat = lambda fold, inputs: np.stack([self.spot(9, 6, 1 + 20 * fold + value) for value in inputs])
        self.explained: list[tuple[str, int, list[int]]] = []
        patch.setattr(explain.explained_detector, "load", self.load)
        patch.setattr(explain, "extract_files", self.extract_files)
        patch.setattr(explain, "detector_heatmaps", self.detector_heatmaps)
        patch.setattr(explain, "outlines_of", lambda paths, *, threads: np.zeros((len(paths), 4, 4)))
        patch.setattr(explain, "plot_convolutions", lambda *arguments: self.plotted.append(arguments[2:4]))
        patch.setattr(explain.runtime, "start", lambda seed, threads, backend: None)
        patch.setattr(explain.runtime, "clear_session", lambda: None)
        self.layout.duplicate_pairs.parent.mkdir(exist_ok=True)
        self.layout.duplicate_pairs.write_text("a,b,inliers,scale,angle\n")

    @staticmethod
    def spot(y: int, x: int, value: float) -> np.ndarray:
        """A heatmap that is hot in one of twelve by twelve cells."""
        heat = np.zeros((12, 12), np.float32)
        heat[y, x] = value / 255
        return heat

    def load(self, folder: Path, *, threads: int) -> SimpleNamespace:
        fold = int(folder.name.removeprefix("fold")) if folder.name.startswith("fold") else 0
        name = folder.parent.name if folder.name.startswith("fold") else folder.name
        metadata = DetectorMetadata(
            model=name, kind="custom_cnn", weights="random", threshold=0.5, parameters=1, **self.extractor
        )
        return SimpleNamespace(metadata=metadata, fold=fold, network=None)

    def extract_files(self, spec: FeatureSpec, paths: list[Path], *, threads: int) -> np.ndarray:
        extractor = self.extractor.get("extractor", "pixels")
        assert (spec.extractor, spec.image_size, spec.crop) == (extractor, 32, self.extractor["crop"])
        return np.array([number_of(path.relative_to(self.layout.data).as_posix()) for path in paths])

    def detector_heatmaps(
        self, loaded: SimpleNamespace, inputs: np.ndarray, step: object, outlines: np.ndarray | None
    ) -> np.ndarray:
        if loaded.metadata.spec.extractor == "residuals":  # painted on the outlines of parts
            assert outlines is not None and len(outlines) == len(inputs)
        else:
            assert outlines is None
        if loaded.metadata.model == self.without_convolution:
            raise ModelError("no convolution in this network")
        self.explained.append((loaded.metadata.model, loaded.fold, inputs.tolist()))
        return self.heat(loaded.fold, inputs)

    def run(self, folds: bool = False) -> pd.DataFrame:
        self.layout.images.parent.mkdir(exist_ok=True)
        for name in NAMES:  # whose parts are looked for, and no face is found
            picture(np.random.default_rng(0), "fake" in name).save(self.layout.data / name)
        table(folds).to_csv(self.layout.images, index=False)
        explain.main(self.params, self.layout)
        return pd.read_csv(self.layout.heatmaps / "images.csv", keep_default_na=False)


@pytest.fixture
def stage(workspace, monkeypatch) -> Stage:
    return Stage(workspace, monkeypatch)


def test_with_folds_each_image_is_explained_by_the_network_that_tests_it(stage):
    images = stage.run(folds=True)
    assert list(images["image"]) == sorted(NAMES)
    for name in stage.params.train.models:
        heat = np.load(stage.layout.heatmaps / f"{name}.npy")
        fold = [number_of(image) // 2 % FOLDS for image in images["image"]]
        expected = [1 + 20 * k + number_of(image) for k, image in zip(fold, images["image"], strict=True)]
        assert heat[:, 9, 6].tolist() == expected
        assert heat.sum(axis=(1, 2)).tolist() == expected
    explained = [(fold, inputs) for name, fold, inputs in stage.explained if name == "simple_cnn"]
    assert [fold for fold, _ in explained] == [0, 1, 2]
    assert all(value // 2 % FOLDS == fold for fold, inputs in explained for value in inputs)
    assert read_json(stage.layout.explanations)["simple_cnn"]["n"] == 6  # the fakes of all folds
    first = next(image for image in images["image"] if number_of(image) // 2 % FOLDS == 0)
    assert stage.plotted == [(number_of(first), first)] * len(stage.params.train.models)


def test_with_a_single_split_only_the_test_images_are_explained(stage):
    images = stage.run()
    tested = sorted(name for k, name in enumerate(NAMES) if k // 2 % FOLDS == 0)
    assert list(images["image"]) == tested
    assert stage.explained[0] == ("simple_cnn", 0, [number_of(name) for name in tested])
    origins = dict(zip(images["image"], images["truth"], strict=True))
    assert origins == {name: "boxes" if "fake" in name else "" for name in tested}
    masks = np.unpackbits(np.load(stage.layout.heatmaps / "masks.npy"), axis=-1).astype(bool)
    assert masks.shape == (2, 64, 64)
    for mask, replaced in zip(masks, ("mouth", "nose"), strict=True):
        assert (mask == box_mask([replaced])).all()


def test_heatmaps_are_evaluated_as_they_are_stored(stage):
    stage.heat = lambda fold, inputs: np.stack([stage.spot(9, 6, 254.6 if k == 1 else 0.4) for k in inputs])
    images = stage.run()
    heat = np.load(stage.layout.heatmaps / "simple_cnn.npy")
    assert heat.max(axis=(1, 2)).tolist() == [255 * (number_of(image) == 1) for image in images["image"]]
    metrics = read_json(stage.layout.explanations)["simple_cnn"]
    assert (metrics["n"], metrics["empty"], metrics["model"]["pointing"]["value"]) == (
        2,
        0.5,
        0.5,
    )  # the mouth of one of the two fakes was replaced


def test_a_network_without_heatmaps_is_left_out_and_the_others_are_not(stage, capfd):
    stage.without_convolution = "mobilenet"
    stage.run()
    written = {path.stem for path in stage.layout.heatmaps.glob("*.npy")} - {"masks"}
    assert written == set(stage.params.train.models) - {"mobilenet"} == set(read_json(stage.layout.explanations))
    assert "mobilenet: no heatmaps" in capfd.readouterr().err


def test_parameters_reach_the_functions_that_they_are_for(stage, monkeypatch):
    arguments: dict[str, dict] = {}
    ground_truth_masks, evaluate_localization = explain.ground_truth_masks, explain.evaluate_localization

    def masks(root, fakes, **options):
        arguments["masks"] = options | {"fakes": fakes}
        return ground_truth_masks(root, fakes, **options)

    def evaluate(heatmaps, images, truth, **options):
        arguments["evaluate"] = options
        return evaluate_localization(heatmaps, images, truth, **options)

    monkeypatch.setattr(explain, "ground_truth_masks", masks)
    monkeypatch.setattr(explain, "evaluate_localization", evaluate)
    fake, real, other = NAMES[1], NAMES[0], NAMES[2]
    limit = stage.params.evaluate.source_inliers
    stage.layout.duplicate_pairs.write_text(
        f"a,b,inliers,scale,angle\n{NAMES[7]},{NAMES[6]},{limit - 1},1,0\n{fake},{real},{limit},1,0\n"
        f"{fake},{other},{limit - 1},1,0\n"
    )
    for name in (fake, real):  # images without keypoints to register: the file name gives the ground truth
        (stage.layout.data / name).write_bytes((stage.layout.data / "training_real" / "real_00000.jpg").read_bytes())
    stage.run()
    assert arguments["masks"]["min_inliers"] == limit
    assert arguments["masks"]["seed"] == arguments["evaluate"]["seed"] == stage.params.seed
    assert arguments["evaluate"]["random_maps"] == stage.params.explain.random_maps
    assert arguments["evaluate"]["n_resamples"] == stage.params.evaluate.n_resamples
    fakes = arguments["masks"]["fakes"]
    assert set(fakes["label"]) == {1}
    source = fakes.set_index("image")["source"]
    assert source[fake] == real  # the real with enough inliers, and no other
    assert source.drop(fake).isna().all()


def test_residual_features_are_extracted_as_the_metadata_says_and_have_no_feature_maps(stage):
    stage.extractor = {"extractor": "residuals", "image_size": 32, "crop": 16}
    stage.run()
    assert stage.plotted == []
