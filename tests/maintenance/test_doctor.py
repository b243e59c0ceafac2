"""The doctor on stores and projects that have come apart in the ways in which they do."""

import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError, ModelError
from fakefaces.cli.doctor import doctor
from fakefaces.maintenance import doctor as checks
from fakefaces.models.devices import Devices
from fakefaces.tracking.artifact_paths import local_path
from fakefaces.tracking.digests import digest
from fakefaces.tracking.integrity import GRAPH_TAG
from fakefaces.tracking.runs import find_run, stage_run
from fakefaces.tracking.store import connect

MODEL = "outputs/models/simple_cnn"


def run_and_model_folder(root: Path, path: str = MODEL):
    """The run behind an output, and the folder of the model that it logged."""
    store = connect()
    run = find_run(store, path, digest(root / path))
    if run is None:
        return None, None
    model = store.client.get_logged_model(run.outputs.model_outputs[0].model_id)
    return run, local_path(model.artifact_location)


def output_with_problems(capsys) -> str:
    """What the doctor says where something is wrong."""
    with pytest.raises(FakefacesError, match="problem"):
        doctor()
    return " ".join(capsys.readouterr().out.split())


def output_without_problems(capsys) -> str:
    doctor()
    out = " ".join(capsys.readouterr().out.split())
    assert "no problems" in out
    return out


def test_a_project_in_order_is_well(tracked, trained, capsys):
    trained()
    out = output_without_problems(capsys)
    assert "1 outputs of dvc.lock lead to the runs that wrote them" in out
    assert "1 models have their files" in out


def test_before_the_first_run_there_is_nothing_wrong(tracked, trained, capsys):
    assert "dvc repro" in output_without_problems(capsys)


def test_a_store_that_lacks_a_run_gets_it_from_the_outputs(tracked, trained, capsys, monkeypatch, tmp_path):
    first = trained()
    if environment.tracking_uri().startswith("sqlite"):  # a fresh clone with pulled outputs
        tracked = shutil.copytree(tracked, tmp_path / "clone", ignore=shutil.ignore_patterns("mlruns"))
        monkeypatch.chdir(tracked)
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        assert "there is no store" in output_with_problems(capsys)
    else:
        connect().client.delete_run(first)
        assert "no run of this store wrote it" in output_with_problems(capsys)
    doctor(fix=True)
    run, folder = run_and_model_folder(tracked)
    assert run.info.run_id != first
    assert run.data.tags["relogged"] == "true"
    assert run.data.tags["dvc.stage"] == "train@simple_cnn"
    assert run.data.params["fit.epochs"] == "2"
    assert "wall_seconds" not in run.data.metrics
    epochs = connect().client.get_metric_history(run.info.run_id, "val_loss")
    assert [metric.value for metric in epochs] == [0.8, 0.7]
    assert digest(folder / "artifacts" / "simple_cnn") == digest(tracked / MODEL)
    capsys.readouterr()
    output_without_problems(capsys)
    doctor(fix=True)  # and nothing is logged twice
    assert len(connect().search_runs("tags.role = 'train'")) == 1


def test_outputs_that_are_not_here_are_named(tracked, trained, capsys):
    trained()
    shutil.rmtree(tracked / MODEL)
    out = output_with_problems(capsys)
    assert f"{MODEL} is missing" in out
    with pytest.raises(FakefacesError, match="1 problem"):
        doctor(fix=True)
    assert "dvc pull" in capsys.readouterr().err  # DVC has no cache here


def test_files_of_a_model_that_are_gone_come_back(tracked, trained, capsys):
    trained()
    run, folder = run_and_model_folder(tracked)
    before = digest(folder / "artifacts")
    shutil.rmtree(folder)
    assert "are missing; it is of outputs/models/simple_cnn in dvc.lock" in output_with_problems(capsys)
    doctor(fix=True)
    again, same = run_and_model_folder(tracked)
    assert (again.info.run_id, same) == (run.info.run_id, folder)
    assert digest(folder / "artifacts") == before
    about = yaml.safe_load((folder / "MLmodel").read_text())
    assert about["model_id"] == run.outputs.model_outputs[0].model_id
    assert again.info.status == "FINISHED"
    assert again.info.end_time == run.info.end_time


def test_files_of_a_model_that_nothing_leads_to_are_only_noted(tracked, trained, capsys):
    trained(text="an older network")
    _, folder = run_and_model_folder(tracked)
    trained()
    shutil.rmtree(folder)
    assert "are missing" in output_without_problems(capsys)


def test_a_moved_checkout_finds_its_artifacts(tracked, trained, capsys, monkeypatch, tmp_path):
    if not environment.tracking_uri().startswith("sqlite"):
        pytest.skip("a store of its own does not move with the checkout")
    trained()
    moved = tmp_path / "elsewhere" / "project"
    moved.parent.mkdir()
    tracked.rename(moved)
    monkeypatch.chdir(moved)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # MLflow leaves it in this process
    assert "it was moved" in output_with_problems(capsys)
    doctor(fix=True)
    run, folder = run_and_model_folder(moved)
    assert folder.is_relative_to(moved)
    assert run.info.artifact_uri.startswith((moved / "mlruns").as_uri())
    capsys.readouterr()
    output_without_problems(capsys)


def test_without_fix_nothing_is_written(tracked, trained, capsys, monkeypatch, tmp_path):
    if not environment.tracking_uri().startswith("sqlite"):
        pytest.skip("a store of its own does not move with the checkout")
    model = connect().client.get_run(trained()).outputs.model_outputs[0].model_id
    import mlflow

    mlflow.register_model(f"models:/{model}", "fake-faces")
    tracked.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    before = (tmp_path / "moved" / "mlruns" / "mlflow.db").read_bytes()
    assert "it was moved" in output_with_problems(capsys)
    assert (tmp_path / "moved" / "mlruns" / "mlflow.db").read_bytes() == before


def test_a_copy_that_is_used_without_the_doctor_writes_into_itself(tracked, trained, capsys, monkeypatch, tmp_path):
    if not environment.tracking_uri().startswith("sqlite"):
        pytest.skip("a store of its own does not move with the checkout")
    trained()
    copy = tmp_path / "copy"
    shutil.copytree(tracked, copy)
    monkeypatch.chdir(copy)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    before = digest(tracked / "mlruns" / "artifacts")
    run, folder = run_and_model_folder(copy)
    assert "of the MLflow store, which was moved from" in capsys.readouterr().err
    assert folder.is_relative_to(copy)
    with stage_run("vgg16", role="train") as another:
        another.artifact(copy / "params.yaml")
    assert digest(tracked / "mlruns" / "artifacts") == before
    assert (copy / "mlruns" / "artifacts" / another.id / "artifacts" / "params.yaml").is_file()
    assert run.info.artifact_uri.startswith(copy.as_uri())


def test_a_run_whose_process_is_gone_is_closed(tracked, trained, capsys):
    trained()
    code = """
        import os
        from fakefaces.tracking.runs import stage_run
        with stage_run("vgg16", role="train"):
            os._exit(9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tracked, check=False)
    assert "RUNNING, but their processes have ended: train vgg16" in output_with_problems(capsys)
    doctor(fix=True)
    runs = connect().search_runs("attributes.run_name = 'vgg16'")
    assert [run.info.status for run in runs] == ["KILLED"]


def test_a_run_that_is_under_way_is_left_alone(tracked, trained, capsys):
    trained()
    with stage_run("vgg16", role="train") as run:
        assert "RUNNING" not in output_without_problems(capsys)
        doctor(fix=True)
        assert connect().client.get_run(run.id).info.status == "RUNNING"


def test_a_run_elsewhere_is_left_alone(tracked, trained, capsys):
    store = connect()
    client = store.client
    trained()
    run = client.create_run(store.experiment_id, run_name="far", tags={"role": "train", "host": "another", "pid": "1"})
    assert "RUNNING on another" in output_without_problems(capsys)
    doctor(fix=True)
    assert client.get_run(run.info.run_id).info.status == "RUNNING"


def test_folders_of_no_run_are_noted(tracked, trained, capsys):
    trained()
    _, folder = run_and_model_folder(tracked)
    spare = folder.parents[1] / "m-0123"
    spare.mkdir()
    (spare / "MLmodel").write_text("x" * 2_000_000)
    assert "1 folders below" in (out := output_without_problems(capsys))
    assert "(2.0 MB)" in out


def test_a_version_whose_run_was_deleted_gets_it_back(tracked, trained, capsys):
    run_id = trained()
    client = connect().client
    model = client.get_run(run_id).outputs.model_outputs[0].model_id
    import mlflow

    mlflow.register_model(f"models:/{model}", "fake-faces")
    client.delete_run(run_id)
    out = output_with_problems(capsys)
    assert "version 1: its run was deleted" in out
    doctor(fix=True)
    assert client.get_run(run_id).info.lifecycle_stage == "active"


def test_a_champion_that_this_release_cannot_score_with_is_named(tracked, trained, capsys):
    model = connect().client.get_run(trained()).outputs.model_outputs[0].model_id
    import mlflow

    mlflow.register_model(f"models:/{model}", "fake-faces", tags={GRAPH_TAG: "0" * 64})
    connect().client.set_registered_model_alias("fake-faces", "champion", "1")
    out = output_with_problems(capsys)
    assert "the champion, version 1, scores nothing: " in out and "not an inference graph" in out


def test_packages_that_are_not_those_of_the_lock_file_are_named(tracked, trained, capsys):
    trained()
    (tracked / "uv.lock").write_text('[[package]]\nname = "numpy"\nversion = "1.0"\n')
    assert "(uv.lock: 1.0)" in output_with_problems(capsys)


def test_a_lock_file_with_a_version_for_another_python_too_is_no_difference(tracked, trained, capsys):
    trained()
    entry = '[[package]]\nname = "numpy"\nversion = "{}"\nresolution-markers = ["python_full_version {} \'3.0\'"]\n'
    (tracked / "uv.lock").write_text(entry.format(version("numpy"), ">=") + entry.format("1.0", "<"))
    assert "as in uv.lock" in output_without_problems(capsys)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"this is no database", None])
def test_a_damaged_store_is_put_aside_and_logged_again(tracked, trained, capsys, damage):
    uri = environment.tracking_uri()
    if not uri.startswith("sqlite:///"):
        pytest.skip("the file of a sqlite store")
    trained()
    path = Path(uri.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    path.write_bytes(damage * 100 if damage else whole[:4096] + b"\0" * 8192 + whole[12288:])
    broken = path.read_bytes()
    said = output_with_problems(capsys)
    assert "mlflow.db.damaged1, and create an empty one" in said
    assert path.read_bytes() == broken
    command = [sys.executable, "-m", "fakefaces.cli", "doctor", "--fix"]  # this process has the old file open
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert path.with_name("mlflow.db.damaged1").read_bytes() == broken
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM tags WHERE key = 'relogged'").fetchone()[0] > 0


def test_models_that_were_taken_out_of_the_parameters_are_nothing_to_complain_of(tracked, trained, capsys):
    trained()
    params = yaml.safe_load((tracked / "params.yaml").read_text())
    del params["train"]["models"]["simple_cnn"]
    (tracked / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    shutil.rmtree(tracked / MODEL)
    output_without_problems(capsys)


def test_the_devices_are_named_and_one_that_the_backend_does_not_see(monkeypatch):
    found = Devices("tensorflow", ("NVIDIA H100",), ("float32", "mixed_bfloat16"))
    monkeypatch.setattr(checks, "devices", lambda: found)
    monkeypatch.setattr(checks, "has_accelerator_file", lambda: True)
    result = checks._check_devices()
    assert (
        result.text == "tensorflow trains on NVIDIA H100; precision: float32, mixed_bfloat16" and result.level == "ok"
    )
    found = Devices("tensorflow", (), ("float32",))
    result = checks._check_devices()
    assert "on the processor" in result.text and "does not see" in result.text
    assert result.level == "note" and "--extra gpu" in result.advice

    def broken():
        raise ModelError("Keras' backend jax does not start")

    monkeypatch.setattr(checks, "devices", broken)
    assert checks._check_devices().level == "error"
