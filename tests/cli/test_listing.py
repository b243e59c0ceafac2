"""Which files of a folder are scored, and what is said of the others."""

import os
from pathlib import Path

import pytest

from fakefaces.base.errors import DataError
from fakefaces.cli.listing import image_files
from tests.pictures import encoded, striped

PNG, JPEG = encoded(striped((9, 99, 200))), encoded(striped((9, 99, 200)), "JPEG")
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def write(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def names(folder: Path, **options: bool) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in image_files([folder], **options)]


def test_images_are_known_by_their_content_or_name_and_the_others_are_named(tmp_path, capfd):
    folder = write(
        tmp_path / "a",
        photo=JPEG, a__jfif=JPEG, b__mpo=JPEG, c__heic=HEIC, d__dat=PNG, e__jpg=b"", f__avif=b"?",
        notes__txt=b"BMW", g__csv=b"",
    )  # fmt: skip
    write(folder, **{"__DS_Store": b"x"})
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("nowhere")
    assert names(folder) == sorted(
        ["a.jfif", "b.mpo", "c.heic", "d.dat", "dangling", "e.jpg", "f.avif", "photo"], key=str
    )
    said = capfd.readouterr().err
    assert f"{folder}: not scored, as no images by content or name: g.csv, notes.txt\n" in said
    assert "hidden: .DS_Store\n" in said
    assert "not regular files: pipe\n" in said


def test_links_are_followed_where_they_are_named_or_lie_directly_in_what_is_named(tmp_path, capfd):
    outside = write(tmp_path / "outside", one__png=PNG, two__png=PNG)
    folder = write(tmp_path / "a", own__png=PNG)
    (folder / "class").symlink_to(outside)
    (folder / "link.png").symlink_to(outside / "one.png")
    deeper = write(folder / "deep")
    (deeper / "out").symlink_to(outside)
    (deeper / "file.png").symlink_to(outside / "two.png")
    (deeper / "within.png").symlink_to(folder / "own.png")
    (deeper / "circle").symlink_to(folder)
    (tmp_path / "named").symlink_to(folder)
    direct = ["class/one.png", "class/two.png", "deep/within.png", "link.png", "own.png"]
    assert names(folder) == names(tmp_path / "named") == direct
    said = capfd.readouterr().err
    assert "links out of the folder, which --follow-links takes in: file.png, out\n" in said
    assert "links to a folder that they lie in: circle\n" in said
    followed = ["deep/file.png", "deep/out/one.png", "deep/out/two.png"]
    assert names(folder, follow_links=True) == sorted([*direct, *followed])


def test_a_named_file_is_taken_whatever_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert image_files([path, tmp_path / "dangling"]) == [path, tmp_path / "dangling"]
    with pytest.raises(DataError, match="no such file or folder"):
        image_files([tmp_path / "absent"])


def test_names_of_any_kind_are_listed(tmp_path, capfd):
    odd = [b"a\nb.png", b"\xff.png", b"<!--<script>.png", b"x" * 251 + b".png", b"c\rd.txt"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(PNG if name.endswith(b"png") else b"no")
    assert len(image_files([tmp_path])) == 4
    assert "c\\rd.txt\n" in capfd.readouterr().err
