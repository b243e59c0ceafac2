import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest

from fakefaces.base.paths import Layout
from fakefaces.base.schema import parse
from fakefaces.data.arrays import TrainArrays, ValidationArrays
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.tune import SearchRange
from fakefaces.tracking.trials import Trial
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import PreparedFeatures
from fakefaces.training.loop import FitState
from fakefaces.tuning.plots import draw_study
from fakefaces.tuning.search import PrunedError, StudyConfig, StudyResult, best, search, share
from fakefaces.tuning.trials import Study, StudyParams, by_section
from tests.conftest import ROOT

SPACE = {
    "settings.dropout": SearchRange(low=0.0, high=1.0),
    "settings.units": SearchRange(choices=[8, 16, 32]),
}


def objective(number, values, report):
    """Best at dropout 0.3 and 16 units; known after three epochs."""
    score = 1 - abs(values["settings.dropout"] - 0.3) - (values["settings.units"] != 16) * 0.3
    for epoch in range(3):
        report(epoch, score * (epoch + 1) / 3)
    return score


def config(trials=12, seed=3, pruner="median") -> StudyConfig:
    return StudyConfig("study", SPACE, trials=trials, startup_trials=4, epochs=3, pruner=pruner, seed=seed)


def run(folder, objective=objective, on_trial=lambda trial: None, **changed) -> list[Trial]:
    return search(config(**changed), objective, folder=folder, on_trial=on_trial).trials


def test_a_search_is_seeded(tmp_path):
    first, again, other = run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=4)
    assert first == again
    assert first != other
    assert [trial.number for trial in first] == list(range(12))


def test_a_search_finds_better_than_chance_and_prunes(tmp_path):
    trials = run(tmp_path / "a", trials=30)
    assert best(trials).score > 0.8
    assert any(trial.pruned for trial in trials)
    assert not any(trial.pruned for trial in trials[:4])
    assert best(trials).score == max(trial.score for trial in trials if trial.score is not None)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
@pytest.mark.parametrize("stop_at", [0, 3, 7])
def test_a_killed_search_goes_on_to_the_same_end(tmp_path, stop_at, pruner):
    calls = []

    def dies(number, values, report):
        calls.append(number)
        if number == stop_at and calls.count(number) == 1:
            raise KeyboardInterrupt
        return objective(number, values, report)

    whole = run(tmp_path / "whole", pruner=pruner)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", objective=dies, pruner=pruner)
    seen = []
    resumed = run(tmp_path / "cut", objective=dies, pruner=pruner, on_trial=seen.append)
    assert resumed == whole
    assert sorted(calls) == sorted([*range(12), stop_at])  # none but the interrupted one is run again
    assert seen == whole


def test_a_trial_left_running_by_a_killed_process_is_run_again(tmp_path):
    import optuna

    (tmp_path / "cut").mkdir()
    study = optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'cut' / 'study.db'}", study_name="study", direction="maximize"
    )
    study.ask()
    assert run(tmp_path / "cut") == run(tmp_path / "whole")


def test_all_pruned_is_no_best(tmp_path):
    def always(number, values, report):
        raise PrunedError

    assert best(run(tmp_path / "a", trials=3, objective=always)) is None
    assert best([]) is None


@pytest.mark.parametrize("pruner", ["hyperband", "none"])
def test_the_pruner_is_the_one_that_was_asked_for(tmp_path, pruner):
    trials = run(tmp_path / "a", trials=30, pruner=pruner)
    assert any(trial.pruned for trial in trials) == (pruner == "hyperband")


def test_what_a_study_shows(tmp_path):
    result = search(config(trials=20), objective, folder=tmp_path / "a", on_trial=lambda trial: None)
    assert sum(result.importances.values()) == pytest.approx(1)
    assert set(result.importances) == set(SPACE)
    assert result.seconds > 0
    assert [path.name for path in draw_study(result, tmp_path)] == ["history.png", "importance.png"]
    assert all((tmp_path / name).read_bytes()[1:4] == b"PNG" for name in ("history.png", "importance.png"))
    assert draw_study(StudyResult([Trial(0, {}, None, True)], 0.0, {}), tmp_path) == []


def test_a_study_of_one_trial_has_no_importances(tmp_path):
    result = search(config(trials=1), objective, folder=tmp_path / "a", on_trial=lambda trial: None)
    assert result.importances == {}


def test_values_go_to_their_sections():
    sections = by_section({"settings.depth": 3, "fit.learning_rate": 0.01, "augment.strength": 0.5})
    assert sections == {"settings": {"depth": 3}, "fit": {"learning_rate": 0.01}, "augment": {"strength": 0.5}}


def test_a_trial_is_worth_its_best_epoch(tmp_path, monkeypatch, small_params):
    from fakefaces.tuning import trials

    space = {"fit.learning_rate": {"low": 0.001, "high": 0.01}}
    params = parse(StudyParams, small_params | {"tune": small_params["tune"] | {"space": space}}, "params.yaml")
    arrays = [np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 0, 1], np.float32), np.zeros((4, 4), np.int8)]
    spec = FeatureSpec("pixels", 8)
    features = PreparedFeatures(TrainArrays(*arrays), ValidationArrays(*arrays), None, None, "w", spec)
    study = Study(params, Layout(tmp_path), features, Recipe([]))

    def train_network(features, spec, config, *, unfinished, on_epoch):
        assert config.fit.learning_rate == 0.005
        for epoch, score in enumerate((0.6, 0.9, 0.7), start=1):
            on_epoch({"epoch": epoch, "val_roc_auc": score})
        return None, FitState(history=[{}] * 3, seconds=1.0)

    monkeypatch.setattr(trials, "train_network", train_network)
    reported, run = [], MagicMock()
    score = study.run_trial(run, 0, {"fit.learning_rate": 0.005}, lambda *row: reported.append(row))
    assert score == 0.9
    assert reported == [(1, 0.6), (2, 0.9), (3, 0.9)]
    trial_run = run.child.return_value.__enter__.return_value
    trial_run.metrics.assert_called_with({"best_val_roc_auc": 0.9})


WORKER = """
    import sys, time
    sys.path.insert(0, {root!r})
    from tests.test_tune import config, objective
    from fakefaces.tuning.search import share

    def slow(number, values, report):
        print(number, flush=True)
        time.sleep({seconds})
        return objective(number, values, report)

    result = share(config(), slow, storage_url={storage!r}, on_trial=lambda trial: None, heartbeat=1)
    print("trials", len(result.trials))
"""


def worker(storage: str, seconds: float) -> subprocess.Popen:
    code = textwrap.dedent(WORKER.format(root=str(ROOT), storage=storage, seconds=seconds))
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True)


def test_a_trial_whose_process_died_before_its_first_heartbeat_is_run_again(empty_database):
    import optuna

    share(replace(config(), trials=1), objective, storage_url=empty_database, on_trial=lambda trial: None)
    storage = optuna.storages.RDBStorage(empty_database)
    study = optuna.load_study(study_name="study", storage=storage)
    abandoned = study.ask().number
    result = share(config(), objective, storage_url=empty_database, on_trial=lambda trial: None, heartbeat=1)
    study = optuna.load_study(study_name="study", storage=storage)
    states = [trial.state.name for trial in study.trials]
    assert states[abandoned] == "FAIL" and states.count("FAIL") == 1
    assert len(states) - 1 == len(result.trials) == 12
    storage.remove_session()
    storage.engine.dispose()


def test_processes_share_a_study_and_a_killed_one_loses_nothing(empty_database):
    import optuna

    victim = worker(empty_database, 600)
    assert victim.stdout.readline().strip().isdigit()  # it has a trial
    started = [worker(empty_database, 0.2) for _ in range(2)]
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    outputs = [process.communicate()[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert all(lines[-1] == "trials 12" for lines in outputs)
    assert all(len(lines) > 1 for lines in outputs)  # both did some
    storage = optuna.storages.RDBStorage(empty_database)
    result = share(config(), objective, storage_url=empty_database, on_trial=lambda trial: None)
    study = optuna.load_study(study_name="study", storage=storage)
    states = [trial.state.name for trial in study.trials]
    assert states.count("RUNNING") == 0
    assert states.count("FAIL") == 1
    assert states.count("COMPLETE") + states.count("PRUNED") == len(result.trials) == 12
    (failed,) = [trial for trial in study.trials if trial.state.name == "FAIL"]
    again = [trial for trial in study.trials if trial.system_attrs.get("failed_trial") == failed.number]
    assert again and again[0].params == failed.params
    storage.remove_session()
    storage.engine.dispose()
