"""User errors end in one message and an exit code, and leave no partial output."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from fakefaces.base import environment, stage
from fakefaces.base.errors import FakefacesError, TrackingError
from fakefaces.base.files import atomic_write
from fakefaces.base.paths import Layout
from fakefaces.base.stage import error_boundary


def test_a_user_error_is_one_line(capfd):
    def main():
        raise FakefacesError("data/a.jpg: what, and what to do")

    assert error_boundary(main) == 1
    assert capfd.readouterr().err == "ERROR data/a.jpg: what, and what to do\n"


def test_a_full_disk_leaves_nothing_behind(tmp_path, capfd):
    target = tmp_path / "features" / "pixels"

    def main():
        with atomic_write(target) as aside:
            aside.mkdir()
            np.save(aside / "arrays.npy", np.zeros(1000))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(aside / "arrays.npy"))

    assert error_boundary(main) == 1
    assert "No space left on device" in capfd.readouterr().err
    assert list(target.parent.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_signal_exits_with_128_plus_its_number():
    def terminated():
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as error:
            error_boundary(terminated)
        assert error.value.code == 143
        assert error_boundary(lambda: None) == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        error_boundary(lambda: 1 / 0)


def test_an_interrupt_tells_how_to_resume(capfd):
    def main():
        raise KeyboardInterrupt

    assert error_boundary(main) == 130
    assert "to resume" in capfd.readouterr().err


def test_a_run_id_left_in_the_shell_does_not_collect_the_runs_of_a_stage(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123")
    assert error_boundary(lambda: None) == 0
    assert "MLFLOW_RUN_ID" not in os.environ


STAGES = ("split", "validate", "augment", "evaluate")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_without_its_inputs_names_the_file(workspace, stage):
    root = Path(__file__).parents[1]
    (workspace / "data").rename(workspace / "elsewhere")
    done = subprocess.run(
        [sys.executable, str(root / "pipelines" / f"{stage}.py")],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("ERROR ")
    assert ("data" in done.stderr) or ("outputs" in done.stderr)


def test_an_experiment_in_a_copy_uses_the_code_of_the_copy(workspace):
    root = Path(__file__).parents[1]
    shutil.copytree(root / "src", workspace / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (workspace / "src" / "fakefaces" / "mark.py").write_text("MARK = 'the copy'\n")
    (workspace / "pipelines").mkdir()
    script = workspace / "pipelines" / "marked.py"
    script.write_text(
        "from fakefaces.base.schema import StageParams\n"
        "from fakefaces.base.stage import run_stage\n"
        "def main(params, layout, word):\n"
        "    from fakefaces import mark\n"
        "    print(mark.MARK, word)\n"
        "if __name__ == '__main__':\n"
        "    run_stage(main, StageParams)\n"
    )
    done = subprocess.run(
        [sys.executable, "pipelines/marked.py", "word"],
        cwd=workspace,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("the copy word\n", 0), done.stderr


def run_split(workspace: Path) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).parents[1] / "pipelines" / "split.py"
    return subprocess.run([sys.executable, script], cwd=workspace, capture_output=True, text=True, check=False)


def test_no_stage_starts_while_another_section_is_faulty(workspace):
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params["train"]["models"]["simple_cnn"] |= {"kind": "simple_cn", "settings": {"units": 0}}
    params["tune"]["features"] = "pixles"
    (workspace / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (workspace / ".dvc").mkdir()
    done = run_split(workspace)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR params.yaml: 'train.models.simple_cnn.kind': no kind 'simple_cn'; known: ")
    assert "'tune.features': no feature set 'pixles'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / ".dvc" / "tmp").exists()


def test_parameters_are_checked_once_for_each_content(workspace, monkeypatch):
    checks = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        checks.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(stage.subprocess, "run", run)
    (workspace / ".dvc").mkdir()
    for _ in range(2):
        stage._check_params(workspace)
    assert len(checks) == 1
    with (workspace / "params.yaml").open("a") as file:
        file.write("# a comment\n")
    for _ in range(2):
        stage._check_params(workspace)
    assert len(checks) == 2


def test_outside_of_a_project_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    with pytest.raises(FakefacesError, match="not inside a fakefaces project"):
        environment.workspace()


def test_the_store_is_in_the_project_not_in_the_working_directory(workspace, monkeypatch):
    below = workspace / "data" / "training_real"
    monkeypatch.chdir(below)
    assert environment.tracking_uri() == f"sqlite:///{workspace / 'mlruns' / 'mlflow.db'}"
    monkeypatch.setenv("DVC_ROOT", "/the/project")  # a queued experiment, in a copy elsewhere
    assert environment.tracking_uri() == "sqlite:////the/project/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert environment.tracking_uri() == "http://127.0.0.1:5000"
    assert environment.artifacts_root() is None


def test_a_broken_store_is_one_message(workspace, monkeypatch):
    from fakefaces.tracking.store import connect

    layout = Layout(workspace)
    (layout.root / "mlruns").mkdir()
    (layout.root / "mlruns" / "mlflow.db").write_text("this is no database")
    with pytest.raises(TrackingError, match="not a database; restore the file"):
        connect()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("NO_ALBUMENTATIONS_UPDATE", "1"),
        ("GX_ANALYTICS_ENABLED", "false"),
        ("DVC_NO_ANALYTICS", "true"),
    ],
)
def test_importing_the_package_turns_telemetry_off(name, value):
    clean = {k: v for k, v in os.environ.items() if k != name}
    code = f"import os, fakefaces; print(os.environ[{name!r}])"
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == value
