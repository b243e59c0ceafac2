"""pipelines/run starts stages by the project's own environment, under real DVC."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Project


def without_environment(project: Project, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command where nothing is activated: the PATH has the system's programs only, without ``python``."""
    bare = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(project.root.parent)} | env
    return subprocess.run(command, cwd=project.root, env=bare, capture_output=True, text=True, check=False)


def make_stage(root: Path) -> Project:
    """A folder with pipelines/run and one stage, which says by what it was started."""
    (root / "pipelines").mkdir(parents=True)
    (root / "pipelines" / "run").write_bytes((ROOT / "pipelines" / "run").read_bytes())
    (root / "pipelines" / "which.py").write_text("import os, sys; print(sys.executable, os.environ['PYTHONPATH'])\n")
    return Project(root)


def make_environment(folder: Path) -> Path:
    """An environment that has this one's packages; returns its Python."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nPYTHONEXECUTABLE= exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def test_a_stage_starts_by_the_projects_environment_or_that_of_the_project_that_copied_it(tmp_path):
    project, other = make_stage(tmp_path / "project"), make_stage(tmp_path / "other")
    make_environment(project.root / ".venv")
    for where, env in ((project, {}), (other, {"DVC_ROOT": str(project.root)})):
        done = without_environment(where, "sh", "pipelines/run", "which", **env)
        assert done.stdout == f"{sys.executable} {where.root / 'src'}\n", done.stderr


def test_without_any_environment_the_message_says_how_to_make_one(tmp_path):
    project = make_stage(tmp_path / "project")
    (tmp_path / "bin").mkdir()
    done = without_environment(project, "/bin/sh", "pipelines/run", "which", PATH=str(tmp_path / "bin"))
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR neither .venv nor the PATH has a Python with this project's packages")
    assert "make setup" in done.stderr


@pytest.mark.slow
def test_dvc_reproduces_without_an_activated_environment_and_a_failing_stage_deletes_nothing(make_project, tmp_path):
    project = make_project(tmp_path / "project")
    (project.root / ".venv").symlink_to(sys.prefix)
    done = without_environment(project, ".venv/bin/dvc", "repro", "split")
    assert done.returncode == 0, done.stderr
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "results")
    report = project.root / "reports" / "duplicate_pairs.csv"
    before = report.read_bytes()
    params = project.params()
    params["duplicates"]["min_inliers"] = -1
    project.write_params(params)
    done = without_environment(project, ".venv/bin/dvc", "repro", "split")
    assert done.returncode != 0
    assert "ERROR params.yaml: 'duplicates.min_inliers'" in done.stderr
    assert report.read_bytes() == before
    assert project.run("git", "status", "--porcelain").stdout == " M params.yaml\n"
