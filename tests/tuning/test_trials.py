"""What a trial trains with, what it is worth, what it logs, and by what a study is known; fits are replaced."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_json, write_json
from fakefaces.base.paths import Layout
from fakefaces.data.arrays import TrainArrays, ValidationArrays
from fakefaces.data.faces import PARTS
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.file import Params, load
from fakefaces.params.train import Fit
from fakefaces.tracking import store
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import PreparedFeatures
from fakefaces.training.loop import FitState
from fakefaces.tuning import trials
from fakefaces.tuning.search import PrunedError
from fakefaces.tuning.trials import Study, by_section
from pipelines import tune as stage


class RecordedRun:
    """A run that keeps what is logged to it."""

    def __init__(self, name="study", role="", tags=None):
        self.name, self.role, self.tags = name, role, dict(tags or {})
        self.logged_metrics, self.logged_params, self.children = {}, {}, []

    @contextmanager
    def child(self, name, role, tags=None):
        self.children.append(RecordedRun(name, role, tags))
        yield self.children[-1]

    def params(self, values):
        self.logged_params |= values

    def metrics(self, values, step=None):
        self.logged_metrics |= values if step is None else {f"{key}@{step}": value for key, value in values.items()}

    def tag(self, name, value):
        self.tags[name] = value

    def speed(self, images, seconds):
        self.logged_metrics |= {"images": images, "seconds": seconds}


HISTORY = [{"epoch": float(k), "val_loss": 1.0, "val_roc_auc": auc} for k, auc in ((1, 0.5), (2, 0.8), (3, 0.6))]
VALUES = {"settings.units": 8, "fit.learning_rate": 0.25, "augment.strength": 0.5}


@pytest.fixture
def fits(monkeypatch):
    """What each trial trains with; its epochs are those of HISTORY."""
    calls = []

    def train_network(features, spec, config, *, unfinished, on_epoch):
        calls.append({"features": features, "spec": spec, "config": config, "unfinished": unfinished})
        for row in HISTORY:
            on_epoch(row)
        return None, FitState(history=HISTORY, seconds=2.0)

    monkeypatch.setattr(trials, "train_network", train_network)
    return calls


@pytest.fixture
def study(workspace) -> Study:
    rows = np.arange(6, dtype=np.uint8)
    labels, replaced = (rows % 2).astype(np.float32), np.zeros((6, 4), np.int8)
    train = TrainArrays(rows[:, None], labels, replaced)
    validation = ValidationArrays(rows[:, None] + 6, labels, replaced)
    features = PreparedFeatures(train, validation, None, None, "w", FeatureSpec("pixels", 32))
    recipe = Recipe([("HorizontalFlip", {"p": 0.5})])
    return Study(load(workspace / "params.yaml"), Layout(workspace), features, recipe)


def test_a_trial_logs_its_epochs_and_is_worth_the_best_of_them(study, fits):
    run, reports = RecordedRun(), []
    assert study.run_trial(run, 4, VALUES, lambda *report: reports.append(report)) == 0.8
    assert reports == [(1, 0.5), (2, 0.8), (3, 0.8)]
    (trial_run,) = run.children
    assert (trial_run.name, trial_run.role) == ("trial 4", "trial")
    assert trial_run.tags == {"study": study.config.name, "given_up": ""}
    assert trial_run.logged_metrics["best_val_roc_auc"] == 0.8
    assert trial_run.logged_metrics["val_roc_auc@3"] == 0.6
    assert (trial_run.logged_metrics["images"], trial_run.logged_metrics["seconds"]) == (18, 2.0)
    assert trial_run.logged_params == {"seed": study.params.seed} | VALUES


def test_a_trial_trains_with_its_values_for_all_epochs_of_the_study(study, fits):
    study.run_trial(RecordedRun(), 0, VALUES, lambda *report: None)
    (call,) = fits
    shared, epochs = study.params.train.fit, study.params.tune.epochs
    assert call["config"].fit == Fit(
        epochs=epochs, batch_size=shared.batch_size, learning_rate=0.25, patience=epochs, monitor=shared.monitor
    )
    assert call["config"].recipe == study.recipe.with_strength(0.5)
    assert call["config"].seed == study.params.seed
    assert call["spec"].settings.units == 8
    assert call["spec"].module.__name__.endswith(study.params.tune.kind)
    assert call["features"] is study.features
    assert study.layout.root in call["unfinished"].parents


@pytest.mark.parametrize(("error", "reason"), [(PrunedError(), "pruned"), (ModelError("no number"), "no number")])
def test_a_trial_that_is_given_up_logs_why_and_counts_as_pruned(study, fits, error, reason):
    def report(epoch, score):
        if epoch == 2:
            raise error

    run = RecordedRun()
    with pytest.raises(PrunedError):
        study.run_trial(run, 0, VALUES, report)
    (trial_run,) = run.children
    assert trial_run.tags["given_up"] == reason
    assert trial_run.logged_metrics["best_val_roc_auc"] == 0.8


def test_the_name_of_a_study_depends_on_all_that_its_trials_depend_on(study):
    params, features = study.params, study.features
    values = params.model_dump(by_alias=True)

    def changed(section, **entries):
        return Params(**(values | {section: values[section] | entries}))

    train, validation = features.train, features.validation
    reversed_train = replace(train, features=train.features[::-1].copy())
    others = [
        study,
        replace(study, params=changed("tune", epochs=9)),
        replace(study, params=changed("tune", trials=9)),
        replace(study, params=changed("train", fit=values["train"]["fit"] | {"batch_size": 9})),
        replace(study, params=Params(**(values | {"seed": 9}))),
        replace(study, params=Params(**(values | {"threads": 9}))),
        replace(study, recipe=Recipe([])),
        replace(study, features=replace(features, train=reversed_train)),
        replace(study, features=replace(features, train=replace(train, labels=1 - train.labels))),
        replace(study, features=replace(features, validation=replace(validation, features=train.features))),
        replace(study, features=replace(features, validation=replace(validation, labels=1 - validation.labels))),
    ]
    assert len({other.config.name for other in others}) == len(others)
    same = Study(load(study.layout.root / "params.yaml"), study.layout, features, study.recipe)
    assert same.config.name == study.config.name
    config, tune = study.config, params.tune
    assert (config.trials, config.startup_trials, config.epochs) == (tune.trials, tune.startup_trials, tune.epochs)
    assert (config.pruner, config.seed, config.space) == (tune.pruner, params.seed, tune.space)


def write_inputs(layout: Layout, name: str, splits: dict[str, list]) -> Recipe:
    """The inputs of the stage; row k of the features holds k."""
    folder = layout.features(name)
    folder.mkdir(parents=True)
    np.save(folder / "arrays.npy", np.arange(6, dtype=np.uint8)[:, None])
    metadata = {"extractor": "pixels", "image_size": 32, "crop": 0, "weights": "w", "group_sizes": []}
    write_json(folder / "features.json", metadata)
    table = pd.DataFrame({"image": [f"{k}" for k in range(6)], "label": [0, 1] * 3, "difficulty": ""})
    table = table.assign(group=table["image"], **dict.fromkeys(PARTS, 0), **splits)
    table.to_csv(layout.images, index=False)
    recipe = Recipe([("HorizontalFlip", {"p": 0.5})])
    write_json(layout.recipe("standard"), recipe.to_json())
    return recipe


def test_with_folds_a_study_tunes_on_the_first_split(workspace):
    params, layout = load(workspace / "params.yaml"), Layout(workspace)
    folds = {"split": ["unused"] * 6, "fold": [0, 0, 1, 1, 2, 2], "validates": [1, 0] * 3}
    recipe = write_inputs(layout, params.tune.features, folds)
    study = Study.load(params, layout)
    assert study.features.train.features[:][:, 0].tolist() == [3, 4, 5]
    assert study.features.validation.features[:][:, 0].tolist() == [2]
    assert study.recipe == recipe


def test_the_stage_tunes_on_the_features_of_the_study_and_writes_the_best_trial(tracked, monkeypatch):
    params, layout = load(tracked / "params.yaml"), Layout(tracked)
    tune = params.tune.model_copy(update={"trials": 4, "startup_trials": 4, "pruner": "none"})
    params = params.model_copy(update={"tune": tune})
    splits = ["train", "train", "validation", "test", "validation", "train"]
    write_inputs(layout, tune.features, {"split": splits})
    scores, calls = iter([0.6, 0.9, 0.7, 0.8]), []

    def train_network(features, spec, config, *, unfinished, on_epoch):
        calls.append({"features": features, "spec": spec, "config": config})
        row = {"epoch": 1.0, "val_loss": 1.0, "val_roc_auc": next(scores)}
        on_epoch(row)
        return None, FitState(history=[row], seconds=1.0)

    monkeypatch.setattr(trials, "train_network", train_network)
    stage.main(params, layout)
    assert all(call["features"].train.features[:][:, 0].tolist() == [0, 1, 5] for call in calls)
    assert all(call["features"].validation.features[:][:, 0].tolist() == [2, 4] for call in calls)
    rows = read_json(layout.tuning_trials)["trials"]
    assert [row["score"] for row in rows] == [0.6, 0.9, 0.7, 0.8]
    best = read_json(layout.tuned("best"))
    assert best == by_section(rows[1]["values"])
    assert best["fit"]["learning_rate"] == calls[1]["config"].fit.learning_rate
    assert best["augment"]["strength"] == calls[1]["config"].recipe.strength
    assert best["settings"].items() <= calls[1]["spec"].settings.model_dump().items()
    assert read_json(layout.tuned("none")) == {"settings": {}, "fit": {}, "augment": {}}
    mlflow_store = store.connect()
    (run,) = mlflow_store.search_runs("tags.role = 'tune'")
    metrics = run.data.metrics
    assert (metrics["best_val_roc_auc"], metrics["trials"], metrics["pruned"]) == (0.9, 4, 0)
    nested = mlflow_store.search_runs("tags.role = 'trial'")
    assert {trial.data.tags["mlflow.parentRunId"] for trial in nested} == {run.info.run_id}
    assert sorted(trial.data.metrics["best_val_roc_auc"] for trial in nested) == [0.6, 0.7, 0.8, 0.9]
    assert not list(layout.root.glob(".unfinished/tune/study/*"))
