"""Batches: the Parquet of `fakefaces score`, and the server's log; damaged and foreign files are named."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakefaces.base.errors import DataError
from fakefaces.inference.file_facts import file_facts
from fakefaces.inference.score import Score
from fakefaces.monitoring.batches import COLUMNS, read_batches
from fakefaces.scoring.rows import to_parquet, to_row

MODEL = {"source": "models:/m/1", "name": "m", "version": "1", "digest": "d" * 64, "threshold": 0.5}


def write_output(folder, scores=(0.1, 0.9), *, finished=True):
    rows = [
        to_row(Score(path=f"{k}.jpg", p_fake=p, label="real", unsure=False), f"{k}.jpg") for k, p in enumerate(scores)
    ]
    (folder / "_inputs").mkdir(parents=True)
    (folder / "part-00000.parquet").write_bytes(to_parquet(rows[:1], {"model": MODEL}))
    (folder / "part-00001.parquet").write_bytes(to_parquet(rows[1:], {"model": MODEL}))
    if finished:
        (folder / "_manifest.json").write_text("{}")
    return folder


def test_an_output_is_a_batch_of_all_its_parts_with_its_model(tmp_path):
    (batch,) = read_batches(write_output(tmp_path / "monday"))
    assert (batch.name, batch.source, batch.digest) == ("monday", "models:/m/1", "d" * 64)
    assert batch.rows["p_fake"].tolist() == [0.1, 0.9]
    assert tuple(batch.rows) == COLUMNS
    (part,) = read_batches(tmp_path / "monday" / "part-00001.parquet")
    assert part.rows["p_fake"].tolist() == [0.9]


def test_facts_come_with_the_rows_and_are_missing_of_earlier_releases(tmp_path):
    row = to_row(Score(path="a", p_fake=0.5), "a", file_facts(b"no image"))
    (tmp_path / "new.parquet").write_bytes(to_parquet([row], {"model": MODEL}))
    old = pq.read_table(tmp_path / "new.parquet").select(["path", "p_fake", "problem"])
    pq.write_table(old, tmp_path / "old.parquet")
    assert read_batches(tmp_path / "new.parquet")[0].rows["bytes"].tolist() == [8]
    assert read_batches(tmp_path / "old.parquet")[0].rows["bytes"].isna().all()


def test_each_day_of_the_servers_log_is_a_batch(tmp_path):
    log = tmp_path / "server.jsonl"

    def line(at, **fields):
        return json.dumps({"at": at, "event": "request", "model_version": "3", **fields})

    score = {"p_fake": 0.25, "label": "real", "sha256": "a", "width": 10}
    lines = [
        line("2026-11-02T23:59:59Z", scores=[score, {"problem": "broken"}]),
        line("2026-11-03T00:00:00Z", scores=[score]),
        line("2026-11-03T00:00:01Z", status=200),
        line("2026-11-03T00:00:02Z", scores="none"),
        "Traceback (most recent call last):",
        line("2026-11-03T00:00:03Z", scores=[score])[:-5],
    ]
    log.write_text("\n".join(lines))
    first, second = read_batches(log)
    assert (first.name, second.name) == ("server 2026-11-02", "server 2026-11-03")
    assert first.rows["problem"].tolist()[1] == "broken" and len(second.rows) == 1
    assert second.rows[["p_fake", "width", "model_version"]].to_numpy().tolist() == [[0.25, 10.0, "3"]]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing", None, "no such folder or file"),
        ("a.parquet", b"PAR1 nothing", "cannot be read as Parquet"),
        ("a.jsonl", b"{}\n", "no line of it is a request with scores"),
        ("a.jsonl", b'{"scores": [{"p_fake": "high"}]}', "a value that is no number"),
        ("a.jsonl", b'{"scores": [{"p_fake": 7}]}', "not between 0 and 1"),
        ("a.jsonl", b'{"scores": [{"problem": null}]}', "neither a score nor a problem"),
    ],
)
def test_what_is_no_batch_is_named(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        read_batches(tmp_path / name)


def test_an_output_that_is_not_finished_empty_or_of_something_else_is_named(tmp_path):
    with pytest.raises(DataError, match="not finished"):
        read_batches(write_output(tmp_path / "unfinished", finished=False))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no part-\*"):
        read_batches(tmp_path / "empty")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="no column p_fake or problem"):
        read_batches(tmp_path / "other.parquet")
