"""What lies in data/ and DVC cannot keep is named before DVC waits for it, fails or passes over it in silence."""

import os
from pathlib import Path

import pytest

from fakefaces.base.errors import DataError
from fakefaces.ingest import changes, replacing
from fakefaces.ingest.special_files import require_regular_files, special_files
from fakefaces.maintenance.photographs import check_data
from tests.conftest import Project, write_photographs

REASONS = {
    "pipe.jpg": "no regular file",
    "folder": "a link to a folder",
    "circle": "a link to a folder",
    "dangling.jpg": r"a link that leads nowhere \(No such file or directory\)",
    r"caf\\xe9.jpg": "a name that is not UTF-8",
}


@pytest.fixture(scope="module")
def project(make_project, tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp("special") / "project")


def add_special_files(project: Project) -> None:
    folder, elsewhere = project.root / "data" / "training_real", project.root.parent / "elsewhere"
    if not elsewhere.is_dir():
        write_photographs(elsewhere, reals=2, fakes=2)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder").symlink_to(elsewhere)
    (folder / "circle").symlink_to(folder)
    (folder / "dangling.jpg").symlink_to("nowhere")
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")


def test_they_stop_a_stage_an_import_and_an_acceptance_and_restore_moves_them_aside(project):
    add_special_files(project)
    data = project.root / "data"
    assert len(special_files(data)) == 5
    for action in (changes.check, replacing.take_in, replacing.require_accepted):
        with pytest.raises(DataError, match="fakefaces data --restore") as raised:
            action(project.root)
        for name, reason in REASONS.items():
            assert raised.match(f"data/training_real/{name}: {reason}\n")
    (result,) = check_data(project.root)
    assert result.level == "error" and "data/training_real/pipe.jpg: no regular file" in result.text
    replacing.restore(project.root)
    assert not special_files(data)
    aside = project.root / "data.aside" / "training_real"
    assert sorted(os.listdir(os.fsencode(aside))) == sorted(  # noqa: PTH208, a name that is no text
        [b"caf\xe9.jpg", b"circle", b"dangling.jpg", b"folder", b"pipe.jpg"]
    )
    changes.check(project.root)


def test_a_link_to_a_file_may_stay_and_ten_are_named(project):
    folder = project.root / "data" / "training_real"
    (folder / "link.jpg").symlink_to(next(folder.glob("*.jpg")))
    require_regular_files(project.root)
    for k in range(12):
        (folder / f"dangling{k}").symlink_to("nowhere")
    with pytest.raises(DataError, match="dangling7") as raised:
        require_regular_files(project.root)
    assert "dangling8" not in str(raised.value) and "\n  and 2 more\n" in str(raised.value)


@pytest.mark.parametrize(
    "leave", [Path.touch, lambda path: path.symlink_to("nowhere"), Path.mkdir], ids=["file", "link", "folder"]
)
def test_whatever_was_left_in_its_place_an_import_has_room_to_work(tmp_path, leave):
    leave(tmp_path / ".unfinished")
    replacing.recover(tmp_path)
    replacing.workplace(tmp_path).mkdir(parents=True)
