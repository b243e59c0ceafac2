"""Results of images by content: computed once, and the same as if nothing had been there."""

import sqlite3

import numpy as np
import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.array_file import ArrayFile
from fakefaces.data.computed import Computed
from fakefaces.data.contents import content_digests


class Counted:
    """Two arrays of a file's bytes; ``names`` are the files that were worked on."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, data: bytes, name: str) -> tuple[np.ndarray, ...]:
        self.names.append(name)
        return np.frombuffer(data, np.uint8), np.array([len(data)], np.float32)


@pytest.fixture
def files(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    for k in range(50):
        (root / f"{k:02d}").write_bytes(bytes([k, 7]))
    return root


def run(root, path, compute, version="1") -> list[list[float]]:
    """The results of all files in order, as lists."""
    contents = content_digests(root, sorted(file.name for file in root.iterdir()))
    with Computed(path, version) as computed:
        results = computed.each(root, contents, compute, threads=2, description="computing")
        return [[value for array in values for value in array.tolist()] for values in results]


def test_only_new_content_is_computed_and_the_results_are_those_of_a_fresh_start(files, tmp_path):
    path, compute = tmp_path / "known" / "x.sqlite", Counted()
    first = run(files, path, compute)
    assert first == [[k, 7, 2] for k in range(50)]
    assert sorted(compute.names) == sorted(file.name for file in files.iterdir())
    compute.names.clear()
    (files / "20").rename(files / "99 renamed")
    (files / "21").unlink()
    (files / "00 new").write_bytes(b"new")
    (files / "98 copy").write_bytes((files / "00").read_bytes())
    grown = run(files, path, compute)
    assert compute.names == ["00 new"]
    assert grown == run(files, None, Counted())


def test_what_is_of_no_image_any_more_leaves_the_file(files, tmp_path):
    path, compute = tmp_path / "x.sqlite", Counted()
    for k in range(50):
        (files / f"{k:02d}").write_bytes(bytes([k]) * 20_000)
    run(files, path, compute)
    size = path.stat().st_size
    for k in range(40):
        (files / f"{k:02d}").unlink()
    run(files, path, compute)
    assert path.stat().st_size < size / 3
    (files / "00").write_bytes(bytes([0]) * 20_000)
    compute.names.clear()
    run(files, path, compute)
    assert compute.names == ["00"]


def test_another_version_computes_anew(files, tmp_path):
    path, compute = tmp_path / "x.sqlite", Counted()
    run(files, path, compute)
    run(files, path, compute, version="2")
    assert len(compute.names) == 100


def test_a_stage_that_was_stopped_keeps_what_it_has_computed(files, tmp_path):
    path, compute = tmp_path / "x.sqlite", Counted()

    def stopped(data: bytes, name: str) -> tuple[np.ndarray, ...]:
        if name == "45":
            raise KeyboardInterrupt
        return compute(data, name)

    with pytest.raises(KeyboardInterrupt):
        run(files, path, stopped)
    compute.names.clear()
    run(files, path, compute)
    assert "00" not in compute.names and "45" in compute.names


@pytest.mark.parametrize("damage", ["cut", "text", "bits"])
def test_a_damaged_file_costs_time_and_changes_nothing(files, tmp_path, damage):
    path, compute = tmp_path / "x.sqlite", Counted()
    expected = run(files, path, compute)
    if damage == "text":
        path.write_text("this is no database, and it is longer than the header of one: " + 100 * "x")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:50])
    else:
        with sqlite3.connect(path) as database:
            database.execute("UPDATE results SET data = zeroblob(length(data)) WHERE rowid % 2")
        database.close()
    assert run(files, path, compute) == expected
    assert len(compute.names) == {"bits": 75}.get(damage, 100)


def test_a_file_that_changes_meanwhile_is_never_kept_under_its_old_digest(files, tmp_path):
    contents = content_digests(files, ["01", "02"])
    (files / "02").write_bytes(b"other")
    with Computed(tmp_path / "x.sqlite") as computed:
        results = computed.each(files, contents, Counted(), threads=1, description="computing")
        with pytest.raises(DataError, match="02: changed since"):
            list(results)
    (files / "02").unlink()
    with Computed(tmp_path / "x.sqlite") as computed:
        results = computed.each(files, contents, Counted(), threads=1, description="computing")
        with pytest.raises(DataError, match="02: cannot be read"):
            list(results)


def test_a_place_that_cannot_be_written_is_one_message(files, tmp_path):
    (tmp_path / "x.sqlite").mkdir()
    with pytest.raises(DataError, match=r"x.sqlite: cannot be used \(unable to open database file\)"):
        Computed(tmp_path / "x.sqlite")


def test_what_is_made_once_is_kept_where_it_may_be(tmp_path):
    made = []

    def make():
        made.append(1)
        return (np.arange(3),)

    for keep, times in ((False, 1), (True, 2), (True, 2)):
        with Computed(tmp_path / "x.sqlite") as computed:
            (values,) = computed.once("it", make, keep=lambda values, keep=keep: keep)
        assert values.tolist() == [0, 1, 2]
        assert len(made) == times


@pytest.mark.parametrize("shape", [(7, 3, 2), (4,), (0, 5)])
def test_an_array_file_has_the_bytes_of_numpy(tmp_path, shape):
    array = np.random.default_rng(1).random(shape, dtype=np.float32)
    np.save(tmp_path / "whole.npy", array)
    with ArrayFile(tmp_path / "rows.npy", len(array)) as file:
        file.add(array[:0])
        file.add(array[:3])
        for row in array[3:]:
            file.add(row[None])
    assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_an_array_file_that_lacks_rows_is_refused(tmp_path):
    with pytest.raises(DataError, match="2 rows of 3"), ArrayFile(tmp_path / "rows.npy", 3) as file:
        file.add(np.zeros((2, 4)))
