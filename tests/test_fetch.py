"""``data/`` under ``dvc repro``: it is brought where it is missing, and nothing in it is lost or overwritten."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import Project

DVC_YAML = """
stages:
  fetch:
    cmd: pipelines/run fetch
    deps: [pipelines/fetch.py]
    outs: [outputs/fetch.txt: {cache: false}]
  split:
    cmd: pipelines/run names
    deps: [data, pipelines/names.py]
    outs: [outputs/names.txt]
"""
NAMES = """
from fakefaces.base.files import write_text
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.photographs import list_photographs


def main(params, layout):
    write_text(layout.root / "outputs" / "names.txt", "\\n".join(list_photographs(layout.data)["image"]))


if __name__ == "__main__":
    run_stage(main, StageParams)
"""


def files(project: Project) -> dict[str, bytes]:
    data = project.root / "data"
    return {path.relative_to(data).as_posix(): path.read_bytes() for path in data.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def origin(make_project, tmp_path_factory) -> Project:
    """A project of two stages, committed after it ran: the one that brings data/, and one that reads it."""
    project = make_project(tmp_path_factory.mktemp("fetch") / "origin")
    (project.root / "dvc.yaml").write_text(DVC_YAML)
    (project.root / "pipelines" / "names.py").write_text(NAMES)
    project.run("dvc", "repro")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "ran")
    return project


@pytest.fixture
def project(origin, tmp_path) -> Project:
    shutil.copytree(origin.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def clone(project: Project, root: Path) -> Project:
    subprocess.run(["git", "clone", "-q", str(project.root), str(root)], check=True)
    return Project(root)


def refused(project: Project, *command: str) -> str:
    done = project.run(*command, check=False)
    assert done.returncode
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_fresh_clone_brings_the_sample_and_leaves_git_clean(origin, tmp_path):
    project = clone(origin, tmp_path / "clone")
    project.run("dvc", "repro")
    assert files(project) == files(origin)
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert "Running stage" not in project.run("dvc", "repro").stdout


def test_data_dvc_holds_no_path_of_a_machine(origin):
    text = (origin.root / "data.dvc").read_text()
    assert str(origin.root.parent) not in text
    content = yaml.safe_load(text)
    assert [dep["path"] for dep in content["deps"]] == ["outputs/fetch.txt", ".dvcignore"]
    assert content["meta"] == {"accepted": content["outs"][0]["md5"], "source": "samples"}


@pytest.mark.parametrize("again", ["repro", pytest.param("exp", marks=pytest.mark.slow)])
def test_what_a_person_puts_into_data_stops_each_stage_and_stays(project, again):
    data = project.root / "data"
    for k in range(9):
        shutil.copy(data / "training_real/real_00000.jpg", data / f"training_real/mine_{k}.jpg")
    (data / "training_real/real_00001.jpg").write_bytes((data / "training_fake/easy_0_1111.jpg").read_bytes())
    (data / "training_fake/easy_4_1111.jpg").unlink()
    (data / "training_fake/mid_1_0011.jpg").unlink()
    edited, results = files(project), (project.root / "outputs/names.txt").read_text()
    command = ["dvc", "repro"] if again == "repro" else ["dvc", "exp", "run"]
    for _ in range(2):  # not only once
        text = refused(project, *command)
        assert "(9 added, 1 changed, 2 removed)" in text
        assert "added: data/training_real/mine_8.jpg" in text
        assert "changed: data/training_real/real_00001.jpg" in text
        assert "and 2 more" in text
        assert "fakefaces data --add" in text and "fakefaces data --restore" in text
        assert files(project) == edited
    project.run("fakefaces", "data", "--add")
    project.run("dvc", "repro")
    assert files(project) == edited
    assert (project.root / "outputs/names.txt").read_text() != results


@pytest.mark.slow
def test_a_single_stage_stops_too(project):
    (project.root / "data/training_real/real_00000.jpg").write_bytes(b"edited")
    (project.root / "outputs/names.txt").unlink()
    assert "changed: data/training_real/real_00000.jpg" in refused(project, "dvc", "repro", "-s", "split")


@pytest.mark.slow
def test_restore_moves_what_is_unknown_aside_and_deletes_nothing(project):
    before, data = files(project), project.root / "data"
    (data / "training_real/mine.jpg").write_bytes(b"mine")
    (data / "training_real/real_00001.jpg").write_bytes(b"edited")
    (data / "training_real/real_00002.jpg").unlink()
    refused(project, "dvc", "repro")
    (data / "training_real/real_00001.jpg").write_bytes(b"edited again")  # which DVC has not seen
    done = project.run("fakefaces", "data", "--restore")
    assert "data.aside" in done.stderr
    assert files(project) == before
    aside = project.root / "data.aside" / "training_real"
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == {
        "mine.jpg": b"mine",
        "real_00001.jpg": b"edited again",
    }
    assert "Running stage" not in project.run("dvc", "repro").stdout
    assert project.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.slow
def test_a_deleted_folder_comes_back_out_of_the_cache(project):
    before = files(project)
    shutil.rmtree(project.root / "data")
    (project.root / "outputs/fetch.txt").unlink()
    shutil.rmtree(project.root / "samples")
    project.run("dvc", "repro")
    assert files(project) == before


@pytest.mark.slow
def test_a_colleague_pulls_what_was_imported_and_needs_no_source(project, tmp_path):
    from tests.conftest import write_photographs

    source = write_photographs(tmp_path / "mine", reals=12, fakes=11)
    project.run("fakefaces", "data", str(source))
    project.run("dvc", "repro")
    shutil.rmtree(source)
    project.run("dvc", "remote", "add", "-d", "shared", str(tmp_path / "remote"))
    project.run("dvc", "push", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "mine")
    assert "Running stage" not in project.run("dvc", "repro").stdout  # the source is gone, and not needed
    colleague = clone(project, tmp_path / "colleague")
    assert "dvc pull" in refused(colleague, "dvc", "repro")
    colleague.run("dvc", "pull", "-q")
    colleague.run("dvc", "repro")
    assert files(colleague) == files(project)
    assert colleague.run("git", "status", "--porcelain").stdout == ""
    assert str(tmp_path / "mine") not in (project.root / "data.dvc").read_text()


@pytest.mark.slow
def test_two_clones_work_where_one_took_photographs_in(project, tmp_path):
    shutil.copy(project.root / "data/training_real/real_00000.jpg", project.root / "data/training_real/mine.jpg")
    project.run("dvc", "add", "data")  # DVC's own way is not a person's word to this project
    assert "added: data/training_real/mine.jpg" in refused(project, "dvc", "repro")
    project.run("fakefaces", "data", "--add")
    project.run("dvc", "repro")


@pytest.mark.slow
def test_an_experiment_in_a_copy_brings_its_own_data(project):
    before = files(project)
    names = project.root / "pipelines" / "names.py"
    names.write_text(f"{NAMES}# edited\n")
    project.run("dvc", "exp", "run", "--temp", "-n", "aside")
    shutil.rmtree(project.root / ".dvc" / "cache")  # so that the sample is copied again
    names.write_text(f"{NAMES}# edited again\n")
    project.run("dvc", "exp", "run", "--temp", "-n", "bare")
    assert files(project) == before
    assert {"aside", "bare"} <= set(project.run("dvc", "exp", "list", "--name-only").stdout.split())
