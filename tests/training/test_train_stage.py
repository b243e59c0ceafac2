"""What the train stage fits by fold and by parameters, and what it saves and logs of it; the fit itself is replaced."""

import numpy as np
import pandas as pd
import pytest
import yaml

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.inference.metadata import DetectorMetadata, read_metadata
from fakefaces.models import runtime
from fakefaces.params.file import Params, load
from fakefaces.params.train import Fit
from fakefaces.tracking import store
from fakefaces.tracking.detectors import fetch_detector
from fakefaces.tracking.digests import digest
from fakefaces.training.augmentation import Recipe
from fakefaces.training.candidates import UNTUNED
from fakefaces.training.loop import FitState, TrainingConfig
from fakefaces.training.shared import shared_training
from pipelines import train as stage

FLIP = Recipe([("HorizontalFlip", {"p": 0.5})])
NAME = "custom_cnn_tuned"
TUNED = {"fit": {"learning_rate": 0.5}, "settings": {"units": 5}, "augment": {"strength": 0.25}}


def inputs(root, splits: pd.DataFrame, **model) -> tuple[Params, Layout]:
    """All that the stage reads, for one model whose row of params.yaml is changed; row k of its features holds k."""
    values = yaml.safe_load((root / "params.yaml").read_text())
    values["train"]["models"] = {NAME: values["train"]["models"][NAME] | model}
    values["train"] |= {"threshold": 0.4}
    values["jobs"] = 1  # all in this process, in which the fit is replaced
    (root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    layout = Layout(root)
    folder = layout.features("pixels")
    folder.mkdir(parents=True)
    np.save(folder / "arrays.npy", np.arange(len(splits), dtype=np.float32)[:, None] * np.ones(2, np.float32))
    metadata = {"extractor": "pixels", "image_size": 32, "crop": 0, "weights": "w", "group_sizes": []}
    write_json(folder / "features.json", metadata)
    names = sorted(path.relative_to(layout.data).as_posix() for path in layout.data.rglob("*.jpg"))
    table = pd.DataFrame({"image": names[: len(splits)], "label": [int(k % 3 == 0) for k in range(len(splits))]})
    table = table.assign(difficulty="", group="g", faces=0, **dict.fromkeys(PARTS, 0)).join(splits)
    table.to_csv(layout.images, index=False)
    write_json(layout.recipe("standard"), FLIP.to_json())
    write_json(layout.recipe("none"), [])
    write_json(layout.tuned("best"), TUNED)
    write_json(layout.tuned("none"), {"fit": {}, "settings": {}, "augment": {}})
    return load(root / "params.yaml"), layout


@pytest.fixture
def roc_auc():
    """Of validation, by whether the values are the tuned ones."""
    return {True: 0.75, False: 0.5}


@pytest.fixture
def fits(monkeypatch, roc_auc):
    """The stage's fits: of three epochs, the second the best; each network's bias is the mean of its features."""
    import keras

    runtime.start(seed=1, threads=2)
    calls = []

    def train_network(features, spec, config, *, unfinished, on_epoch):
        calls.append({"features": features, "spec": spec, "config": config, "unfinished": unfinished})
        unfinished.mkdir(parents=True, exist_ok=True)
        auc = roc_auc[config.fit.learning_rate == 0.5]
        rows = [{"epoch": k, "val_loss": loss, "val_roc_auc": auc} for k, loss in ((1.0, 3.0), (2.0, 1.0), (3.0, 2.0))]
        for row in rows:
            on_epoch(row)
        bias = keras.initializers.Constant(float(features.train.features.mean()))
        network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, bias_initializer=bias)])
        return network, FitState(history=rows, best=-1.0, best_epoch=2, seconds=2.0)

    monkeypatch.setattr(stage, "train_network", train_network)
    monkeypatch.setattr(stage, "sample_inputs", lambda spec, split, layout: np.ones((3, 2), np.float32))
    return calls


def bias_of(folder) -> float:
    return float(runtime.load_network(folder / "network.keras").get_weights()[1][0])


def rows_of(arrays) -> list[float]:
    return arrays.features[:, 0].tolist()


def test_each_fold_is_fitted_on_its_own_images_and_saved_in_its_own_folder(tracked, fits):
    splits = pd.DataFrame({"split": "unused", "fold": [0, 0, 1, 1, 2, 2], "validates": [1, 0] * 3})
    params, layout = inputs(tracked, splits)
    write_json(layout.tuned("best"), UNTUNED)
    stage.main(params, layout, NAME)
    assert [rows_of(call["features"].train) for call in fits] == [[3, 4, 5], [0, 1, 5], [1, 2, 3]]
    assert [rows_of(call["features"].validation) for call in fits] == [[2], [4], [0]]
    folders = [layout.model(NAME) / f"fold{k}" for k in range(3)]
    assert [bias_of(folder) for folder in folders] == [4, 2, 2]
    assert sorted(path.name for path in layout.model(NAME).iterdir()) == ["fold0", "fold1", "fold2"]
    history = pd.read_csv(layout.history(NAME))
    assert history["fold"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert history["val_loss"].tolist() == [3, 1, 2] * 3
    runs = store.connect().search_runs("", newest_first=False)
    of_folds = {run.info.run_name: run for run in runs if run.data.tags["role"] == "fold"}
    (of_model,) = (run for run in runs if run.data.tags["role"] == "train")
    assert list(of_folds) == ["fold 0", "fold 1", "fold 2"]
    assert {run.data.tags["mlflow.parentRunId"] for run in of_folds.values()} == {of_model.info.run_id}
    for run, folder in zip(of_folds.values(), folders, strict=True):
        assert run.data.metrics["best_epoch"] == 2
        assert run.data.metrics["epochs"] == 3
        assert run.data.metrics["val_loss"] == 2  # of the last epoch
        assert run.data.metrics["images"] == 3 * 3
        assert run.data.metrics["images_per_second"] == 4.5
        (logged,) = run.outputs.model_outputs
        assert digest(fetch_detector(f"models:/{logged.model_id}")) == digest(folder)
    assert of_model.data.params["n_splits"] == "3"
    assert of_model.data.tags[f"made.outputs/models/{NAME}"] == digest(layout.model(NAME))


@pytest.mark.slow
def test_a_detector_says_whether_it_was_trained_on_fakes_with_known_parts(tracked, fits):
    splits = pd.DataFrame({"split": "unused", "fold": [0, 0, 1, 1, 2, 2], "validates": [1, 0] * 3})
    params, layout = inputs(tracked, splits)
    write_json(layout.tuned("best"), UNTUNED)
    table = pd.read_csv(layout.images, keep_default_na=False).astype(dict.fromkeys(PARTS, "Int64"))
    table.loc[table["label"] == 1, list(PARTS)] = pd.NA
    table.loc[0, list(PARTS)] = [0, 0, 1, 0]  # the one fake whose name tells its parts, which fold 1 alone trains on
    table.to_csv(layout.images, index=False)
    stage.main(params, layout, NAME)
    trained_on_it = [0 in rows_of(call["features"].train) for call in fits]
    assert trained_on_it == [False, True, False]
    metadata = [read_metadata(layout.model(NAME) / f"fold{k}") for k in range(3)]
    assert [fold.whole_fakes for fold in metadata] == [True, False, True]


def test_a_model_is_fitted_as_its_row_says_and_tuned_values_replace_its_own(tracked, fits):
    splits = pd.DataFrame({"split": ["train", "test", "validation", "train", "test", "train"]})
    row = {"fit": {"learning_rate": 0.1, "epochs": 7}, "settings": {"units": 2, "depth": 2}}
    params, layout = inputs(tracked, splits, **row)
    stage.main(params, layout, NAME)
    call, untuned = fits
    shared = params.train.fit
    schedule = Fit(
        epochs=7,
        batch_size=shared.batch_size,
        learning_rate=0.5,
        patience=shared.patience,
        monitor=shared.monitor,
    )
    assert call["config"] == TrainingConfig(schedule, FLIP.with_strength(0.25), params.seed)
    assert (call["spec"].settings.units, call["spec"].settings.depth) == (5, 2)
    assert rows_of(call["features"].train) == [0, 3, 5]
    assert rows_of(call["features"].validation) == [2]
    assert untuned["config"].fit == schedule.model_copy(update={"learning_rate": 0.1})
    assert untuned["config"].recipe == FLIP
    assert (untuned["spec"].settings.units, untuned["spec"].settings.depth) == (2, 2)
    assert not call["unfinished"].exists()
    assert read_metadata(layout.model(NAME)) == DetectorMetadata(
        model=NAME, kind="custom_cnn", image_size=32, weights="w", threshold=0.4, parameters=3, whole_fakes=True
    )
    assert "fold" not in pd.read_csv(layout.history(NAME))
    assert bias_of(layout.model(NAME)) == pytest.approx(8 / 3)


@pytest.mark.parametrize(("tuned", "untuned"), [(0.75, 0.5), (0.5, 0.75), (0.5, 0.5), (0.508, 0.5)])
def test_tuned_values_are_kept_where_they_validate_clearly_better(tracked, fits, roc_auc, capfd, tuned, untuned):
    roc_auc.update({True: tuned, False: untuned})
    splits = pd.DataFrame({"split": ["train", "test", "validation", "train", "test", "train"]})
    params, layout = inputs(tracked, splits)
    stage.main(params, layout, NAME)
    is_kept = tuned == 0.75
    kept = "tuned" if is_kept else "untuned"
    best = tuned if is_kept else untuned
    expected = f"{NAME}: the {kept} values are kept: validation ROC AUC {tuned:.3f} tuned, {untuned:.3f} untuned"
    assert expected in capfd.readouterr().err
    assert pd.read_csv(layout.history(NAME))["val_roc_auc"].tolist() == [best] * 3
    (run,) = (run for run in store.connect().search_runs("", newest_first=False) if run.data.tags["role"] == "train")
    assert run.data.metrics["tuned_values_kept"] == is_kept
    assert run.data.metrics["val_roc_auc"] == best
    assert (run.data.metrics["tuned_val_roc_auc"], run.data.metrics["untuned_val_roc_auc"]) == (tuned, untuned)


def test_the_untuned_values_are_trained_once_for_the_models_that_have_them(tracked, fits, roc_auc, monkeypatch):
    import keras

    roc_auc.update({True: 0.5, False: 0.75})
    monkeypatch.setattr(
        stage, "build_network", lambda *given: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    )
    splits = pd.DataFrame({"split": ["train", "test", "validation", "train", "test", "train"]})
    params, layout = inputs(tracked, splits)
    untuned = params.train.models[NAME].model_copy(update={"tuned": "none"})
    params.train.models.update(untuned=untuned, longer=untuned.model_copy(update={"fit": {"epochs": 9}}))
    assert shared_training(layout, params.train, "longer", "", None) is None
    for name in ("untuned", NAME):
        stage.main(params, layout, name)
    assert [call["config"].fit.learning_rate == 0.5 for call in fits] == [False, True]
    assert bias_of(layout.model(NAME)) == bias_of(layout.model("untuned")) == pytest.approx(8 / 3)
    assert layout.history(NAME).read_bytes() == layout.history("untuned").read_bytes()
    runs = store.connect().search_runs("", newest_first=False)
    speeds = [run.data.metrics["images_per_second"] for run in runs if run.data.tags["role"] == "train"]
    assert speeds == [4.5, 4.5]
