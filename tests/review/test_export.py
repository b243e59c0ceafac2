"""What a review exports, and that ``fakefaces data`` reads it."""

import csv

import pytest

from fakefaces.base.errors import DataError, ImageError
from fakefaces.ingest import corrections
from fakefaces.review.export import export
from fakefaces.review.labels import Labels
from fakefaces.review.queue import Queue
from tests.review.queues import arrived, encoded, explaining, private, queue_of


@pytest.fixture
def labels(tmp_path):
    journal = Labels(tmp_path / "labels.db")
    yield journal
    journal.close()


def give(labels: Labels, queue: Queue, name: str, label: str | None, reviewer: str = "anna") -> None:
    photograph = next(one for one in queue.since(0, 99) if one.name.endswith(name))
    labels.give(photograph, reviewer, label, "m")


def rows(table) -> dict[str, dict[str, str]]:
    return {row["name"]: row for _, row in corrections.read_rows(table)}


def test_labelled_photographs_are_exported_and_read_as_corrections(tmp_path, labels):
    queue = Queue(explaining(0.9, 0.1, 0.5), private(tmp_path / "queue"))
    names = ("x/../../a.png", "b.JPEG", "c.png")
    queue.add([arrived(queue, name, encoded(k)) for k, name in enumerate(names)])
    give(labels, queue, "a.png", "real")
    give(labels, queue, "b.JPEG", "fake")
    done = export(queue, labels, tmp_path / "reviews")
    assert (done.rows, done.disagreeing, done.absent) == (2, 0, 0)
    with done.table.open() as file:
        assert next(csv.reader(file)) == ["path", "label", "name", "p_fake", "predicted"]
    read = corrections.read_corrections(done.table)
    assert [correction.label for correction in read] == [0, 1]
    assert [correction.path.read_bytes() for correction in read] == [encoded(0), encoded(1)]
    assert all(correction.path.parent == tmp_path / "reviews" / "images" for correction in read)
    assert [correction.path.suffix for correction in read] == [".png", ".jpeg"]
    given = rows(done.table)
    assert (given["b.JPEG"]["p_fake"], given["b.JPEG"]["predicted"]) == ("0.100000", "real")


def test_a_later_export_adds_to_the_first_and_takes_changed_labels_over(tmp_path, labels):
    first = queue_of(tmp_path / "first", 0.9, 0.1, 0.2)
    for name, label in (("a.png", "real"), ("b.png", "fake"), ("c.png", "fake")):
        give(labels, first, name, label)
    export(first, labels, tmp_path / "reviews")
    give(labels, first, "b.png", None)
    give(labels, first, "c.png", "real")
    again = Queue(explaining(0.4), private(tmp_path / "again"))  # of a server that was started anew
    again.add([arrived(again, "d.png", encoded(9))])
    give(labels, again, "d.png", "fake")
    done = export(again, labels, tmp_path / "reviews")
    assert {name: row["label"] for name, row in rows(done.table).items()} == {
        "a.png": "real",
        "c.png": "real",
        "d.png": "fake",
    }
    assert done.rows == 3 and len(corrections.read_corrections(done.table)) == 3


def test_rows_of_an_export_without_a_journal_stay(tmp_path, labels):
    before = Labels(tmp_path / "before.db")
    queue = queue_of(tmp_path / "queue", 0.9, 0.1)
    give(before, queue, "a.png", "real")
    export(queue, before, tmp_path / "reviews")
    before.close()
    give(labels, queue, "b.png", "fake")
    done = export(queue, labels, tmp_path / "reviews")
    assert {name: row["label"] for name, row in rows(done.table).items()} == {"a.png": "real", "b.png": "fake"}


def test_what_people_disagree_on_and_what_is_not_here_is_left_out_and_counted(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9, 0.1, 0.3)
    give(labels, queue, "a.png", "real")
    give(labels, queue, "a.png", "fake", "ben")
    give(labels, queue, "b.png", "real")
    give(labels, queue, "b.png", "real", "ben")
    elsewhere = Queue(explaining(0.5), private(tmp_path / "elsewhere"))
    elsewhere.add([arrived(elsewhere, "gone.png", encoded(77))])
    give(labels, elsewhere, "gone.png", "fake")
    done = export(queue, labels, tmp_path / "reviews")
    assert (done.rows, done.disagreeing, done.absent) == (1, 1, 1)
    assert set(rows(done.table)) == {"b.png"}


def test_the_journal_is_a_table_beside_it(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9)
    give(labels, queue, "a.png", "real")
    labels.undo("anna")
    export(queue, labels, tmp_path / "reviews")
    with (tmp_path / "reviews" / "labels.csv").open() as file:
        given = [(row["reviewer"], row["label"], row["undoes"], row["name"]) for row in csv.DictReader(file)]
    assert given == [("anna", "real", "", "a.png"), ("anna", "", "1", "a.png")]


def test_a_table_that_is_none_and_a_photograph_that_has_changed_are_errors_and_leave_the_table(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9)
    give(labels, queue, "a.png", "real")
    table = private(tmp_path / "reviews") / "corrections.csv"
    table.write_text("something,else\n1,2\n")
    with pytest.raises(DataError, match=r"corrections\.csv: no column path"):
        export(queue, labels, tmp_path / "reviews")
    assert table.read_text() == "something,else\n1,2\n"
    table.unlink()
    queue.since(0, 1)[0].path.write_bytes(encoded(5))
    with pytest.raises(ImageError, match="has changed since"):
        export(queue, labels, tmp_path / "reviews")
    assert not table.exists()
