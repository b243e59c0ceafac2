import sys

import pytest
import yaml

from fakefaces.base.errors import DataError
from fakefaces.ingest.importing import download_ciplab
from tests.conftest import Project, write_photographs


@pytest.fixture(scope="module")
def project(make_project, tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp("importing") / "project")


def data_state(project: Project) -> tuple[str, list[str], list[str]]:
    """Text of data.dvc, the images in data/, and the names beside it."""
    inside = sorted(path.relative_to(project.root).as_posix() for path in (project.root / "data").rglob("*.jpg"))
    return (project.root / "data.dvc").read_text(), inside, sorted(path.name for path in project.root.glob("data*"))


def test_a_folder_becomes_an_unfrozen_import(project, tmp_path):
    project.run("dvc", "update", "data.dvc")
    source = write_photographs(tmp_path / "mine", reals=12, fakes=11)
    done = project.run("fakefaces", "data", str(source))
    assert "12 real and 11 fake images" in done.stderr
    text, inside, beside = data_state(project)
    stage = yaml.safe_load(text)
    assert "frozen" not in stage
    assert stage["deps"][0]["path"] == str(source)
    assert stage["outs"][0]["path"] == "data"
    assert len(inside) == 23
    assert beside == ["data", "data.dvc"]
    (source / "training_real" / "real_99999.jpg").write_bytes((source / "training_real/real_00000.jpg").read_bytes())
    project.run("dvc", "repro", "data.dvc")  # what is added at the source is fetched
    assert len(data_state(project)[1]) == 24


def test_a_folder_of_the_project_is_named_relative_to_it(project):
    project.run("fakefaces", "data", "samples")
    assert yaml.safe_load(data_state(project)[0])["deps"][0]["path"] == "samples"


def test_a_failed_import_leaves_data_unchanged(project, tmp_path):
    project.run("dvc", "update", "data.dvc")
    before = data_state(project)
    one_class = write_photographs(tmp_path / "one_class")
    for path in (one_class / "training_fake").iterdir():
        path.unlink()
    for source, message in (
        (str(tmp_path / "nowhere"), "no such folder"),
        (str(one_class), "both classes"),
        ("https://127.0.0.1:9/faces", "dvc import-url"),
        ("nonsense://faces", "dvc import-url"),
    ):
        done = project.run("fakefaces", "data", source, check=False)
        assert done.returncode == 1, source
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert data_state(project) == before


def test_without_kagglehub_or_a_network_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError, match="uv sync --extra kaggle"):
        download_ciplab()

    class Offline:
        @staticmethod
        def dataset_download(name):
            raise OSError("Max retries exceeded with url: /api/v1/datasets")

    monkeypatch.setitem(sys.modules, "kagglehub", Offline)
    with pytest.raises(DataError, match="Is there a network.*fakefaces data FOLDER"):
        download_ciplab()


def test_labelled_images_are_added_to_those_in_data(project, tmp_path):
    project.run("dvc", "update", "data.dvc")
    before = data_state(project)[1]
    reviews = project.root / "reviews"
    (reviews / "images").mkdir(parents=True)
    source = write_photographs(tmp_path / "new", reals=1, fakes=1, size=56)
    for name, path in (("a.jpg", "training_real/real_00000.jpg"), ("b.jpg", "training_fake/easy_0_1111.jpg")):
        (reviews / "images" / name).write_bytes((source / path).read_bytes())
    (reviews / "corrections.csv").write_text("path,label\nimages/a.jpg,fake\nimages/b.jpg,real\n")
    done = project.run("fakefaces", "data", "reviews/corrections.csv")
    assert "1 images labelled real and 1 labelled fake" in done.stderr
    added = ["data/training_fake/a.jpg", "data/training_real/b.jpg"]
    assert data_state(project)[1] == sorted([*before, *added])
    assert yaml.safe_load(data_state(project)[0])["deps"][0]["path"] == "reviews/corrections-set"
    (reviews / "corrections.csv").write_text("path,label\nimages/a.jpg,real\n")
    project.run("fakefaces", "data", "reviews/corrections.csv")  # the label is changed again
    assert "data/training_real/a.jpg" in data_state(project)[1]
    assert "data/training_fake/a.jpg" not in data_state(project)[1]
