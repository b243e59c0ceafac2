"""Residual features of images and of corrupted copies; a forensic model with a backbone through the stages."""

import hashlib
import json

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.data.corruptions import corrupt as corrupted_by
from fakefaces.data.faces import PARTS
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.faces.find import find_faces as look_for_faces
from fakefaces.faces.regions import regions, unit
from fakefaces.features.extract import extract
from fakefaces.features.feature_sets import spec_of
from fakefaces.features.residual_dataset import compute_residual_dataset, corrupted_copy
from fakefaces.features.spec import FeatureSpec
from fakefaces.features.strangers import stranger
from fakefaces.inference.detector import load as load_detector
from fakefaces.inference.metadata import read_metadata
from fakefaces.inference.predict import score_files
from fakefaces.models.runtime import load_network
from fakefaces.params.file import load
from fakefaces.params.prepare import FeatureSet
from fakefaces.training.fit import load_features
from pipelines import augment, corrupt, duplicates, prepare, score, split, train, validate
from tests.conftest import ROOT, write_photographs


@pytest.mark.slow
def test_residual_and_backbone_features_are_extracted_trained_on_and_scored(workspace, small_params):
    backbone = {
        "backbone": "MobileNetV2",
        "weights": "none",
        "crop": 96,
        "layers": ["block_3_expand_relu"],
        "strangers": 1,
    }
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
    face = extract(FeatureSpec("residuals", 256, 96, region_sizes=True), first)
    residuals = face["traces"]
    assert np.array_equal(arrays[0][:, : residuals.shape[1]], residuals)
    inputs = {name: face[name][None].astype(np.float32) for name in ("crop", "boxes")}
    pooled = load_network(layout.features("residuals") / "frozen.keras").predict_on_batch(inputs)
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
    assert np.array_equal(features.validation.copies, all_copies[table["split"] == "validation"])
    strangers = np.load(layout.features("residuals") / "strangers.npy")
    assert np.array_equal(features.train.strangers, strangers[train_rows, 0])

    train.main(params, layout, "forensic")
    metadata = read_metadata(layout.model("forensic"))
    assert (metadata.kind, metadata.extractor, metadata.image_size, metadata.crop) == ("forensic", "residuals", 256, 96)
    assert metadata.weights == "MobileNetV2 random"
    assert metadata.familiar is not None
    assert metadata.familiar.left_out == (table["split"] == "validation").sum()
    first_score, *_ = score_files(
        load_detector(layout.model("forensic")), [layout.data / table["image"].iloc[0]], threads=1
    )
    assert first_score.unfamiliar == (first_score.unfamiliarity > metadata.familiar.threshold)
    alone = params.train.model_copy(update={"models": {"forensic": params.train.models["forensic"]}})
    score.main(params.model_copy(update={"train": alone}), layout)
    scores = pd.read_csv(layout.scores("forensic"))
    assert scores["p_fake"].between(0, 1).all()
    assert {*PARTS} <= {*scores.columns}
    corrupted_scores = pd.read_csv(layout.corrupted_scores("forensic"))
    levels = json.loads((layout.corrupted / "index.json").read_text())["levels"]
    assert len(corrupted_scores) == len(levels) * (table["split"] == "test").sum()


@pytest.fixture(scope="module")
def few_photographs(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("few") / "photographs", reals=2, fakes=3)


def decoded(root, faces) -> list[np.ndarray]:
    return [images.decode(images.read(root / name)) for name in faces["image"]]


def number_of(root, faces, row: int) -> int:
    """Of an image, by its bytes, whatever its name and place are."""
    return int(hashlib.sha256((root / faces["image"].iloc[row]).read_bytes()).hexdigest()[:12], 16)


def feature_set(copies: int, crop: int = 448) -> FeatureSet:
    return FeatureSet(image_size=256, extractor="residuals", copies=copies, crop=crop)


def test_each_image_has_features_and_copies_of_its_own(few_photographs):
    faces = list_photographs(few_photographs)
    dataset = compute_residual_dataset(few_photographs, faces, feature_set(4), seed=6, threads=2)
    spec = FeatureSpec("residuals", 256)
    assert dataset.copies_table["image"].tolist() == [name for name in faces["image"] for _ in range(4)]
    assert dataset.copies_table["label"].tolist() == [1] * 12 + [0] * 8
    assert dataset.copies_table[list(PARTS)].to_numpy()[::4].tolist() == faces[list(PARTS)].to_numpy().tolist()
    for row, pixels in enumerate(decoded(few_photographs, faces)):
        assert np.array_equal(dataset.images[row], extract(spec, pixels))
        first = number_of(few_photographs, faces, row)
        rng = np.random.default_rng([6, first])
        for number in range(4):  # corruptions alternate; from the third on their strengths are random
            expected = extract(spec, corrupted_copy(pixels, first + number, rng if number > 1 else None))
            assert np.array_equal(dataset.copies[4 * row + number], expected)


def test_strangers_are_made_of_each_image_in_turn(few_photographs):
    faces = list_photographs(few_photographs)
    settings = FeatureSet(image_size=256, extractor="residuals", copies=1, strangers=2)
    dataset = compute_residual_dataset(few_photographs, faces, settings, seed=6, threads=1)
    without = compute_residual_dataset(few_photographs, faces, feature_set(1), seed=6, threads=1)
    assert np.array_equal(dataset.images[..., 1:], without.images)
    assert np.array_equal(dataset.copies[..., 1:], without.copies)
    assert without.strangers.shape[:2] == (len(faces), 0)
    for row, pixels in enumerate(decoded(few_photographs, faces)):
        first = number_of(few_photographs, faces, row)
        rng = np.random.default_rng([6, first])
        for number in range(2):
            expected = extract(spec_of(settings), stranger(pixels, 2 * first + number, rng))
            assert np.array_equal(dataset.strangers[row, number], expected)
    assert np.isnan(dataset.face_sizes).all()  # these show none


def test_with_strangers_the_logarithm_of_the_sizes_of_regions_comes_first():
    faces = list_photographs(ROOT / "samples").iloc[:1]
    settings = FeatureSet(image_size=256, extractor="residuals", strangers=1)
    dataset = compute_residual_dataset(ROOT / "samples", faces, settings, seed=6, threads=1)
    (pixels,) = decoded(ROOT / "samples", faces)
    boxes = np.array(list(regions(look_for_faces(pixels)[0]).values()))
    assert np.exp(2 * dataset.images[0, :, 0]) == pytest.approx(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), rel=1e-4)
    halved = extract(spec_of(settings), cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    assert np.exp(dataset.images[0, :, 0] - halved[:, 0]) == pytest.approx(2, rel=0.2)


def test_the_size_of_the_largest_face_is_kept():
    faces = list_photographs(ROOT / "samples").iloc[:1]
    dataset = compute_residual_dataset(ROOT / "samples", faces, feature_set(0), seed=6, threads=1)
    (pixels,) = decoded(ROOT / "samples", faces)
    assert dataset.face_sizes == pytest.approx(unit(look_for_faces(pixels)[0]))


def test_copies_are_recompressed_and_scaled_down_by_turns(few_photographs):
    pixels = decoded(few_photographs, list_photographs(few_photographs))[0]
    recompressed = images.decode(images.encode_jpeg(pixels, 80))
    scaled = corrupted_by(pixels, ("resize", 0.75), quality=95, seed=[0])
    for number in range(4):
        assert np.array_equal(corrupted_copy(pixels, number), scaled if number % 2 else recompressed)
    for number in (0, 2):
        quality = int(np.random.default_rng(1).integers(65, 96))
        expected = images.decode(images.encode_jpeg(pixels, quality))
        assert np.array_equal(corrupted_copy(pixels, number, np.random.default_rng(1)), expected)
    rng = np.random.default_rng(1)
    level, quality = ("resize", float(rng.uniform(0.6, 0.97))), int(rng.integers(85, 97))
    expected = corrupted_by(pixels, level, quality=quality, seed=[0])
    assert np.array_equal(corrupted_copy(pixels, 1, np.random.default_rng(1)), expected)


def test_unknown_parts_of_an_image_are_unknown_in_its_copies(few_photographs):
    faces = list_photographs(few_photographs)
    faces.loc[1, list(PARTS)] = None
    dataset = compute_residual_dataset(few_photographs, faces.iloc[1:], feature_set(1), seed=6, threads=1)
    assert dataset.copies_table[list(PARTS)].to_numpy()[0].tolist() == [-1] * 4


def test_backbone_features_of_the_crop_follow_the_residual_features_of_the_image(few_photographs):
    def embed(face):
        return np.concatenate([face["crop"].mean(axis=(0, 1))[None].repeat(7, axis=0), face["boxes"]], axis=1)

    faces = list_photographs(few_photographs)
    both = compute_residual_dataset(few_photographs, faces, feature_set(1, 64), seed=6, threads=2, embed=embed)
    residuals = compute_residual_dataset(few_photographs, faces, feature_set(1), seed=6, threads=2)
    assert np.array_equal(both.images[..., :-7], residuals.images)
    assert np.array_equal(both.copies[..., :-7], residuals.copies)
    for row, pixels in enumerate(decoded(few_photographs, faces)):
        face = extract(FeatureSpec("residuals", 256, 64), pixels)
        assert both.images[row, 0, -7:-4] == pytest.approx(face["crop"].mean(axis=(0, 1)))
        assert np.array_equal(both.images[row, :, -4:], face["boxes"])
