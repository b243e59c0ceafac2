"""Retraining in a real clone: git with a bare remote, DVC with a remote, and a pipeline of one quick stage."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.ingest.changes import list_folder
from fakefaces.ingest.conflicts import Conflict, write_conflicts
from fakefaces.ingest.corrections import Correction, write_rows
from fakefaces.ingest.record import track
from fakefaces.ingest.recorded_labels import recorded_labels
from fakefaces.retraining.proposal import Proposal
from fakefaces.retraining.repository import Repository
from fakefaces.retraining.retrain import Plan, retrain
from tests.conftest import ROOT, Project, write_photographs

STAGE = """
import json, pathlib
fakes = sum("training_fake" in path.parts for path in pathlib.Path("data").rglob("*.jpg"))
assert fakes < 30, "too many fakes"
pathlib.Path("reports").mkdir(exist_ok=True)
pathlib.Path("reports/best.json").write_text(json.dumps({"model": "counting", "accuracy": fakes / 100}))
"""
PIPELINE = """
stages:
  report:
    cmd: python stage.py
    deps: [data, stage.py]
    outs:
      - reports/best.json: {cache: false}
  promote:
    cmd: "false"  # a retraining must not reach it
    deps: [reports/best.json]
    outs: [candidate.json]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A clone in which the pipeline has run; its remotes lie beside it."""
    root = tmp_path / "project"
    root.mkdir()
    project = Project(root)
    for name, value in project.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    write_photographs(root / "data", reals=12, fakes=12)
    for name, text in (("dvc.yaml", PIPELINE), ("stage.py", STAGE), ("params.yaml", "seed: 1\n")):
        (root / name).write_text(text)
    shutil.copy(ROOT / ".gitignore", root)
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "init", "-q")
    project.run("dvc", "config", "core.analytics", "false")
    project.run("git", "init", "-q", "--bare", str(tmp_path / "hub.git"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "hub.git"))
    project.run("dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    track(root, "")
    project.run("dvc", "repro", "-q", "report")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "start")
    project.run("git", "push", "-q", "origin", "main")
    return project


def review(root: Path, *labels: tuple[str, str]) -> Path:
    """An exported review of these photographs of data/, each with a label of anna's, and one conflict."""
    folder = root / "reviews"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for image, label in labels:
        shutil.copy(root / "data" / image, folder / "images")
        path = f"images/{Path(image).name}"
        at = "2026-11-20T08:00:00+00:00"
        rows.append({"path": path, "label": label, "reviewers": "anna", "at": at, "sure": "yes"})
    write_rows(folder / "corrections.csv", rows)
    write_conflicts(folder, [Conflict("images/other.jpg", "0" * 64, "other.jpg", "anna: real; ben: fake")])
    return folder


def state(project: Project) -> tuple[str, str, dict[str, str]]:
    """The branch, what git sees as changed, and the photographs."""
    branch = project.run("git", "branch", "--show-current").stdout
    return branch, project.run("git", "status", "--porcelain").stdout, list_folder(project.root / "data")


@pytest.mark.slow
def test_new_labels_are_proposed_once_on_a_branch_of_the_remote(project, capfd):
    before = state(project)
    folder = review(project.root, ("training_real/real_00001.jpg", "fake"), ("training_fake/mid_1_0011.jpg", "fake"))
    retrain(str(folder), project.root, Plan())
    assert state(project) == before
    said = capfd.readouterr().err
    assert "is pushed to origin: open a pull request for it, and let a person decide" in said
    (branch,) = [
        name for name in project.run("git", "branch", "--format=%(refname:short)").stdout.split() if name != "main"
    ]
    assert branch in project.run("git", "ls-remote", "--heads", "origin").stdout
    message = project.run("git", "log", "-1", "--format=%B", branch).stdout
    assert message.startswith("Retrain with 2 reviewed labels\n")
    assert "| anna | 2 |" in message and "nobody has decided: 1" in message and "Nothing is promoted" in message
    assert "`counting` (accuracy 0.120 on test) before, `counting` (accuracy 0.130 on test)" in message
    retrain(str(folder), project.root, Plan())
    assert f"{branch}: these labels were proposed before" in capfd.readouterr().err

    clone = Project(project.root.parent / "clone")  # of a colleague, who has only the two remotes
    project.run("git", "clone", "-q", "-b", branch, str(project.root.parent / "hub.git"), str(clone.root))
    clone.run("dvc", "pull", "-q", "data")
    assert (clone.root / "data" / "training_fake" / "real_00001.jpg").is_file()
    assert json.loads((clone.root / "reports" / "best.json").read_text())["accuracy"] == 0.13
    recorded = recorded_labels(clone.root)
    assert {(row.label, row.reviewers, row.sure) for row in recorded.values()} == {(1, "anna", "yes")}
    assert "promote" not in (clone.root / "dvc.lock").read_text()

    project.run("git", "merge", "-q", branch)  # as a schedule pulls: data/ is still as it was
    retrain(str(folder), project.root, Plan())
    assert "there is nothing to propose" in capfd.readouterr().err
    assert state(project)[2] == list_folder(clone.root / "data") != before[2]
    project.run("git", "reset", "-q", "--hard", "HEAD~1")
    (project.root / "data" / "training_real" / "real_00003.jpg").unlink()
    with pytest.raises(FakefacesError, match="removed: data/training_real/real_00003.jpg"):  # a person's change stays
        retrain(str(folder), project.root, Plan())


@pytest.mark.slow
def test_a_pipeline_that_fails_leaves_everything_as_it_was(project, capfd):
    before = state(project)
    reals = [(f"training_real/real_{k:05d}.jpg", "fake") for k in range(11)]
    write_photographs(project.root / "more", reals=1, fakes=10, size=48)
    rows = [
        (f"../more/training_fake/{path.name}", "fake") for path in (project.root / "more" / "training_fake").iterdir()
    ]
    folder = review(project.root, *reals, *rows)
    with pytest.raises(FakefacesError, match="dvc repro failed"):
        retrain(str(folder), project.root, Plan())
    assert (state(project)[0], state(project)[2]) == (before[0], before[2])
    assert not (project.root / "corrections.csv").exists()
    assert project.run("git", "branch", "--format=%(refname:short)").stdout.split() == ["main"]
    assert project.run("git", "status", "--porcelain", "--untracked-files=no").stdout == ""
    assert project.run("dvc", "status", "-q", "report", check=False).returncode == 0


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name, value in Project(tmp_path).environ().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "data.dvc").write_text("outs: []\n")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return Repository(tmp_path)


def test_changes_of_a_person_are_not_taken_along(repository):
    repository.require_clean()
    (repository.root / "untracked").touch()
    repository.require_clean()
    (repository.root / "data.dvc").write_text("changed\n")
    with pytest.raises(FakefacesError, match=r"uncommitted changes: data\.dvc; commit them"):
        repository.require_clean()


def test_without_a_branch_or_a_change_there_is_nothing_to_propose(repository):
    with pytest.raises(FakefacesError, match="these labels change nothing"):
        repository.commit("nothing")
    repository.git("switch", "-q", "--detach")
    with pytest.raises(FakefacesError, match="no branch is checked out"):
        repository.branch()
    with pytest.raises(FakefacesError, match="git switch: .*"):
        repository.git("switch", "nowhere")


def correction(digest: str, label: int = 1, **said: str) -> Correction:
    return Correction(Path("x.jpg"), label, "", digest, **said)


def test_the_branch_is_named_by_the_labels_in_any_order():
    rows = [correction("a"), correction("b", 0)]
    branch = Proposal(rows, 0).branch
    assert branch == Proposal(rows[::-1], 3).branch != Proposal([correction("a"), correction("b", 1)], 0).branch


def test_names_of_strangers_stay_in_their_cell():
    rows = [correction("a", reviewers="eve | <img> @team", sure="no"), correction("b", 0)]
    body = Proposal(rows, 2).body({}, {"model": "m", "roc_auc": 0.9, "accuracy": None})
    assert "| eve \\| &lt;img> &#64;team | 1 |" in body and "| not recorded | 1 |" in body
    assert "were not sure of: 1" in body and "no model before, `m` (ROC AUC 0.900 on test)" in body
