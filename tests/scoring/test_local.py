"""The local engine: each input has one row, whatever its image does to a worker."""

import hashlib
import os
import pickle
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from fakefaces.base.errors import DataError, ModelError
from fakefaces.data import images
from fakefaces.inference.file_facts import FACT_COLUMNS
from fakefaces.scoring.job import Job, lock
from fakefaces.scoring.listing import read_list
from fakefaces.scoring.storage import Storage
from tests.scoring.conftest import IDENTITY, rows_of, score


def test_each_image_has_its_own_score_in_the_order_of_the_folder(folder, tmp_path):
    manifest = score(folder, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    files = sorted(folder.rglob("*.jpg"))
    assert [row["path"] for row in rows] == [str(path) for path in files]
    assert [row["p_fake"] for row in rows] == [
        pytest.approx(images.decode(path.read_bytes()).mean() / 255, abs=1e-12) for path in files
    ]
    assert {row["model_version"] for row in rows} == {"1"}
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == [
        "_inputs",
        "_manifest.json",
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
    ]
    assert manifest.images == manifest.counts.fake + manifest.counts.real == 25


def test_bad_images_have_a_problem_and_cost_no_other_image_its_score(folder, tmp_path):
    (folder / "00" / "0003.jpg").write_bytes(b"no image")
    (folder / "01" / "0012.jpg").write_bytes((folder / "01" / "0012.jpg").read_bytes()[:300])
    (folder / "02" / "0020.jpg").write_bytes(b"")
    (folder / "02" / "gone.jpg").symlink_to(tmp_path / "nothing")
    (folder / "02" / "raises.jpg").write_bytes(b"raise")
    manifest = score(folder, tmp_path / "out")
    problems = {Path(row["path"]).name: row["problem"] for row in rows_of(tmp_path / "out") if row["problem"]}
    assert problems == {
        "0003.jpg": "not_an_image",
        "0012.jpg": "broken",
        "0020.jpg": "empty",
        "gone.jpg": "missing",
        "raises.jpg": "crashed",
    }
    assert manifest.counts.problems == {"broken": 1, "crashed": 1, "empty": 1, "missing": 1, "not_an_image": 1}
    assert manifest.counts.fake + manifest.counts.real == 22


def test_an_image_that_ends_its_worker_is_named_and_all_others_are_scored(folder, tmp_path, capfd):
    for name in ("00/0004.jpg", "02/0023.jpg"):
        (folder / name).write_bytes(b"kill me")
    score(folder, tmp_path / "out", part_size=None)
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 25
    crashed = {Path(row["path"]).name: row for row in rows if row["problem"]}
    assert set(crashed) == {"0004.jpg", "0023.jpg"}
    assert crashed["0004.jpg"]["problem"] == "crashed"
    assert "signal SIGKILL" in crashed["0004.jpg"]["problem_detail"]
    assert all(row["p_fake"] is not None for row in rows if not row["problem"])
    assert "another takes its place" in capfd.readouterr().err


def test_a_second_start_scores_only_what_is_missing(folder, tmp_path, capfd):
    score(folder, tmp_path / "out")
    before = rows_of(tmp_path / "out")
    second, third = (tmp_path / "out" / f"part-0000{k}.parquet" for k in (1, 2))
    second.unlink()
    third.write_bytes(third.read_bytes()[:-10])
    shutil.move(folder / "00", tmp_path / "away")  # were they read again, these images would be missing
    (tmp_path / "out" / ".part-00001.parquet.99.tmp").write_bytes(b"left by a killed process")
    capfd.readouterr()
    score(folder, tmp_path / "out")
    assert rows_of(tmp_path / "out") == before
    said = capfd.readouterr().err
    assert "part-00002.parquet: damaged; its images are scored again" in said
    assert "1 of 3 parts are finished already" in said
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_a_finished_job_is_left_as_it_is(folder, tmp_path):
    first = score(folder, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*[!k]") if path.is_file()}
    assert len(before) == 8
    assert score(folder, tmp_path / "out") == first
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_same_bytes_whatever_the_number_of_processes(folder, tmp_path):
    for jobs in (1, 3):
        score(folder, tmp_path / f"out{jobs}", jobs=jobs)
    one, three = ([path.read_bytes() for path in sorted((tmp_path / f"out{n}").glob("part*"))] for n in (1, 3))
    assert one == three


def unloadable():
    raise ModelError("this detector cannot be loaded")


def deadly():
    os._exit(7)


@pytest.mark.parametrize(
    ("load", "message"), [(unloadable, "this detector cannot be loaded"), (deadly, "exit code 7.*--jobs")]
)
def test_a_detector_that_cannot_be_loaded_ends_the_job_with_a_sentence(folder, tmp_path, load, message):
    with pytest.raises(ModelError, match=message):
        score(folder, tmp_path / "out", load=load)


def test_another_input_or_model_or_part_size_is_refused(folder, tmp_path):
    out = tmp_path / "out"
    score(folder, out)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="another INPUT: .*photographs, not .*other; go on with that one"):
        score(tmp_path / "other", out)
    with pytest.raises(DataError, match="another --part-size: 10, not 20; leave it out"):
        score(folder, out, part_size=20)
    other = IDENTITY.model_copy(update={"digest": "1" * 64, "source": "models:/m/2"})
    with pytest.raises(DataError, match="go on with: --model models:/m/1, or choose another OUTPUT"):
        score(folder, out, part_size=None, model=other)


def test_an_output_that_holds_something_else_is_refused(folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").touch()
    with pytest.raises(DataError, match="not empty .letters.txt."):
        score(folder, tmp_path / "out")
    with pytest.raises(DataError, match="it is a file"):
        score(folder, tmp_path / "out" / "letters.txt")


def test_a_listing_that_was_killed_is_begun_anew(folder, tmp_path):
    stale = tmp_path / "out" / "_inputs"
    stale.mkdir(parents=True)
    for number in (0, 7):  # of a list that was longer
        (stale / f"part-0000{number}.parquet").write_bytes(b"half a list")
    score(folder, tmp_path / "out")
    assert len(rows_of(tmp_path / "out")) == 25
    assert not (stale / "part-00007.parquet").exists()


def test_parts_are_written_where_the_code_is_and_no_package(folder, tmp_path, monkeypatch):
    score(folder, tmp_path / "out")
    before = (tmp_path / "out" / "part-00001.parquet").read_bytes()
    frozen = read_list(Storage(str(tmp_path / "out")))
    job = pickle.dumps(Job(Storage(str(tmp_path / "out")), frozen))

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("fakefaces.scoring.job.version", missing)
    rows = [tuple(row.values()) for row in rows_of(tmp_path / "out")[10:20]]
    pickle.loads(job).write(1, rows)
    assert (tmp_path / "out" / "part-00001.parquet").read_bytes() == before


def test_two_starts_at_a_time_are_refused(folder, tmp_path):
    with lock(Storage(str(tmp_path / "out"))), pytest.raises(DataError, match="another process writes scores there"):
        score(folder, tmp_path / "out")
    assert score(folder, tmp_path / "out").images == 25


def test_the_facts_of_each_file_stand_beside_its_score(folder, tmp_path):
    (folder / "00" / "0003.jpg").write_bytes(b"no image")
    (folder / "02" / "gone.jpg").symlink_to(tmp_path / "nothing")
    score(folder, tmp_path / "out")
    rows = {Path(row["path"]).name: row for row in rows_of(tmp_path / "out")}
    for name, row in rows.items():
        facts = {column: row[column] for column in FACT_COLUMNS}
        if name == "gone.jpg":
            assert set(facts.values()) == {None}
            continue
        data = (tmp_path / row["path"]).read_bytes()
        assert (facts["sha256"], facts["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        if name == "0003.jpg":
            assert set(facts.values()) == {facts["sha256"], 8, None}
        else:
            assert {column: facts[column] for column in FACT_COLUMNS[2:]} == {
                "format": "JPEG",
                "mode": "RGB",
                "width": 24,
                "height": 24,
                "program": "",
                "orientation": 1,
                "quantization": images.header(data).quantization,
                "subsampling": "4:2:0",
            }
