import errno
from types import SimpleNamespace

import pytest

from fakefaces.base import files
from fakefaces.base.files import atomic_write, read_json, write_json, write_text


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "features"
    for name in ("old", "new"):
        with atomic_write(folder) as aside:
            aside.mkdir()
            (aside / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_text_has_unix_line_ends_and_json_keeps_its_order_and_refuses_nan(tmp_path):
    write_text(tmp_path / "a.txt", "é\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\nb\n"
    write_json(tmp_path / "a.json", {"b": "é", "a": [1]})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": "é",\n  "a": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(read_json(tmp_path / "a.json")) == ["b", "a"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError("4096 requested and 0 written")]
)
def test_a_full_disk_is_named_with_the_file_whoever_wrote_it(tmp_path, monkeypatch, error):
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    with (
        pytest.raises(OSError, match=r"\[Errno 28\] No space left on device: '.*arrays.npy'"),
        atomic_write(tmp_path / "arrays.npy"),
    ):
        raise error
    assert not list(tmp_path.iterdir())


def test_errors_that_say_where_stay_as_they_are(tmp_path):
    for error in (PermissionError(13, "no", "elsewhere"), ConnectionError("away"), OSError("of a library")):
        with pytest.raises(OSError) as raised, atomic_write(tmp_path / "a"):
            raise error
        assert raised.value is error
