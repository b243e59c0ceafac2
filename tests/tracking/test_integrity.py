"""A registered detector's files are compared with the registry whenever they are fetched."""

import json
from pathlib import Path

import pytest

from fakefaces.base.errors import TrackingError
from fakefaces.base.paths import Layout
from fakefaces.maintenance.artifacts import check_models
from fakefaces.tracking.detectors import fetch_detector
from fakefaces.tracking.digests import digest
from fakefaces.tracking.integrity import GRAPH_TAG, SERVED_TAG, is_unchanged, registered_tags
from fakefaces.tracking.store import connect
from tests.tracking.factories import evaluated, promoted, trained

CHAMPION = "models:/fake-faces@champion"


@pytest.fixture
def champion(tracked: Path) -> Path:
    """The folder of a champion's detector, in the store."""
    trained(tracked, "one")
    promoted(tracked, evaluated(tracked, "one", 1))
    return fetch_detector("models:/fake-faces/1")


def lower_threshold(folder: Path) -> None:
    metadata = json.loads((folder / "detector.json").read_text())
    metadata["operating"]["threshold"] = 0.01
    (folder / "detector.json").write_text(json.dumps(metadata))


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "network.onnx").read_bytes())
    data[5] ^= 1
    (folder / "network.onnx").write_bytes(data)


def remove_the_network(folder: Path) -> None:
    (folder / "network.keras").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "more.txt").write_text("more")


CHANGES = [lower_threshold, flip_a_bit, remove_the_network, add_a_file]


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fetched_before", [False, True])
def test_changed_files_are_not_fetched(champion, change, fetched_before):
    if fetched_before:
        assert fetch_detector(CHAMPION) == champion  # and is remembered
    change(champion)
    for uri in (CHAMPION, "models:/fake-faces/1", registered_model(champion)):
        with pytest.raises(TrackingError, match="not those that were registered; restore them: fakefaces doctor --fix"):
            fetch_detector(uri)


def registered_model(folder: Path) -> str:
    return f"models:/{folder.parents[2].name}"


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", CHANGES)
def test_the_doctor_finds_changed_files_and_restores_them(champion, tracked, change):
    change(champion)
    results = list(check_models(connect(), "fake-faces", Layout(tracked), {}))
    (broken,) = [result for result in results if result.level == "error"]
    assert "are not those that were registered; it is version 1 of fake-faces" in broken.text
    broken.fix()
    assert is_unchanged(fetch_detector(CHAMPION), registered_tags(connect().client, CHAMPION)[1])
    (sound,) = check_models(connect(), "fake-faces", Layout(tracked), {})
    assert sound.level == "ok"


def test_a_graph_that_was_added_later_has_a_digest_of_its_own(tmp_path):
    (tmp_path / "detector.json").write_text("{}")
    tags = {SERVED_TAG: digest(tmp_path)}
    assert is_unchanged(tmp_path, {}) and is_unchanged(tmp_path, tags)
    (tmp_path / "network.onnx").write_bytes(b"graph")
    assert is_unchanged(tmp_path, tags)  # until its own digest is recorded
    tags[GRAPH_TAG] = "2" * 64
    assert not is_unchanged(tmp_path, tags)
    tags[GRAPH_TAG] = "7a6a3f4a1d0f6e6e8a3c0e2f0f5b9e5d5cb1f5d5b4b9c3a6a6f7f7c9f0e7d2b1"
    assert not is_unchanged(tmp_path, tags)
