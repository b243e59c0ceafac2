import http.server
import io
import shutil
import sys
import tarfile
import threading
import zipfile

import pytest
import yaml

from fakefaces.base.errors import DataError
from fakefaces.data.given_splits import read_splits
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest import replacing
from fakefaces.ingest.importing import Options, download_ciplab, import_photographs
from tests.conftest import Project, write_photographs


@pytest.fixture(scope="module")
def start(make_project, tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp("importing") / "project")


@pytest.fixture
def project(start, tmp_path) -> Project:
    shutil.copytree(start.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def data_state(project: Project) -> tuple[str, list[str], list[str]]:
    """Text of data.dvc, the images in data/, and the names beside it."""
    inside = sorted(path.relative_to(project.root).as_posix() for path in (project.root / "data").rglob("*.jpg"))
    return (project.root / "data.dvc").read_text(), inside, sorted(path.name for path in project.root.glob("data*"))


def refused(project: Project, *arguments: str) -> str:
    """The message of an import that fails, which leaves everything as it was."""
    before = data_state(project)
    done = project.run("fakefaces", "data", *arguments, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert data_state(project) == before
    assert not (project.root / ".unfinished" / "import").exists()
    return done.stderr


def test_a_folder_is_copied_and_tracked(project, tmp_path):
    source = write_photographs(tmp_path / "mine", reals=12, fakes=11)
    done = project.run("fakefaces", "data", str(source))
    assert "12 real and 11 fake images" in done.stderr
    assert "the sample of drawn faces, which these replace" in done.stderr
    text, inside, beside = data_state(project)
    content = yaml.safe_load(text)
    assert content["outs"][0]["path"] == "data"
    assert content["meta"] == {"accepted": content["outs"][0]["md5"]}
    assert str(source) not in text
    assert len(inside) == 23
    assert beside == ["data", "data.dvc"]
    shutil.rmtree(source)
    assert "didn't change" in project.run("dvc", "repro", "data.dvc").stdout


@pytest.mark.slow
def test_replace_or_add_is_said(project, tmp_path):
    first = write_photographs(tmp_path / "first", reals=12, fakes=11)
    second = write_photographs(tmp_path / "second", reals=5, fakes=6, size=48)
    project.run("fakefaces", "data", str(first))
    message = refused(project, str(second))
    assert "12 real and 11 fake" in message and "--replace" in message and "--add" in message
    shown = project.run("fakefaces", "data", str(second), "--add", "--dry-run").stderr
    assert "11 added, 0 changed, 0 removed" in shown and "nothing was changed" in shown
    assert len(data_state(project)[1]) == 23
    project.run("fakefaces", "data", str(second), "--add")
    faces = list_photographs(project.root / "data")
    assert (faces["label"] == 0).sum() == 17
    assert (faces["label"] == 1).sum() == 17
    project.run("fakefaces", "data", str(second), "--replace")
    assert len(data_state(project)[1]) == 11


@pytest.mark.slow
def test_update_fetches_the_source_again_and_says_what_changes(project, tmp_path):
    source = write_photographs(tmp_path / "mine", reals=12, fakes=11)
    project.run("fakefaces", "data", str(source))
    shutil.copy(source / "training_real/real_00000.jpg", tmp_path / "kept.jpg")
    (source / "training_real/real_00000.jpg").unlink()
    (source / "training_real/real_00001.jpg").write_bytes(
        (project.root / "samples/training_real/real_00020.jpg").read_bytes()
    )
    shutil.copy(project.root / "samples/training_real/real_00030.jpg", source / "training_real/new.jpg")
    shown = project.run("fakefaces", "data", "--update", "--dry-run").stderr
    assert "1 added, 1 changed, 1 removed" in shown
    assert "removed: data/training_real/real_00000.jpg" in shown
    assert (project.root / "data/training_real/real_00000.jpg").exists()
    project.run("fakefaces", "data", "--update")
    assert not (project.root / "data/training_real/real_00000.jpg").exists()
    (project.root / ".dvc/tmp/source.json").unlink()  # another machine
    assert "data SOURCE --update" in refused(project, "--update")
    (project.root / "data/training_real/mine.jpg").write_bytes((tmp_path / "kept.jpg").read_bytes())
    assert "added: data/training_real/mine.jpg" in refused(project, str(source), "--update")


@pytest.mark.slow
def test_a_folder_of_the_project_is_named_relative_to_it(project):
    project.run("fakefaces", "data", "samples")
    assert yaml.safe_load(data_state(project)[0])["meta"]["source"] == "samples"


def test_a_failed_import_leaves_data_unchanged_and_the_next_one_works(project, tmp_path):
    one_class = write_photographs(tmp_path / "one_class")
    for path in (one_class / "training_fake").iterdir():
        path.unlink()
    for source, message in (
        (str(tmp_path / "nowhere"), "no such folder"),
        (str(one_class), "both classes"),
        ("https://127.0.0.1:9/faces", "cannot be fetched"),
        ("nonsense://faces", "dvc get-url"),
    ):
        assert message in refused(project, source), source
    for name in ("data.new", "data.new.dvc", "data.old"):  # which an earlier release left
        (project.root / name).write_text("left over")
    place = project.root / ".unfinished" / "import"
    place.parent.mkdir(exist_ok=True)
    place.write_text("no folder")
    project.run("fakefaces", "data", str(write_photographs(tmp_path / "mine", reals=4, fakes=4)))
    assert data_state(project)[2] == ["data", "data.dvc"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["moved away", "put into place"])
def test_an_import_killed_while_it_replaces_is_undone(project, tmp_path, moment):
    before, place = data_state(project), project.root / ".unfinished" / "import"
    place.mkdir(parents=True)
    shutil.copy(project.root / "data.dvc", place / "previous.txt")
    (project.root / "data").rename(place / "previous")
    if moment == "put into place":
        write_photographs(project.root / "data", reals=2, fakes=2)
        (project.root / "data.dvc").write_text("outs:\n- path: data\n")
    project.run("fakefaces", "data", "--restore")
    assert data_state(project)[:2] == before[:2]
    assert (project.root / "data.aside").exists() == (moment == "put into place")


@pytest.mark.slow
def test_the_same_names_with_other_contents_are_all_imported(project, tmp_path):
    source = tmp_path / "cameras"
    for k, size in enumerate((48, 56, 64)):
        write_photographs(source / f"camera_{k}", reals=40, fakes=40, size=size)
    shutil.copytree(source / "camera_0", source / "copy_of_0")
    done = project.run("fakefaces", "data", str(source))
    assert "160 real and 160 fake images" in done.stderr
    assert "80 images are copies of others" in done.stderr
    assert "160 images have the name of another one" in done.stderr
    faces = list_photographs(project.root / "data")
    assert len(faces) == 240
    assert (faces.loc[faces["label"] == 1, "difficulty"] != "").all()  # the names still tell
    names = data_state(project)[1]
    project.run("fakefaces", "data", str(source), "--replace")
    assert data_state(project)[1] == names  # the same at any time


def test_one_content_with_two_labels_is_refused(project, tmp_path):
    source = write_photographs(tmp_path / "mine", reals=4, fakes=4)
    shutil.copy(source / "training_real/real_00001.jpg", source / "training_fake/mid_9_0011.jpg")
    message = refused(project, str(source))
    assert "training_real/real_00001.jpg" in message and "mid_9_0011.jpg" in message


def archive_of(folder, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for image in folder.rglob("*.jpg"):
                file.write(image, image.relative_to(folder.parent))
            file.writestr("__MACOSX/mine/training_real/._real_00000.jpg", b"litter")
    else:
        with tarfile.open(path, "w:gz") as file:
            file.add(folder, folder.name)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["faces.zip", "faces.tar.gz"])
def test_an_archive_is_taken_also_by_http(project, tmp_path, name):
    archive = archive_of(write_photographs(tmp_path / "mine", reals=4, fakes=5), tmp_path / name)
    project.run("fakefaces", "data", str(archive))
    assert len(data_state(project)[1]) == 9
    folder = tmp_path

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        project.run("fakefaces", "data", f"{address}/{name}", "--replace")
        assert yaml.safe_load(data_state(project)[0])["meta"]["source"] == f"{address}/{name}"
        assert "no archive" in refused(project, f"{address}/mine/training_real/real_00000.jpg", "--replace")
        assert "404" in refused(project, f"{address}/absent.zip", "--replace")
        server.shutdown()
    assert len(data_state(project)[1]) == 9


@pytest.mark.parametrize("member", ["../outside.jpg", "/outside.jpg", "a/../../outside.jpg", "C:\\outside.jpg"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_no_path_of_an_archive_leads_outside(tmp_path, member, suffix):
    from fakefaces.ingest.archives import unpack

    path = tmp_path / f"evil{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr(member, b"x")
    else:
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo(member)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(DataError, match="outside"):
        unpack(path, tmp_path / "deep" / "target")
    assert not list(tmp_path.rglob("outside.jpg"))


def test_links_of_an_archive_and_large_files_are_left_out(tmp_path, monkeypatch, capsys):
    from fakefaces.ingest import archives

    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, size in (("large.jpg", 1001), ("small.jpg", 1000)):
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(bytes(size)))
    archives.unpack(path, tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["small.jpg"]
    assert "large.jpg: more than 1,000 bytes" in capsys.readouterr().err


def test_an_archive_that_is_too_large_or_broken_is_refused(tmp_path, monkeypatch):
    from fakefaces.ingest import archives

    path = tmp_path / "zeros.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for k in range(5):
            zipped.writestr(f"{k}.jpg", bytes(10_000))
    (tmp_path / "broken.zip").write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="broken.zip: not a whole archive"):
        archives.unpack(tmp_path / "broken.zip", tmp_path / "one")
    monkeypatch.setattr(archives, "MAX_BYTES", 25_000)
    with pytest.raises(DataError, match="no room"):
        archives.unpack(path, tmp_path / "two")
    monkeypatch.setattr(archives, "MAX_FILES", 4)
    with pytest.raises(DataError, match="more than 4 files"):
        archives.unpack(path, tmp_path / "three")


@pytest.mark.slow
def test_splits_of_folders_are_kept_where_that_is_wanted(project, tmp_path):
    source = tmp_path / "split"
    for k, (split, count) in enumerate((("train", 12), ("valid", 5), ("test", 4))):
        write_photographs(source / split, reals=count, fakes=count, size=48 + 8 * k)
        (source / split / "training_real").rename(source / split / "real")
        (source / split / "training_fake").rename(source / split / "fake")
    done = project.run("fakefaces", "data", str(source))
    assert "24 train, 10 validation, 8 test" in done.stderr and "--keep-splits" in done.stderr
    assert read_splits(project.root / "data") == {}
    project.run("fakefaces", "data", str(source), "--replace", "--keep-splits")
    kept = read_splits(project.root / "data")
    assert sorted(kept.values()) == ["test"] * 8 + ["train"] * 24 + ["validation"] * 10


def test_labelled_images_are_added_to_those_in_data(project, tmp_path):
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
    (reviews / "corrections.csv").write_text("path,label\nimages/a.jpg,real\n")
    project.run("fakefaces", "data", "reviews/corrections.csv")  # the label is changed again
    assert "data/training_real/a.jpg" in data_state(project)[1]
    assert "data/training_fake/a.jpg" not in data_state(project)[1]


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


def test_a_set_is_merged_by_content_without_dvc(tmp_path, monkeypatch, capsys):
    """The same names in three folders, and a split folder, from source to data/ in this process."""
    tracked = []
    monkeypatch.setattr(replacing, "track", lambda root, source: tracked.append(source))
    monkeypatch.setattr(replacing, "remember", lambda root: None)
    root, source = tmp_path / "project", tmp_path / "cameras"
    root.mkdir()
    for name, size in (("train", 48), ("val", 56), ("test", 64)):
        write_photographs(source / name, reals=4, fakes=4, size=size)
    shutil.copytree(source / "train" / "training_real", source / "test" / "training_real" / "copies")
    import_photographs(str(source), root, Options(keep_splits=True))
    assert len(list_photographs(root / "data")) == 24
    assert tracked == [str(source)]
    kept = list(read_splits(root / "data").values())
    assert {name: kept.count(name) for name in kept} == {"train": 4, "validation": 8, "test": 12}  # no copy trains
    assert "4 images are in several splits" in capsys.readouterr().err
    assert not (root / ".unfinished" / "import").exists()
