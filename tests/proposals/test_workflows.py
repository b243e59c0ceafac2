"""The workflows: what they may do, and what their lines do when they are run here, in their order."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, Project
from tests.proposals.projects import write_project

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}
ON = True  # YAML 1.1 reads the key "on" so


def steps(name: str, job: str) -> list[dict]:
    return WORKFLOWS[name]["jobs"][job]["steps"]


@pytest.mark.parametrize("name", ["ci", "comment", "promote", "pull-request", "retrain"])
def test_a_workflow_starts_with_no_right_but_to_read_and_keeps_no_password(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            # What GitHub puts into a line of the shell is executed, so it comes by way of variables.
            assert "${{" not in step.get("run", "")


def test_no_workflow_runs_a_strangers_code_with_rights():
    assert "pull_request_target" not in "".join(path.read_text() for path in FOLDER.glob("*.yaml"))
    assert set(WORKFLOWS["pull-request"][ON]) == {"pull_request"}
    text = (FOLDER / "pull-request.yaml").read_text()
    assert "secrets." not in text
    assert "write" not in re.sub(r"#.*", "", text)
    (job,) = WORKFLOWS["comment"]["jobs"].values()
    assert job["permissions"] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    assert "workflow_run.event == 'pull_request'" in job["if"]
    checkouts = [step for step in job["steps"] if "uses" in step]
    assert [step["uses"].split("@")[0] for step in checkouts] == ["actions/checkout"]
    assert "ref" not in checkouts[0]["with"]  # main


def test_only_a_push_to_main_promotes():
    promoting = [name for name in WORKFLOWS if "make promote" in (FOLDER / f"{name}.yaml").read_text()]
    assert promoting == ["promote"]
    assert WORKFLOWS["promote"][ON] == {"push": {"branches": ["main"]}}
    assert WORKFLOWS["promote"]["concurrency"]["cancel-in-progress"] is False
    job = WORKFLOWS["promote"]["jobs"]["promote"]
    assert job["environment"]
    with_secrets = [step for step in job["steps"] if "secrets." in json.dumps(step)]
    assert [step["run"] for step in with_secrets] == ["make promote"]


DVC_YAML = """
stages:
  report:
    cmd: rm -rf outputs reports && cp -r made/outputs made/reports .
    deps: [made]
    outs:
      - outputs/images.csv
      - outputs/predictions.csv
      - reports/metrics: {cache: false}
"""


@pytest.fixture
def project(tmp_path, small_params):
    """A repository with a DVC remote, whose pipeline has run on main; its results are made up."""
    root = tmp_path / "origin"
    root.mkdir()
    made = Project(root)
    shutil.copy(ROOT / "Makefile", root)
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / ".gitignore").write_text("/outputs/\n/pull_request/\n/.venv/\n/data/\n")
    made.write_params(small_params)
    names = small_params["train"]["models"]
    write_project(root / "made", dict.fromkeys(names, 1.0) | {"forensic": 3.0})
    made.run("git", "init", "-q", "-b", "main")
    made.run("dvc", "init", "-q")
    made.run("dvc", "remote", "add", "-d", "-q", "here", str(tmp_path / "remote"))
    made.run("dvc", "repro", "-q")
    made.run("dvc", "push", "-q")
    made.run("git", "add", "-A")
    made.run("git", "commit", "-qm", "main")
    return made


def clone(project: Project, to: Path) -> Project:
    """What actions/checkout leaves, with the environment that `make setup` would make."""
    subprocess.run(["git", "clone", "-q", str(project.root), str(to)], check=True)
    (to / "src").symlink_to(ROOT / "src")
    (to / ".venv").mkdir()
    (to / ".venv" / ".ready").write_text(f"{to}\n")
    for name in ("pyproject.toml", "uv.lock"):
        (to / name).write_text("")
        os.utime(to / name, (0, 0))
    return Project(to)


@pytest.mark.slow
def test_the_lines_of_a_pull_request_are_run_and_posted(project, small_params, tmp_path):
    project.run("git", "checkout", "-q", "-b", "better")
    shutil.rmtree(project.root / "made")
    write_project(project.root / "made", dict.fromkeys(small_params["train"]["models"], 1.0) | {"forensic": 6.0})
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "a better model, whose pipeline has not run")
    shutil.rmtree(project.root / ".dvc" / "cache")  # the base's results are in the remote alone
    runner = clone(project, tmp_path / "runner")
    environ = {"BASE": "origin/main", "NUMBER": "7", "MAKEFLAGS": " -- RUN= UV=true"}
    for step in steps("pull-request", "report"):
        if "run" in step:
            runner.run("bash", "-e", "-c", step["run"], **environ)
    artifact = runner.root / "pull_request"
    text = (artifact / "comment.md").read_text()
    assert "as if it were the champion" in text
    assert "forensic is champion" in text
    assert (artifact / "number").read_text() == "7\n"
    assert not (runner.root / "mlruns").exists()  # nothing was promoted, and no store was made

    gh, log = tmp_path / "bin" / "gh", tmp_path / "posted"
    gh.parent.mkdir()
    head = runner.run("git", "rev-parse", "HEAD").stdout.strip()
    gh.write_text(
        f"""#!/bin/bash
case "$*" in
  "run download"*) mkdir -p "$9" && cp {artifact}/* "$9" ;;
  *pulls/7) echo '{{"head": {{"sha": "{head}"}}, "state": "open"}}' ;;
  *--paginate*) echo '[[]]' ;;
  *POST*) cat > {log} ;;
esac
"""
    )
    gh.chmod(0o755)
    environ = {"HEAD_SHA": head, "REPOSITORY": "o/r", "RUN_ID": "1", "RUNNER_TEMP": str(tmp_path)}
    environ["PATH"] = f"{gh.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    for step in steps("comment", "comment"):
        if "run" in step:
            subprocess.run(["bash", "-e", "-c", step["run"]], cwd=ROOT, env=os.environ | environ, check=True)
    assert "forensic is champion" in json.loads(log.read_text())["body"]


@pytest.mark.slow
def test_what_cannot_be_compared_is_a_sentence(project, tmp_path):
    runner = clone(project, tmp_path / "runner")
    runner.run("dvc", "pull", "-q")
    done = runner.run("fakefaces", "pr-report", "--base", "nowhere", check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "nowhere: " in done.stderr
    shutil.rmtree(tmp_path / "remote")
    shutil.rmtree(runner.root / ".dvc" / "cache")
    done = runner.run("fakefaces", "pr-report", "--base", "HEAD")
    assert "outputs/predictions.csv cannot be had" in done.stderr
    assert "nothing to compare with" in (runner.root / "pull_request" / "comment.md").read_text()
