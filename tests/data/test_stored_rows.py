import numpy as np
import pytest

from fakefaces.data.stored_rows import JoinedRows, StoredRows, chunks


@pytest.fixture
def stored(tmp_path):
    values = np.random.default_rng(0).normal(size=(9, 2, 3)).astype(np.float32)
    np.save(tmp_path / "values.npy", values)
    return tmp_path / "values.npy", values


def test_rows_are_those_of_the_array(stored):
    path, values = stored
    order = np.array([7, 0, 3, 3])
    rows = StoredRows(path, order)
    expected = values[order]
    assert (rows.shape, rows.dtype, len(rows)) == ((4, 2, 3), np.float32, 4)
    for which in (slice(1, 3), slice(None), np.array([2, 0]), np.array([], dtype=np.intp)):
        assert np.array_equal(rows[which], expected[which])
    assert np.array_equal(np.asarray(rows), expected)
    assert np.array_equal(np.asarray(rows, dtype=np.float64), expected.astype(np.float64))


def test_rows_may_lie_along_two_axes(stored):
    path, values = stored
    rows = StoredRows(path, np.array([1, 6, 17]), axes=2)
    assert rows.shape == (3, 3)
    assert np.array_equal(rows[:], values.reshape(18, 3)[[1, 6, 17]])


def test_joined_rows_are_those_of_one_array_after_another(stored):
    path, values = stored
    order = np.array([4, 0, 8])
    joined, expected = JoinedRows([StoredRows(path, order), values]), np.concatenate([values[order], values])
    assert (joined.shape, joined.dtype, len(joined)) == ((12, 2, 3), np.float32, 12)
    for which in (slice(None), slice(2), slice(1, 5), slice(3, 12), slice(5, 40), slice(7, 7)):
        assert np.array_equal(joined[which], expected[which])
    assert np.array_equal(np.asarray(joined), expected)
    assert np.array_equal(np.concatenate(list(chunks(joined))), expected)


def test_rows_are_copies(stored):
    path, values = stored
    rows = StoredRows(path, np.arange(9))
    rows[:2][:] = 0
    assert np.array_equal(rows[:2], values[:2])


@pytest.mark.parametrize("shape", [(5,), (5, 0), (0, 4)])
def test_rows_of_any_shape(tmp_path, shape):
    values = np.ones(shape, np.uint8)
    np.save(tmp_path / "values.npy", values)
    rows = StoredRows(tmp_path / "values.npy", np.arange(shape[0]))
    assert rows.shape == shape and np.array_equal(rows[:], values)


def test_a_file_that_was_shortened_is_named(stored):
    path, _ = stored
    rows = StoredRows(path, np.arange(9))
    path.write_bytes(path.read_bytes()[:-8])
    assert len(rows[:8]) == 8
    with pytest.raises(OSError, match=r"values\.npy: row 8 is missing"):
        rows[7:]


def test_chunks_are_all_rows_of_an_array_and_of_stored_rows(stored, monkeypatch):
    path, values = stored
    monkeypatch.setattr("fakefaces.data.stored_rows._CHUNK", 50)  # two rows
    for array in (values, StoredRows(path, np.arange(9))):
        parts = list(chunks(array))
        assert [len(part) for part in parts] == [2, 2, 2, 2, 1]
        assert np.array_equal(np.concatenate(parts), values)
