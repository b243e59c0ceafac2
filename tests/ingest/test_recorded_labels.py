"""Corrected labels in git: a colleague's clone makes the same data/."""

import shutil

import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.attributes import read_attributes
from fakefaces.ingest.changes import digest_of, fetch, list_folder
from fakefaces.ingest.collection import sha256
from fakefaces.ingest.corrections import read_corrections
from fakefaces.ingest.record import read_record
from fakefaces.ingest.recorded_labels import corrected, record_file, record_labels, recorded_labels
from tests.conftest import Project, write_photographs


def corrections(folder, *rows: str):
    path = folder / "corrections.csv"
    path.write_text("\n".join(["path,label,p_fake", *rows]) + "\n")
    return path


@pytest.mark.slow
def test_a_clone_without_a_cache_makes_the_corrected_sample(make_project, tmp_path):
    project = make_project(tmp_path / "project")
    data = project.root / "data"
    real, fake = (next((data / name).iterdir()) for name in ("training_real", "training_fake"))
    (project.root / "reviews").mkdir()
    table = corrections(project.root / "reviews", f"{real},fake,0.9", f"{fake},real,0.1")
    said = project.run("fakefaces", "data", str(table)).stderr
    assert "corrections.csv records these labels for other clones: commit it together with data.dvc" in said
    assert str(tmp_path) not in record_file(project.root).read_text()  # no path of this machine
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "corrected")
    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "-q", str(project.root), str(clone.root))
    assert not (clone.root / "data").exists()
    record = read_record(clone.root)
    assert record
    fetch(clone.root, record)
    assert list_folder(clone.root / "data") == list_folder(data)
    assert (clone.root / "data" / "training_fake" / real.name).is_file()
    assert clone.run("git", "status", "--porcelain").stdout == ""
    shutil.rmtree(clone.root / "data")
    record_file(clone.root).unlink()
    with pytest.raises(DataError, match="dvc pull"):
        fetch(clone.root, record)
    assert not (clone.root / ".unfinished" / "fetch").exists() and not (clone.root / "data").exists()


@pytest.fixture
def samples(tmp_path):
    return write_photographs(tmp_path / "samples", reals=3, fakes=3, size=48)


def test_the_record_keeps_the_last_label_of_a_content_and_leaves_the_sample_alone(samples, tmp_path):
    before = digest_of(list_folder(samples))
    image = "training_real/real_00001.jpg"
    for label in ("fake", "real"):
        record_labels(tmp_path, read_corrections(corrections(samples, f"{image},{label},")))
    (samples / "corrections.csv").unlink()
    assert len(record_file(tmp_path).read_text().splitlines()) == 2
    folder = corrected(tmp_path, samples, tmp_path / "new")
    assert digest_of(list_folder(folder)) == before == digest_of(list_folder(samples))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corrections.csv", "new", "samples"]


def test_attributes_are_recorded_too_and_a_clone_makes_the_same_bytes(samples, tmp_path):
    image = "training_real/real_00001.jpg"
    for rows in (
        "path,label,camera\n{},real,A\n",
        "path,label,age\n{},real,30\n",
        "path,label,reviewers,at,sure,age\n{},real,anna,2026-11-02T10:00:00Z,no,31\n",
    ):
        (samples / "corrections.csv").write_text(rows.format(image))
        record_labels(tmp_path, read_corrections(samples / "corrections.csv"))
    (samples / "corrections.csv").unlink()
    folder = corrected(tmp_path, samples, tmp_path / "new")
    digest = sha256(samples / image)
    assert read_attributes(folder) == {digest: {"camera": "A", "age": "31"}}
    assert record_file(tmp_path).read_text() == (
        "sha256,label,image,reviewers,at,sure,age,camera\n"
        f"{digest},real,real_00001.jpg,anna,2026-11-02T10:00:00Z,no,31,A\n"
    )
    assert recorded_labels(tmp_path)[digest].attributes == {"age": "31", "camera": "A"}
    assert not (samples / "attributes.csv").exists()


def test_an_image_from_elsewhere_is_for_dvc_pull(samples, tmp_path):
    other = write_photographs(tmp_path / "other", reals=1, fakes=1, size=56)
    record_labels(tmp_path, read_corrections(corrections(other, "training_real/real_00000.jpg,fake,")))
    assert corrected(tmp_path, samples, tmp_path / "new") is None
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("row", ["abc,fake,x", f"{'0' * 64},doctored,x", f"{'0' * 64}", "../../etc,real,x"])
def test_a_damaged_record_is_one_message_with_its_line(samples, tmp_path, row):
    record_file(tmp_path).write_text(f"sha256,label,image\n{row}\n")
    with pytest.raises(DataError, match="corrections.csv: line 2: .*git checkout corrections.csv"):
        corrected(tmp_path, samples, tmp_path / "new")


@pytest.mark.slow
def test_replaced_photographs_take_their_labels_with_them(make_project, tmp_path):
    project = make_project(tmp_path / "project")
    image = next((project.root / "data" / "training_real").iterdir())
    (project.root / "reviews").mkdir()
    project.run("fakefaces", "data", str(corrections(project.root / "reviews", f"{image},fake,")))
    new = write_photographs(tmp_path / "mine", reals=8, fakes=8, size=64)
    said = project.run("fakefaces", "data", str(new), "--dry-run", "--replace").stderr
    assert record_file(project.root).is_file() and "was removed" not in said
    assert "corrections.csv was removed" in project.run("fakefaces", "data", str(new), "--replace").stderr
    assert not record_file(project.root).exists()
