"""Names of folders and files stand in messages on one line, whatever bytes they hold."""

import os
import shutil

import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest.archives import unpack
from fakefaces.ingest.changes import Changes
from fakefaces.ingest.collection import Collection
from fakefaces.ingest.layouts import read_class_folders, read_folder
from fakefaces.ingest.sources import local_copy
from fakefaces.ingest.tables import read_table
from tests.conftest import write_photographs

HOSTILE = os.fsdecode(b"a\nb\x1b[31m\r\xe9\xe2\x80\xae")  # a line break, an escape sequence, no UTF-8, right to left


@pytest.fixture
def folder(tmp_path):
    return write_photographs(tmp_path / HOSTILE / "set", reals=2, fakes=2)


def one_folder_missing(folder):
    shutil.rmtree(folder / "training_fake")
    list_photographs(folder)


def none(folder):
    list_photographs(folder / HOSTILE)


def empty(folder):
    shutil.rmtree(folder / "training_fake")
    (folder / "training_fake").mkdir()
    list_photographs(folder)


def two_sets(folder):
    write_photographs(folder / HOSTILE, reals=3, fakes=3)
    list_photographs(folder)


def unknown_classes(folder):
    (folder / "training_fake").rename(folder / HOSTILE)
    read_folder(folder)


def both_classes(folder):
    (folder / "training_fake").rename(folder / "training_real" / "fake")
    read_folder(folder)


def named_class(folder):
    read_class_folders(folder, ["training_real"], [HOSTILE])


def contradiction(folder):
    image = next((folder / "training_real").iterdir())
    collection = Collection(folder.parent / "collection")
    collection.add(image, 0)
    collection.add(image, 1)


def no_archive(folder):
    path = folder / HOSTILE
    path.write_bytes(b"no archive")
    unpack(path, folder / "unpacked")


def no_table(folder):
    read_table(folder / HOSTILE)


def no_source(folder):
    local_copy(str(folder / HOSTILE), folder)


CASES = (
    none, one_folder_missing, empty, two_sets, unknown_classes, both_classes, named_class, contradiction, no_archive,
    no_table, no_source,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_message_shows_a_hostile_name_on_one_line(folder, case):
    with pytest.raises(DataError) as raised:
        case(folder)
    assert str(raised.value).isprintable()
    assert r"a\nb\x1b[31m\r\xe9\u202e" in str(raised.value)


def test_changes_and_notes_are_shown_so_too(folder):
    assert Changes(added=(HOSTILE,)).named() == r"added: data/a\nb\x1b[31m\r\xe9\u202e"
    (folder / "training_real" / HOSTILE).write_text("no image")
    (folder / HOSTILE).symlink_to(folder / HOSTILE)
    assert all(note.isprintable() for note in read_folder(folder).notes)
