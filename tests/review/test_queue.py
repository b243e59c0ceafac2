"""The queue of the review page: its orders, its labels and its export."""

import csv
import io
from pathlib import Path

import numpy as np

from fakefaces.explain.explanation import Explanation
from fakefaces.inference.score import Score
from fakefaces.ingest import corrections
from fakefaces.review.queue import Queue
from tests.conftest import picture


def encoded(seed: int, size: int = 48) -> bytes:
    buffer = io.BytesIO()
    picture(np.random.default_rng(seed), fake=True, size=size).save(buffer, "PNG")
    return buffer.getvalue()


def scored(folder: Path, *p_fakes: float) -> Queue:
    """A queue whose model gives these scores in this order."""
    scores = iter(p_fakes)

    def explain(files):
        return [
            Explanation(
                Score(
                    path=name, p_fake=(p := next(scores)), label="fake" if p >= 0.5 else "real", unsure=0.4 <= p < 0.6
                )
            )
            for name, _ in files
        ]

    folder.mkdir(exist_ok=True)
    return Queue(explain, folder, threshold=0.5)


def test_the_queue_is_sorted_each_way(tmp_path):
    queue = scored(tmp_path / "queue", 0.9, 0.1, 0.55, 0.45)
    queue.add([(f"{k}.png", encoded(k)) for k in range(4)])
    names = {order: [item.name[0] for item in queue.sorted(order)] for order in ("highest score", "lowest score")}
    assert names == {"highest score": list("0231"), "lowest score": list("1320")}
    assert {item.name[0] for item in queue.sorted("least sure")[:2]} == {"2", "3"}
    assert [item.name[0] for item in queue.sorted("as added")] == list("0123")


def test_identical_files_are_queued_once(tmp_path):
    queue = scored(tmp_path / "queue", 0.9, 0.2)
    queue.add([("a.png", encoded(1)), ("b.png", encoded(1))])
    queue.add([("c.png", encoded(1)), ("d.png", encoded(2))])
    assert len(queue) == 2


def test_corrections_are_exported_with_their_images_and_read_again(tmp_path):
    queue = scored(tmp_path / "queue", 0.9, 0.1, 0.5)
    queue.add([("x/../../a.png", encoded(1)), ("b.png", encoded(2)), ("c.png", encoded(3))])
    first, second, _ = queue.sorted("as added")
    queue.set_label(first.key, "real")
    queue.set_label(second.key, "fake")
    table, count = queue.export(tmp_path / "reviews")
    assert count == 2
    exported = corrections.read_corrections(table)
    assert [correction.label for correction in exported] == [0, 1]
    assert exported[0].path.read_bytes() == encoded(1)
    assert exported[0].path.parent == tmp_path / "reviews" / "images"
    again = scored(tmp_path / "again", 0.9, 0.2)
    again.add([("a.png", encoded(1)), ("d.png", encoded(4))])
    for item in again.sorted("as added"):
        again.set_label(item.key, "fake")
    _, count = again.export(tmp_path / "reviews")  # what was exported before stays; a new label wins
    assert count == 3
    with table.open() as opened:
        labels = {row["name"]: row["label"] for row in csv.DictReader(opened)}
    assert labels == {"a.png": "fake", "b.png": "fake", "d.png": "fake"}


def test_the_least_sure_are_those_in_the_abstention_band_then_those_nearest_to_the_threshold(tmp_path):
    queue = scored(tmp_path / "queue", 0.3, 0.41, 0.95, 0.59, 0.35, 0.5)  # the band is from 0.4 to below 0.6
    queue.threshold = 0.55
    queue.add([(f"{k}.png", encoded(k)) for k in range(6)])
    assert [item.name[0] for item in queue.sorted("least sure")] == list("351402")
    ties = scored(tmp_path / "ties", 0.5, 0.5)
    ties.add([(f"{k}.png", encoded(k)) for k in range(2)])
    assert [item.name[0] for item in ties.sorted("highest score")] == list("01")


def test_a_photograph_keeps_its_own_bytes_score_and_label(tmp_path):
    queue = scored(tmp_path / "queue", 0.9, 0.1, 0.7)
    queue.add([("a.png", encoded(1)), ("b.png", encoded(2))])
    queue.add([("c.png", encoded(3))])
    items = {item.name[0]: item for item in queue.sorted("as added")}
    assert {name: item.p_fake for name, item in items.items()} == {"a": 0.9, "b": 0.1, "c": 0.7}
    assert {name: queue.data(item.key) for name, item in items.items()} == {
        name: encoded(k) for k, name in enumerate("abc", start=1)
    }
    version = queue.version
    queue.set_label(items["b"].key, "real")
    assert queue.version > version
    assert [item.label for item in queue.sorted("as added")] == [None, "real", None]
    queue.set_label(items["b"].key, None)
    assert queue.export(tmp_path / "out")[1] == 0


def test_the_export_has_the_prediction_and_the_label_of_a_person(tmp_path):
    queue = scored(tmp_path / "queue", 0.9, 0.1)
    queue.add([("a.png", encoded(1)), ("b.JPEG", encoded(2))])
    for item in queue.sorted("as added"):
        queue.set_label(item.key, "real")
    table, _ = queue.export(tmp_path / "out")
    rows = {row["name"]: row for _, row in corrections.read_rows(table)}
    assert {name: (row["label"], row["predicted"], row["p_fake"]) for name, row in rows.items()} == {
        "a.png": ("real", "fake", "0.900000"),
        "b.JPEG": ("real", "real", "0.100000"),
    }
    assert [(table.parent / row["path"]).suffix for row in rows.values()] == [".png", ".jpeg"]
