import pytest

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
