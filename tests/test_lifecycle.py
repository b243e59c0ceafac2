"""What happens to runs when stages are cached, killed, copied, and shared: on the whole pipeline, as a user runs it."""

import json
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
import pytest
import yaml

from tests.conftest import Project

pytestmark = pytest.mark.slow

MODEL = "outputs/models/simple_cnn"


def change(project: Project, **values: object) -> None:
    """Set parameters, named as ``train__fit__learning_rate``."""
    params = project.params()
    for name, value in values.items():
        *path, last = name.split("__")
        section = params
        for key in path:
            section = section[key]
        section[last] = value
    project.write_params(params)


def locked(project: Project, stage: str) -> dict[str, str]:
    stages = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return {out["path"]: out["md5"] for out in stages[stage]["outs"]}


def rows(project: Project, *options: str, **env: str) -> list[dict]:
    lines = project.run("fakefaces", "runs", "--json", "--limit", "1000", *options, **env).stdout.splitlines()
    return [json.loads(line) for line in lines]


def killed_at(project: Project, script: str, seen: Callable[[], bool], *, with_dvc: bool, target: str) -> None:
    """Start ``dvc repro``, kill a stage's process outright once it has left something, and wait for the end."""
    with (project.root.parent / "killed.log").open("w") as log:
        dvc = subprocess.Popen(
            ["dvc", "repro", "--single-item", target], cwd=project.root, env=project.environ(), stdout=log, stderr=log
        )
        parent, end = psutil.Process(dvc.pid), time.monotonic() + 300
        while not seen():
            assert dvc.poll() is None, (project.root.parent / "killed.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.005)
        children = parent.children(recursive=True)
        stage = [child for child in children if any(script in part for part in child.cmdline())]
        for process in ([parent] if with_dvc else []) + stage:
            process.send_signal(signal.SIGKILL)
        assert dvc.wait() != 0


def test_there_and_back_leads_to_the_first_run(copied):
    project = copied("project")
    (before,) = rows(project, "--where", "model = simple_cnn")
    rate = project.params()["train"]["fit"]["learning_rate"]
    change(project, train__fit__learning_rate=0.003)
    project.run("dvc", "repro", "--single-item", "train@simple_cnn")
    assert locked(project, "train@simple_cnn")[MODEL] != before[f"made.{MODEL}"]
    change(project, train__fit__learning_rate=rate)
    done = project.run("dvc", "repro", "--single-item", "train@simple_cnn")
    assert "Running stage" not in done.stdout  # it comes from the run cache
    assert locked(project, "train@simple_cnn")[MODEL] == before[f"made.{MODEL}"]
    after = rows(project, "--where", "model = simple_cnn")
    assert len(after) == 2
    reproduction = project.run("fakefaces", "reproduce", before["run"]).stdout
    assert "Its outputs are those of the present dvc.lock" in reproduction
    # made again bit for bit, the result still leads to its first run
    project.run("dvc", "repro", "--force", "--single-item", "train@simple_cnn")
    assert rows(project, "--where", "model = simple_cnn") == after
    again = rows(project, "--where", "model = simple_cnn", "--repeats")
    assert [row["repeats"] for row in again if "repeats" in row] == [before["run"]]


def test_a_training_killed_outright_goes_on_to_the_same_bytes(copied):
    killed, undisturbed = copied("killed"), copied("undisturbed")
    for project in (killed, undisturbed):
        change(project, train__fit__learning_rate=0.003, train__fit__epochs=4, train__fit__patience=4)
    left = killed.root / ".unfinished" / "train" / "simple_cnn"
    killed_at(
        killed,
        "pipelines/train.py",
        lambda: any(left.glob("*/state.json")),
        with_dvc=False,
        target="train@simple_cnn",
    )
    (checkpoint,) = left.glob("*/state.json")
    done = len(json.loads(checkpoint.read_text())["history"])
    assert 1 <= done < 4
    killed.run("dvc", "repro", "--single-item", "train@simple_cnn")
    undisturbed.run("dvc", "repro", "--single-item", "train@simple_cnn")
    assert locked(killed, "train@simple_cnn") == locked(undisturbed, "train@simple_cnn")
    statuses = [row["status"] for row in rows(killed, "--where", "model = simple_cnn")]
    assert statuses == ["FINISHED", "KILLED", "FINISHED"]
    assert not left.exists()


def test_a_study_killed_with_its_dvc_goes_on_to_the_same_bytes(copied):
    killed, undisturbed = copied("killed"), copied("undisturbed")
    for project in (killed, undisturbed):
        change(project, tune__trials=3, tune__epochs=2)
    left = killed.root / ".unfinished" / "tune" / "trials"

    def second_trial_is_under_way() -> bool:
        return len(list(left.glob("*/state.json"))) > 1

    killed_at(killed, "pipelines/tune.py", second_trial_is_under_way, with_dvc=True, target="tune")
    killed.run("dvc", "repro", "tune")
    undisturbed.run("dvc", "repro", "tune")
    assert locked(killed, "tune") == locked(undisturbed, "tune")
    study, dead, _ = rows(killed, "--role", "tune")
    assert (study["status"], dead["status"]) == ("FINISHED", "KILLED")
    trials = rows(killed, "--role", "trial", "--where", f"study = {study['study']}")
    finished = [row["model"] for row in trials if row["status"] == "FINISHED"]
    assert sorted(finished) == ["trial 0", "trial 1", "trial 2"]  # none is lost, none is run twice
    assert all(row["status"] in ("FINISHED", "KILLED") for row in trials)


def test_workers_share_the_study_of_the_stage(copied, tmp_path):
    project = copied("project")
    change(project, tune__trials=4)
    shared = {"OPTUNA_STORAGE": f"sqlite:///{tmp_path / 'studies' / 'study.db'}"}
    commands = (["fakefaces", "tune", "--worker"], ["dvc", "repro", "tune"])  # the worker need not come second
    started = [
        subprocess.Popen(
            command, cwd=project.root, env=project.environ(**shared), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for command in commands
    ]
    outputs = [process.communicate()[0].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    assert "the study is complete: 4 trials" in outputs[0]
    study = rows(project, "--role", "tune")[0]
    assert study["trials"] == 4
    trials = rows(project, "--role", "trial", "--where", f"study = {study['study']}")
    assert sorted(row["model"] for row in trials) == [f"trial {k}" for k in range(4)]
    assert {row["status"] for row in trials} == {"FINISHED"}
    code = (
        "from fakefaces.tracking.store import connect; found = connect().search_runs("
        f"\"tags.study = '{study['study']}' and tags.role = 'trial'\"); "
        "print({run.data.tags['mlflow.parentRunId'] for run in found})"
    )
    assert project.run("python", "-c", code).stdout.split()[-1] == f"{{'{study['run']}'}}"


def test_two_clones_share_one_store(copied, tmp_path):
    one, other = copied("one"), copied("other")
    shared = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'shared' / 'mlflow.db'}"}
    assert one.run("fakefaces", "doctor", check=False, **shared).returncode == 1  # nothing is in it yet
    one.run("fakefaces", "doctor", "--fix", **shared)
    first = {row["run"] for row in rows(one, **shared)}
    assert len(first) == 4
    assert "no problems" in other.run("fakefaces", "doctor", **shared).stdout  # the same bytes, the same runs
    change(one, evaluate__n_resamples=300)
    change(other, evaluate__n_resamples=310)
    started = [
        subprocess.Popen(
            ["dvc", "repro", "evaluate"],
            cwd=project.root,
            env=project.environ(**shared),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for project in (one, other)
    ]
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    assert {row["run"] for row in rows(other, **shared)} == first
    assert len(rows(other, "--role", "evaluate", **shared)) == 12
    folder = tmp_path / "shared" / "artifacts"
    assert len([path for path in folder.iterdir() if path.name != "models"]) >= 12  # beside the database, for both


def test_experiments_arrive_in_the_store_of_the_project(copied):
    project = copied("project")
    before = {row["run"] for row in rows(project, "--role", "evaluate")}

    def arrived(name: str) -> list[dict]:
        return rows(project, "--role", "evaluate", "--where", f"experiment = {name}")

    project.run("dvc", "exp", "run", "-n", "here", "-S", "evaluate.n_resamples=300")
    assert {row["model"] for row in arrived("here")} == {"simple_cnn", "mobilenet", "custom_cnn_tuned", "forensic"}
    changed = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    assert changed["params.yaml"]["evaluate.n_resamples"] == {"old": 200, "new": 300, "diff": 100}
    assert (
        json.loads(project.run("dvc", "metrics", "diff", "--json").stdout) == {}
    )  # the same values, by more resamples
    project.run("dvc", "plots", "diff", "HEAD", "-o", "outputs/plots")
    assert "ROC curves on test" in (project.root / "outputs" / "plots" / "index.html").read_text()

    project.run("git", "checkout", "-q", "--", "params.yaml", "dvc.lock", "reports")
    project.run("dvc", "checkout", "-q")
    lock = (project.root / "dvc.lock").read_bytes()
    project.run("dvc", "exp", "run", "--temp", "-n", "aside", "-S", "evaluate.n_resamples=310")
    assert len(arrived("aside")) == 4
    project.run("dvc", "exp", "run", "--queue", "-n", "queued", "-S", "evaluate.n_resamples=320")
    assert arrived("queued") == []
    project.run("dvc", "exp", "run", "--run-all")
    assert len(arrived("queued")) == 4
    assert (project.root / "dvc.lock").read_bytes() == lock  # neither touched the workspace

    shown = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    text = json.dumps(shown)
    assert all(name in text for name in ("here", "aside", "queued"))
    assert before <= {row["run"] for row in rows(project, "--role", "evaluate")}
