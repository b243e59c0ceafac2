"""The journal of labels: what a person says is on the disk at once, and stays there."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fakefaces
from fakefaces.base.errors import FakefacesError
from fakefaces.review.labels import Labels, agreed, pairs, reviewer_name
from fakefaces.review.queue import Photograph

GIVE = """
import sys
from pathlib import Path
from fakefaces.review.labels import Labels
from fakefaces.review.queue import Photograph
path, reviewer, first, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
labels = Labels(path)
for k in range(first, first + n):
    photograph = Photograph(f"key{k}", f"{k}.png", Path(), 0.5, "fake", None, None, (), None)
    labels.give(photograph, reviewer, "real", "m")
print("given", flush=True)
sys.stdin.read()
"""


def photograph(key: str, p_fake: float = 0.9) -> Photograph:
    return Photograph(key, f"{key}.png", Path(), p_fake, "fake", None, None, (), None)


@pytest.fixture
def labels(tmp_path):
    journal = Labels(tmp_path / "reviews" / "labels.db")
    yield journal
    journal.close()


def test_a_label_says_who_gave_it_when_and_what_the_model_said_then(labels):
    before = datetime.now(UTC).replace(microsecond=0)
    labels.give(photograph("a"), "anna", "real", "forensic")
    (event,) = labels.history("a")
    assert (event.reviewer, event.label, event.name, event.p_fake) == ("anna", "real", "a.png", 0.9)
    assert (event.predicted, event.model) == ("fake", "forensic")
    assert before <= datetime.fromisoformat(event.at) <= datetime.now(UTC)


def test_labels_of_several_people_stand_side_by_side_and_the_last_one_counts(labels):
    for reviewer, label in (("anna", "real"), ("ben", "fake"), ("anna", "fake"), ("anna", "fake")):
        labels.give(photograph("a"), reviewer, label, "m")
    assert labels.of("a") == {"anna": "fake", "ben": "fake"}
    assert len(labels.history("a")) == 3  # the same label twice is one event
    labels.give(photograph("a"), "ben", None, "m")
    assert labels.of("a") == {"anna": "fake"} and labels.of("b") == {}


def test_undoing_walks_back_through_ones_own_labels_alone(labels):
    labels.give(photograph("a"), "anna", "real", "m")
    labels.give(photograph("b"), "anna", "fake", "m")
    labels.give(photograph("c"), "ben", "fake", "m")
    labels.give(photograph("a"), "anna", "fake", "m")
    labels.give(photograph("b"), "anna", None, "m")
    assert [labels.undo("anna") for _ in range(2)] == ["b", "a"]
    assert labels.all() == {"a": {"anna": "real"}, "b": {"anna": "fake"}, "c": {"ben": "fake"}}
    labels.give(photograph("d"), "anna", "fake", "m")
    assert [labels.undo("anna") for _ in range(4)] == ["d", "b", "a", None]
    assert {key: given for key, given in labels.all().items() if given} == {"c": {"ben": "fake"}}
    assert [event.undoes for event in labels.history("d")] == [None, 7 + 1]


def test_a_label_survives_a_process_that_is_killed(tmp_path):
    environ = os.environ | {"PYTHONPATH": str(Path(fakefaces.__file__).parents[1])}
    path = tmp_path / "labels.db"
    command = [sys.executable, "-c", GIVE, str(path), "anna", "0", "3"]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"given\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    journal = Labels(path)
    assert journal.all() == {f"key{k}": {"anna": "real"} for k in range(3)}
    journal.close()


def test_two_processes_write_to_one_file_and_see_each_other(tmp_path, labels):
    environ = os.environ | {"PYTHONPATH": str(Path(fakefaces.__file__).parents[1])}
    command = [sys.executable, "-c", GIVE, str(labels.path)]
    others = [
        subprocess.Popen([*command, name, "0", "15"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in ("ben", "cleo")
    ]
    for k in range(15):
        labels.give(photograph(f"key{k}"), "anna", "fake", "m")
    for other in others:
        assert other.communicate()[0] == b"given\n"
    expected = {"anna": "fake", "ben": "real", "cleo": "real"}
    assert labels.all() == {f"key{k}": expected for k in range(15)}
    assert len(labels.events()) == 45


def test_threads_share_one_journal(labels):
    def work(name: str) -> None:
        for k in range(8):
            labels.give(photograph(f"{k}"), name, "real", "m")
            labels.of(f"{k}")

    threads = [threading.Thread(target=work, args=(name,)) for name in ("anna", "ben", "cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert labels.all() == {f"{k}": dict.fromkeys(("anna", "ben", "cleo"), "real") for k in range(8)}


def test_a_label_says_how_sure_its_person_is(labels):
    labels.give(photograph("a"), "anna", "real", "m", sure=False)
    labels.give(photograph("a"), "anna", "real", "m", sure=False)
    assert labels.given("a")["anna"].sure is False and len(labels.history("a")) == 1
    labels.give(photograph("a"), "anna", "real", "m")  # the same label, now sure
    assert labels.given("a")["anna"].sure is True and len(labels.history("a")) == 2
    labels.undo("anna")
    assert (labels.given("a")["anna"].label, labels.given("a")["anna"].sure) == ("real", False)
    labels.give(photograph("a"), "anna", None, "m")
    assert labels.given("a") == {} and labels.history("a")[-1].sure is None


def test_a_journal_of_an_earlier_version_goes_on_with_its_labels(tmp_path):
    path = tmp_path / "labels.db"
    first = Labels(path)
    first.give(photograph("a"), "anna", "fake", "m")
    first.close()
    with sqlite3.connect(path) as earlier:
        earlier.execute("ALTER TABLE events DROP COLUMN sure")
        earlier.execute("PRAGMA user_version = 1")
    earlier.close()
    again = Labels(path)
    assert (again.given("a")["anna"].label, again.given("a")["anna"].sure) == ("fake", None)
    again.give(photograph("b"), "ben", "real", "m", sure=False)
    assert again.given("b")["ben"].sure is False
    again.close()


def test_what_has_changed_since_an_event_is_told_once(labels):
    labels.give(photograph("a"), "anna", "real", "m")
    changed, last = labels.since(0)
    assert changed == {"a"}
    assert labels.since(last) == (set(), last)
    labels.give(photograph("b"), "ben", "real", "m")
    labels.undo("anna")
    assert labels.since(last)[0] == {"a", "b"}


@pytest.mark.parametrize("content", [b"no database at all, but text of some length" * 40, b"SQLite format 3\0broken"])
def test_a_file_that_is_no_journal_is_an_error_of_one_sentence(tmp_path, content):
    path = tmp_path / "labels.db"
    path.write_bytes(content)
    with pytest.raises(FakefacesError, match=r"labels\.db: labels cannot be kept in this file"):
        Labels(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_or_of_a_newer_version_is_not_touched(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE things (id)")
    other.close()
    with pytest.raises(FakefacesError, match="a database of another program; name another file with --labels"):
        Labels(path)
    newer = tmp_path / "newer.db"
    Labels(newer).close()
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(FakefacesError, match="newer version"):
        Labels(newer)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FakefacesError, match="labels cannot be kept"):
        Labels(tmp_path / "file" / "labels.db")


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x1b[2J", "\ud800", None])
def test_a_reviewer_has_a_name_that_can_be_printed(name):
    with pytest.raises(FakefacesError, match="the reviewer needs a name"):
        reviewer_name(name)
    assert reviewer_name("  Ana  María ") == "Ana María"


def test_people_agree_where_all_their_labels_are_one():
    assert [agreed(given) for given in ({}, {"a": "real"}, {"a": "fake", "b": "fake"}, {"a": "fake", "b": "real"})] == [
        None,
        "real",
        "fake",
        None,
    ]
    given = [{"b": "real", "a": "fake"}, {"a": "real"}, {"c": "real", "a": "real", "b": "real"}]
    assert pairs(given) == {
        ("a", "b"): [("fake", "real"), ("real", "real")],
        ("a", "c"): [("real", "real")],
        ("b", "c"): [("real", "real")],
    }
