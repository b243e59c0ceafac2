import importlib.util
import struct
import zipfile

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from fakefaces.base.errors import DataError
from fakefaces.duplicates import agreement, candidates, features, hashing, pairs, sketches, state, verification, votes
from fakefaces.duplicates.features import describe
from fakefaces.duplicates.pairs import SearchState, update
from fakefaces.duplicates.state import load_state, save_state


@pytest.fixture(scope="module")
def known(picture) -> SearchState:
    images = {"b": picture(0), "a": picture(0)[30:, 30:], "flat": np.zeros((50, 50), np.uint8)}
    return update(SearchState(), {key: describe(image) for key, image in images.items()}, seed=7)


def test_round_trip(known, tmp_path):
    path = tmp_path / "state.npz"
    save_state(known, path)
    read = load_state(path)
    assert read.seed == 7 and read.keys == known.keys == ("a", "b", "flat")
    assert_frame_equal(read.pairs, known.pairs)
    assert len(read.pairs) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


def test_a_read_state_goes_on_as_one_that_was_kept(known, picture, tmp_path):
    path = tmp_path / "state.npz"
    save_state(known, path)
    more = {"b": describe(picture(0)), "c": describe(picture(0)[:300, :300])}
    assert_frame_equal(update(load_state(path), more, seed=7).pairs, update(known, more, seed=7).pairs)


def test_the_same_state_gives_the_same_bytes(known, tmp_path):
    paths = [tmp_path / name for name in ("one.npz", "two.npz")]
    for path in paths:
        save_state(known, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_every_version_of_python_writes_the_same_headers(known, tmp_path):
    path = tmp_path / "state.npz"
    save_state(known, path)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            # np.savez asks for ZIP64 headers, which Python 3.11.2 and 3.11.7 write in two ways.
            version, extra_length = struct.unpack_from("<H22xH", content, entry.header_offset + 4)
            assert (version, extra_length, entry.extract_version) == (20, 0, 20), entry.filename


def test_an_empty_state(tmp_path):
    save_state(SearchState(), tmp_path / "state.npz")
    read = load_state(tmp_path / "state.npz")
    assert not read.keys and read.pairs.empty
    assert_frame_equal(read.pairs, SearchState().pairs)


def test_other_settings_are_refused(known, tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    save_state(known, path)
    monkeypatch.setattr(state, "SETTINGS", "later")
    with pytest.raises(DataError, match="other settings"):
        load_state(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_a_broken_state_is_refused(tmp_path, content):
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"state\.npz"):
        load_state(path)


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    np.savez(path, settings=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="broken"):
        load_state(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        load_state(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (features, "MAX_SIDE"),
        (features, "MAX_KEYPOINTS"),
        (hashing, "BANDS"),
        (hashing, "BYTES"),
        (hashing, "BITS"),
        (hashing, "MIN_SUM"),
        (sketches, "KEYPOINTS"),
        (candidates, "MAX_HAMMING_DISTANCE"),
        (votes, "MOST_VOTES"),
        (agreement, "MIN_VOTES"),
        (agreement, "MIN_KEYPOINTS"),
        (agreement, "MAX_DISTANCE"),
        (agreement, "VOTE_TOLERANCE"),
        (agreement, "FIRST_TOLERANCE"),
        (agreement, "LAST_TOLERANCE"),
        (verification, "TOLERANCE"),
        (verification, "MIN_COSINE"),
        (pairs, "MIN_STORED_INLIERS"),
    ],
)
def test_a_state_is_of_every_setting_that_changes_a_result(monkeypatch, module, name):
    monkeypatch.setattr(module, name, getattr(module, name) * 2)
    spec = importlib.util.find_spec(state.__name__)
    reloaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reloaded)
    assert reloaded.SETTINGS != state.SETTINGS
