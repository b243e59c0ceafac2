from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakefaces.base.errors import DataError
from syntheticfaces import write_samples, write_whole_images, writing
from syntheticfaces.manifest import COLUMNS
from syntheticfaces.whole import GENERATORS, decode


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("written") / "deep" / "set"
    write_samples(directory, images=12, size=128, seed=4, workers=1)
    return directory


def test_the_layout_is_that_of_the_public_set(written):
    with (written / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["image"] for row in rows] == sorted(row["image"] for row in rows)
    assert sum(row["label"] == "real" for row in rows) == 6
    names = {"manifest.csv"} | {row["image"] for row in rows} | {row["mask"] for row in rows if row["mask"]}
    assert set(files(written)) == names
    for row in rows:
        with Image.open(written / row["image"]) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (128, 128))
        assert bool(row["mask"]) == bool(row["donor"]) == bool(row["difficulty"]) == (row["label"] == "fake")
        if row["mask"]:
            assert row["image"].endswith(f"_{row['parts']}.jpg")
            with Image.open(written / row["mask"]) as mask:
                assert (mask.format, mask.mode, mask.size) == ("PNG", "1", (128, 128))


def test_all_images_have_the_same_tables_and_header(written):
    starts = set()
    for path in written.rglob("*.jpg"):
        content = path.read_bytes()
        starts.add(content[: content.index(b"\xff\xda")])
    assert len(starts) == 1


def test_the_number_of_processes_changes_nothing_and_progress_is_reported(written, tmp_path):
    calls: list[tuple[int, int]] = []
    again = tmp_path / "again"
    write_samples(
        again, images=12, size=128, seed=4, workers=2, progress=lambda done, total: calls.append((done, total))
    )
    assert files(again) == files(written)
    assert calls == [(8, 12), (12, 12)]


def test_a_smaller_set_holds_the_same_images(written, tmp_path):
    write_samples(tmp_path / "small", images=3, size=128, seed=4, workers=1)
    small, large = files(tmp_path / "small"), files(written)
    del small["manifest.csv"]
    assert small.items() <= large.items()


def test_an_empty_directory_is_filled(tmp_path):
    target = tmp_path / "empty"
    target.mkdir()
    write_samples(target, images=1, size=128, workers=1)
    assert (target / "manifest.csv").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_directory_in_use_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="not an empty directory; choose another place") as caught:
        write_samples(tmp_path, images=1, size=128)
    assert str(tmp_path) in str(caught.value)
    assert files(tmp_path) == {"mine.txt": b"keep"}


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "set").write_text("a file")
    with pytest.raises(DataError, match="not an empty directory"):
        write_samples(tmp_path / "set", images=1, size=128)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": 0}, "cannot make 0 sample images"),
        ({"size": 64}, "ask for 128 to 256"),
        ({"size": 300}, "ask for 128 to 256"),
        ({"seed": -1}, "choose 0 or more"),
        ({"workers": 0}, "with 0 processes"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message) as caught:
        write_samples(tmp_path / "set", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("failure", [RuntimeError("broken"), KeyboardInterrupt()])
def test_nothing_is_left_after_an_error(tmp_path, monkeypatch, failure):
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(writing, "encode_jpeg", fail)
    with pytest.raises(type(failure)):
        write_samples(tmp_path / "set", images=2, size=128, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_in_one_line(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_manifest", full)
    with pytest.raises(DataError, match=r"cannot write the sample set to .*: No space left on device"):
        write_samples(tmp_path / "set", images=1, size=128, workers=1)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole") / "set"
    write_whole_images(directory, images=8, size=128, seed=4, workers=1)
    return directory


def test_generated_faces_lie_in_two_folders_with_a_table_of_attributes(whole):
    with (whole / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [name for name in files(whole) if name != "labels.csv"]
    for row in rows:
        generated = row["path"].startswith("fake/")
        assert row["label"] == ("fake" if generated else "real")
        assert (row["source"] != "camera") == generated
        assert row["skin_tone"] in ("light", "medium", "dark") and 18 <= int(row["age"]) <= 80
    assert {row["source"] for row in rows} == {"camera", "chequered", "smooth"}


def test_generated_images_have_the_header_of_photographs(whole):
    tables = set()
    for path in whole.rglob("*.jpg"):
        with Image.open(path) as image:
            tables.add(str(image.quantization))
    assert len(tables) == 1


def test_the_first_generated_images_do_not_depend_on_their_number(whole, tmp_path):
    write_whole_images(tmp_path / "set", images=4, size=128, seed=4, workers=1)
    smaller = {name: data for name, data in files(tmp_path / "set").items() if name != "labels.csv"}
    assert smaller == {name: files(whole)[name] for name in smaller}
    with pytest.raises(DataError, match="even size"):
        write_whole_images(tmp_path / "odd", images=4, size=129)


def test_a_chequered_enlargement_is_as_bright_and_uneven_and_a_smooth_one_is_even():
    grey = np.full((16, 16, 3), 100, np.uint8)
    assert np.allclose(decode(grey, "smooth"), 100)
    chequered = decode(grey, "chequered")
    assert chequered.mean() == pytest.approx(100, abs=0.5)
    inner = chequered[:-2, :-2, 0]
    assert len(np.unique(inner.round(3))) == 3  # both, one or no axis between two pixels
    tap = GENERATORS["chequered"]
    assert inner.max() / inner.min() == pytest.approx((2 * tap) ** 2, rel=1e-4)
