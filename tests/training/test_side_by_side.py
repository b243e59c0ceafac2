"""Trainings in processes of their own: how many at a time, in which order, and how they end."""

import os
import subprocess
import sys
from functools import partial
from hashlib import sha256

import pandas as pd
import psutil
import pytest
import yaml

from fakefaces.base.errors import DataError, ModelError
from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.base.slots import Slot, Slots
from fakefaces.data.faces import PARTS
from fakefaces.params.file import load
from fakefaces.tracking import store
from fakefaces.tracking.digests import digest
from fakefaces.training import side_by_side as module
from fakefaces.training.candidates import UNTUNED
from fakefaces.training.seeds import seed_of_training
from fakefaces.training.side_by_side import side_by_side
from tests.conftest import ROOT
from tests.training.tasks import do, meet, process_of


def test_tasks_run_at_the_same_time_and_results_are_in_their_order(tmp_path):
    tasks = [("a", "b"), ("b", "a"), ("c", "a")]
    assert side_by_side(partial(meet, tmp_path), tasks, Slots(tmp_path, 2)) == ["a", "b", "c"]
    assert Slots(tmp_path, 1).take()


@pytest.mark.parametrize("short_of", ["slots", "memory"])
def test_without_a_slot_or_memory_there_is_one_process_for_all_tasks(tmp_path, monkeypatch, short_of):
    slots = Slots(tmp_path, 2)
    if short_of == "memory":
        monkeypatch.setattr(module, "free_memory", lambda: module.MEMORY - 1)
    other = slots.take() if short_of == "slots" else None
    tasks, processes = zip(*side_by_side(process_of, [0, 1, 2], slots), strict=True)
    assert tasks == (0, 1, 2)
    assert len({*processes, os.getpid()}) == 2
    assert other is None or slots.take()


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [("fault", DataError, "no such photograph"), ("killed", ModelError, r"exit code -9.*lower jobs")],
)
def test_the_first_fault_ends_the_other_tasks_by_a_signal(tmp_path, task, error, message):
    with pytest.raises(error, match=message):
        side_by_side(partial(do, tmp_path), ["long", task], Slots(tmp_path, 2))
    processes = [int(path.name.split("-")[1]) for path in tmp_path.glob("*-*")]
    assert processes and not any(psutil.pid_exists(process) for process in processes)
    assert (tmp_path / "ended by a signal").exists() == bool(list(tmp_path.glob("long-*")))
    assert Slots(tmp_path, 2).take()


def test_slots_are_as_many_as_they_are_and_free_again_when_released(tmp_path):
    slots = Slots(tmp_path, 2)
    with slots.take() as one, slots.take() as other:
        assert isinstance(one, Slot) and isinstance(other, Slot)
        assert slots.take() is None
        other.release()
        assert slots.take()


def test_a_stage_has_as_many_slots_as_params_or_the_command_that_started_it_say(workspace, monkeypatch):
    monkeypatch.delenv("FAKEFACES_JOBS", raising=False)
    slots = Slots.of_stage(workspace)
    assert slots.count == load(workspace / "params.yaml").jobs == 2
    own = slots.of_this_process()
    assert slots.take() and own
    monkeypatch.setenv("FAKEFACES_JOBS", "5")
    assert Slots.of_stage(workspace).count == 5


def test_seeds_are_derived_from_that_of_params_and_differ():
    seeds = [seed_of_training(20, number) for number in range(50)]
    assert seeds[0] == 20
    assert len(set(seeds)) == 50
    assert set(seeds[1:]).isdisjoint(seed_of_training(21, number) for number in range(50))
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.slow
@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_folds_and_seeds_have_the_same_bytes_side_by_side_as_one_after_another(tracked):
    from pipelines import prepare

    values = yaml.safe_load((tracked / "params.yaml").read_text())
    values["prepare"]["features"] = {"pixels": {"image_size": 32}}
    row = {"kind": "custom_cnn", "features": "pixels", "augment": "standard", "tuned": "none", "seeds": 2}
    values["train"]["models"] = {"custom_cnn": row}
    (tracked / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    params, layout = load(tracked / "params.yaml"), Layout(tracked)
    names = sorted(path.relative_to(layout.data).as_posix() for path in layout.data.rglob("*.jpg"))
    table = pd.DataFrame({"image": names, "split": "unused", "fold": [k % 2 for k in range(80)]})
    table = table.assign(label=[int("fake" in name) for name in names], group=names, difficulty="", faces=0)
    table = table.assign(sha256=[sha256((layout.data / name).read_bytes()).hexdigest() for name in names])
    table = table.assign(validates=[k // 2 % 2 for k in range(80)], **dict.fromkeys(PARTS, 0))
    layout.images.parent.mkdir(parents=True)
    table.to_csv(layout.images, index=False)
    table.to_csv(layout.facts, index=False)
    prepare.main(params, layout, "pixels")
    write_json(layout.recipe("standard"), [{"name": "HorizontalFlip", "arguments": {"p": 0.5}}])
    write_json(layout.tuned("none"), UNTUNED)
    digests = set()
    for jobs in ("1", "2"):
        # in a process of its own: in this one TensorFlow may run already, by another number of threads
        command = [sys.executable, ROOT / "pipelines" / "train.py", "custom_cnn"]
        subprocess.run(command, cwd=tracked, env=os.environ | {"FAKEFACES_JOBS": jobs}, check=True)
        digests.add((digest(layout.model("custom_cnn")), layout.history("custom_cnn").read_bytes()))
    assert len(digests) == 1
    folders = [f"{seed}fold{fold}" for seed in ("", "seed1-") for fold in range(2)]
    assert sorted(path.name for path in layout.model("custom_cnn").iterdir()) == folders
    assert len({digest(layout.model("custom_cnn") / folder) for folder in folders}) == 4
    runs = store.connect().search_runs("", newest_first=False)
    for of_model in (run for run in runs if run.data.tags["role"] == "train"):
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == of_model.info.run_id]
        assert of_model.info.status == "FINISHED" and {run.info.status for run in children} == {"FINISHED"}
        titles = [f"seed {seed}, fold {fold}" for seed in range(2) for fold in range(2)]
        assert sorted(run.info.run_name for run in children) == titles
        assert {run.data.params["seed"] for run in children} == {str(seed_of_training(params.seed, k)) for k in (0, 1)}
        logged = {run.info.run_name for run in children if run.outputs and run.outputs.model_outputs}
        assert logged == {"seed 0, fold 0", "seed 0, fold 1"}
        of_process = {run.data.tags["pid"] for run in children}
        assert of_process == {of_model.data.tags["pid"]} or of_model.data.tags["pid"] not in of_process
