"""What a review exports, and that ``fakefaces data`` reads it."""

import csv
from dataclasses import replace

import pytest

from fakefaces.base.errors import DataError, ImageError
from fakefaces.ingest import corrections
from fakefaces.ingest.conflicts import read_conflicts, read_decisions, write_conflicts
from fakefaces.review.agreement import agreement
from fakefaces.review.export import export
from fakefaces.review.labels import Labels
from fakefaces.review.queue import Queue
from tests.review.queues import arrived, encoded, explaining, private, queue_of


@pytest.fixture
def labels(tmp_path):
    journal = Labels(tmp_path / "labels.db")
    yield journal
    journal.close()


def give(
    labels: Labels, queue: Queue, name: str, label: str | None, reviewer: str = "anna", *, sure: bool = True
) -> None:
    photograph = next(one for one in queue.since(0, 99) if one.name.endswith(name))
    labels.give(photograph, reviewer, label, "m", sure=sure)


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
        assert next(csv.reader(file)) == ["path", "label", "at", "name", "p_fake", "predicted", "reviewers", "sure"]
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
        given = [
            [row[name] for name in ("reviewer", "label", "sure", "undoes", "name")] for row in csv.DictReader(file)
        ]
    assert given == [["anna", "real", "yes", "", "a.png"], ["anna", "", "", "1", "a.png"]]


def test_a_row_says_whose_label_it_is_of_when_and_how_sure(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9, 0.1)
    for name, reviewer, sure in (("a.png", "anna", True), ("a.png", "ben", False), ("b.png", "ben", True)):
        give(labels, queue, name, "real", reviewer, sure=sure)
    read = {
        row.path.name[13:]: row for row in corrections.read_corrections(export(queue, labels, tmp_path / "r").table)
    }
    assert (read["a.png"].reviewers, read["a.png"].sure) == ("anna; ben", "no")
    assert (read["b.png"].reviewers, read["b.png"].sure) == ("ben", "yes")
    last = labels.given(queue.since(0, 1)[0].key)["ben"].at
    assert read["a.png"].at == last


def test_agreement_is_exported_for_each_two_people(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9, 0.1, 0.3)
    for name, one, other in (("a.png", "real", "real"), ("b.png", "fake", "fake"), ("c.png", "real", "fake")):
        give(labels, queue, name, one)
        give(labels, queue, name, other, "ben")
    export(queue, labels, tmp_path / "reviews")
    with (tmp_path / "reviews" / "agreement.csv").open() as file:
        (pair,) = csv.DictReader(file)
    measured = agreement([("real", "real"), ("fake", "fake"), ("real", "fake")])
    assert (pair["first"], pair["second"], pair["n"], pair["same"]) == ("anna", "ben", "3", "2")
    assert float(pair["kappa"]) == measured.kappa and float(pair["low"]) == measured.low


def decide(folder, decision: str, person: str = "cleo") -> None:
    (conflict,) = read_conflicts(folder)
    write_conflicts(folder, [replace(conflict, decision=decision, decided_by=person)])


def test_conflicts_keep_both_labels_and_take_a_decision_that_stays_until_the_labels_change(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9, 0.1)
    folder = tmp_path / "reviews"
    give(labels, queue, "a.png", "real", sure=False)
    give(labels, queue, "a.png", "fake", "ben")
    give(labels, queue, "b.png", "fake", "ben")
    export(queue, labels, folder)
    (conflict,) = read_conflicts(folder)
    assert "anna: real, not sure, " in conflict.labels and "ben: fake, " in conflict.labels
    assert (folder / conflict.path).read_bytes() == encoded(0) and conflict.decision == ""
    assert read_decisions(folder).undecided == 1
    decide(folder, "fake")
    export(queue_of(tmp_path / "empty"), labels, folder)  # the photograph is not in this queue
    (decided,) = read_decisions(folder).corrections
    assert (decided.label, decided.reviewers) == (1, "cleo (decision)") and decided.path.read_bytes() == encoded(0)
    give(labels, queue, "a.png", "real")  # anna is sure now
    export(queue, labels, folder)
    assert read_conflicts(folder)[0].decision == ""
    decide(folder, "exclude")
    assert (read_decisions(folder).excluded, read_decisions(folder).corrections) == (1, [])
    give(labels, queue, "a.png", "real", "ben")
    export(queue, labels, folder)
    assert read_conflicts(folder) == [] and set(rows(folder / "corrections.csv")) == {"a.png", "b.png"}


@pytest.mark.parametrize(
    ("decision", "person", "fault"),
    [("maybe", "cleo", "decision: 'maybe' is none of real, fake, exclude"), ("fake", " ", "whose decision is it")],
)
def test_a_decision_that_is_none_or_nobodys_is_an_error(tmp_path, labels, decision, person, fault):
    queue = queue_of(tmp_path / "queue", 0.9)
    give(labels, queue, "a.png", "real")
    give(labels, queue, "a.png", "fake", "ben")
    export(queue, labels, tmp_path / "reviews")
    decide(tmp_path / "reviews", decision, person)
    with pytest.raises(DataError, match=fault):
        read_decisions(tmp_path / "reviews")


def test_a_decision_on_another_photograph_is_an_error(tmp_path, labels):
    queue = queue_of(tmp_path / "queue", 0.9)
    give(labels, queue, "a.png", "real")
    give(labels, queue, "a.png", "fake", "ben")
    export(queue, labels, tmp_path / "reviews")
    decide(tmp_path / "reviews", "real")
    (tmp_path / "reviews" / read_conflicts(tmp_path / "reviews")[0].path).write_bytes(encoded(7))
    with pytest.raises(DataError, match="is another photograph than people labelled"):
        read_decisions(tmp_path / "reviews")


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
