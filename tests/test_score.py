import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from fakefaces.base.errors import ModelError
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.features.files import extract_files
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference import detector
from fakefaces.inference.metadata import DetectorMetadata, Operating
from fakefaces.inference.predict import score, score_files
from fakefaces.inference.score_cache import ScoreCache, digest_of
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.file import load
from fakefaces.tracking.digests import digest
from pipelines import corrupt, duplicates, split, validate
from pipelines import score as score_stage
from tests.conftest import ROOT, picture, write_photographs
from tests.detectors import copy_detector, save_network
from tests.finished import within


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for k in range(37):
        paths.append(tmp_path / f"{k}.jpg")
        picture(rng, fake=bool(k % 2), size=48).save(paths[-1])
    return paths


def test_scores_come_in_the_order_given_and_do_not_depend_on_company(loaded, files):
    together = list(score_files(loaded, files, threads=2))
    assert [s.path for s in together] == [str(path) for path in files]
    for path, with_others in zip(files[:9], together, strict=False):
        alone = next(iter(score_files(loaded, [path], threads=1)))
        assert alone == with_others
        assert 0 <= alone.p_fake <= 1
        assert alone.label == ("fake" if alone.p_fake >= 0.5 else "real")


@pytest.mark.parametrize(
    ("low", "high", "p", "unsure"),
    [
        (0.3, 0.7, 0.3, True),
        (0.3, 0.7, 0.7, False),
        (0.3, 0.7, 0.29, False),
        (None, 0.7, 0.0, True),
        (0.3, None, 1.0, True),
        (0.6, 0.6, 0.6, False),
    ],
)
def test_the_unsure_band_holds_its_lower_end_only(low, high, p, unsure):
    assert Operating(threshold=0.6, low=low, high=high).unsure(p) is unsure


def test_a_label_turns_at_the_threshold_itself_and_at_the_operating_one_where_there_is_one():
    metadata = DetectorMetadata(model="m", kind="k", image_size=32, weights="w", threshold=0.5, parameters=1)
    assert [metadata.label(p) for p in (0.49, 0.5)] == ["real", "fake"]
    assert metadata.unsure(0.5) is None
    chosen = metadata.model_copy(update={"operating": Operating(threshold=0.7, low=0.6, high=0.8)})
    assert [chosen.label(p) for p in (0.5, 0.69, 0.7)] == ["real", "real", "fake"]
    assert [chosen.unsure(p) for p in (0.59, 0.6, 0.7, 0.8)] == [False, True, True, False]


def test_the_label_turns_at_the_operating_threshold_where_there_is_one(loaded, files, tmp_path):
    plain = list(score_files(loaded, files, threads=2))
    assert {s.unsure for s in plain} == {None}
    between = sorted(s.p_fake for s in plain)[20]
    point = Operating(threshold=between, low=between, high=1.0)
    copy_detector(loaded, tmp_path / "d")
    chosen = loaded.metadata.model_copy(update={"operating": point})
    write_json(tmp_path / "d" / "detector.json", chosen.model_dump())
    again = list(score_files(detector.load(tmp_path / "d"), files, threads=2))
    assert [s.p_fake for s in again] == [s.p_fake for s in plain]
    assert [s.label for s in again] == ["fake" if s.p_fake >= between else "real" for s in plain]
    assert [s.unsure for s in again] == [s.label == "fake" for s in again]


def test_scoring_sees_the_pixels_that_training_saw(loaded, files):
    arrays = extract_files(FeatureSpec("pixels", 32), files, threads=2)
    direct = loaded.network(arrays.astype("float32"), training=False).numpy()[:, 0]
    scored = [s.p_fake for s in score_files(loaded, files, threads=2)]
    assert np.abs(direct - scored).max() < 1e-6


def test_a_file_that_is_no_image_is_told_and_the_others_are_scored(loaded, files):
    files[1].write_bytes(b"no image")
    files[2].unlink()
    scores = list(score_files(loaded, files[:4], threads=2))
    assert [s.p_fake is None for s in scores] == [False, True, True, False]
    assert [s.problem for s in scores] == [None, "not_an_image", "missing", None]
    assert "1.jpg: not an image" in scores[1].problem_detail
    assert "2.jpg: cannot be read" in scores[2].problem_detail
    assert scores[1].label is None


def test_any_number_of_images_from_none_to_many(loaded):
    out = io.BytesIO()
    picture(np.random.default_rng(0), fake=True, size=48).save(out, "PNG")
    for n in (0, 1, 3, 64, 65):
        got = list(score(loaded, ((str(k), out.getvalue) for k in range(n)), threads=2))
        assert len(got) == n
        assert len({round(s.p_fake, 6) for s in got}) <= 1


def test_a_saved_network_scores_the_same_and_is_saved_to_the_same_bytes(loaded, files, tmp_path):
    saved = vars(loaded.metadata)
    for name in ("one", "two"):  # Keras and tf2onnx count their names on
        save_network(loaded.network, tmp_path / name, **saved)
    again = detector.load(tmp_path / "one")
    assert again.metadata == loaded.metadata
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert (tmp_path / "one" / "network.onnx").read_bytes() == (loaded.folder / "network.onnx").read_bytes()
    one, two = (list(score_files(d, files, threads=1)) for d in (loaded, again))
    assert one == two


def test_what_is_no_detector_is_refused(loaded, tmp_path):
    with pytest.raises(ModelError, match="not a detector"):
        detector.load(tmp_path)
    copy_detector(loaded, tmp_path / "d")
    (tmp_path / "d" / "network.onnx").write_bytes(b"broken")
    with pytest.raises(ModelError, match="not an inference graph"):
        detector.load(tmp_path / "d")
    (tmp_path / "d" / "network.onnx").unlink()
    with pytest.raises(ModelError, match="it has no inference graph .* doctor --fix, .* dvc repro"):
        detector.load(tmp_path / "d")
    (tmp_path / "d" / "network.keras").write_bytes(b"PK broken")
    with pytest.raises(ModelError, match="not a network"):
        runtime.load_network(tmp_path / "d" / "network.keras")
    (tmp_path / "d" / "detector.json").write_text('{"model": 1}')
    with pytest.raises(ModelError, match="detector.json"):
        detector.load(tmp_path / "d")


def test_a_network_that_carries_code_is_refused(tmp_path):
    import keras

    network = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Lambda(lambda x: x * 2)])
    network.save(tmp_path / "network.keras")
    with pytest.raises(ModelError, match="network"):
        runtime.load_network(tmp_path / "network.keras")


@pytest.fixture(scope="module")
def made(small_params, tmp_path_factory):
    """A project's folder in which two models are trained and the test images corrupted."""
    root = tmp_path_factory.mktemp("made") / "project"
    write_photographs(root / "data")
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "params.yaml").write_text(yaml.safe_dump(small_params, sort_keys=False))
    layout = Layout(root)
    with within(root):
        params = only(load(root / "params.yaml"), "simple_cnn", "custom_cnn_tuned")
        for stage in (duplicates, split, validate, corrupt):
            stage.main(params, layout)
    runtime.start(seed=1, threads=2)
    for name in params.train.models:
        save(layout, name, seed=1)
    return root, params


@pytest.fixture
def models(made, workspace):
    """A copy of it, with the code."""
    root, params = made
    for name in ("outputs", "reports"):
        shutil.copytree(root / name, workspace / name)
    for name in ("src", "pipelines"):
        (workspace / name).symlink_to(ROOT / name)
    return Layout(workspace), params


def save(layout, name, seed, folder=None):
    import keras

    keras.utils.set_random_seed(seed)
    network = model_spec("simple_cnn", {}, "here").build((32, 32, 3))
    save_network(network, folder or layout.model(name), model=name, kind="simple_cnn")


def only(params, *names):
    rows = {name: params.train.models[name] for name in names}
    return params.model_copy(update={"train": params.train.model_copy(update={"models": rows})})


def test_the_stage_scores_all_models_and_then_only_what_has_changed(models, capsys):
    layout, params = models
    score_stage.main(params, layout)
    table = read_split(layout.images)
    seen = table[table["split"] != "train"]
    for name in params.train.models:
        found = pd.read_csv(layout.scores(name))
        assert list(found["image"]) == list(seen["image"])
        assert found["p_fake"].between(0, 1).all()
        corrupted_scores = pd.read_csv(layout.corrupted_scores(name))
        assert set(corrupted_scores["image"]) == set(table.loc[table["split"] == "test", "image"])
        assert corrupted_scores.groupby("image").size().eq(5).all()  # levels of the small parameters
    first = {path: path.read_bytes() for path in (layout.root / "outputs").rglob("*scores/*.csv")}
    assert len(first) == 4
    notes = layout.score_cache.read_bytes()

    capsys.readouterr()
    score_stage.main(params, layout)
    assert capsys.readouterr().err.count("scored before") == 2
    assert layout.score_cache.read_bytes() == notes

    save(layout, "simple_cnn", seed=2)
    score_stage.main(params, layout)
    assert capsys.readouterr().err.count("scored before") == 1
    changed = {
        path.relative_to(layout.root / "outputs").as_posix()
        for path, data in first.items()
        if path.read_bytes() != data
    }
    assert changed == {"scores/simple_cnn.csv", "corrupted_scores/simple_cnn.csv"}

    layout.scores("custom_cnn_tuned").write_text("image,split,p_fake\n")  # not as it was made
    score_stage.main(params, layout)
    assert layout.scores("custom_cnn_tuned").read_bytes() == first[layout.scores("custom_cnn_tuned")]


def test_other_images_settings_or_code_are_scored_anew(models, capsys):
    layout, params = models
    score_stage.main(params, layout)
    capsys.readouterr()
    score_stage.main(params.model_copy(update={"threads": 1}), layout)
    assert "scored before" not in capsys.readouterr().err
    pipeline = (layout.root / "dvc.yaml").read_text()
    assert "      - pipelines/score.py\n" in pipeline
    (layout.root / "dvc.yaml").write_text(pipeline.replace("      - pipelines/score.py\n", ""))
    score_stage.main(params.model_copy(update={"threads": 1}), layout)
    assert "scored before" not in capsys.readouterr().err
    layout.images.write_text(layout.images.read_text().replace("validation", "train", 1))
    score_stage.main(params.model_copy(update={"threads": 1}), layout)
    assert "scored before" not in capsys.readouterr().err


def test_the_scores_of_a_model_that_params_yaml_lost_go(models):
    layout, params = models
    score_stage.main(params, layout)
    score_stage.main(only(params, "simple_cnn"), layout)
    assert [path.name for path in layout.scores("any").parent.iterdir()] == ["simple_cnn.csv"]
    assert [path.name for path in layout.corrupted_scores("any").parent.iterdir()] == ["simple_cnn.csv"]
    assert list(json.loads(layout.score_cache.read_text())) == ["simple_cnn"]


@pytest.mark.parametrize("broken", ["", "[1]", "{", '{"a": 3}'])
def test_notes_that_cannot_be_read_are_none(tmp_path, broken):
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "notes.json").write_text(broken)
    cache = ScoreCache(tmp_path / "notes.json")
    assert not cache.is_current("a", "of", [tmp_path / "a.csv"])
    cache.record("a", "of", [tmp_path / "a.csv"])
    assert ScoreCache(tmp_path / "notes.json").is_current("a", "of", [tmp_path / "a.csv"])
    assert not cache.is_current("a", "another", [tmp_path / "a.csv"])
    assert not cache.is_current("a", "of", [tmp_path / "b.csv"])


def test_content_is_of_bytes_names_inside_folders_and_settings(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("1")
    first = digest_of([tmp_path / "d"], 1)
    assert digest_of([tmp_path / "d"], 2) != first
    (tmp_path / "d" / "x").rename(tmp_path / "d" / "y")
    assert digest_of([tmp_path / "d"], 1) != first
    (tmp_path / "d").rename(tmp_path / "e")
    (tmp_path / "e" / "y").rename(tmp_path / "e" / "x")
    assert digest_of([tmp_path / "e"], 1) == first


def test_each_image_is_scored_by_the_network_of_the_fold_that_has_not_seen_it(models):
    layout, params = models
    table = read_split(layout.images)
    table = table.assign(fold=[k % 3 for k in range(len(table))], validates=[k % 2 for k in range(len(table))])
    table.to_csv(layout.images, index=False)
    splits = cv_splits(read_split(layout.images))
    shutil.rmtree(layout.model("simple_cnn"))
    for fold in range(3):
        save(layout, "simple_cnn", seed=fold, folder=layout.detector("simple_cnn", fold, 3))
    corrupt.main(params, layout)
    score_stage.main(only(params, "simple_cnn"), layout)
    scores, corrupted = pd.read_csv(layout.scores("simple_cnn")), pd.read_csv(layout.corrupted_scores("simple_cnn"))
    assert len(scores) == sum(len(cv_split.unseen) for cv_split in splits)
    index = json.loads((layout.corrupted / "index.json").read_text())
    features = np.load(layout.corrupted / "pixels-32.npy")
    start = 0
    for cv_split in splits:
        rows = scores.iloc[start : start + len(cv_split.unseen)]
        start += len(rows)
        own = detector.load(layout.detector("simple_cnn", cv_split.fold, cv_split.n_splits))
        paths = [layout.data / name for name in cv_split.unseen["image"]]
        expected = [result.p_fake for result in score_files(own, paths, threads=1)]
        assert list(rows["image"]) == list(cv_split.unseen["image"])
        assert list(rows["split"]) == list(cv_split.unseen["split"])
        assert rows["p_fake"].to_numpy() == pytest.approx(expected, abs=1e-6)
        of_test = corrupted[corrupted["image"].isin(cv_split.test["image"])]
        first = of_test.iloc[0]
        level = index["levels"].index([first["transform"], first["level"]])
        again = own.p_fake(features[level, [index["images"].index(first["image"])]])
        assert first["p_fake"] == pytest.approx(again[0], abs=1e-6)
