import shutil
from collections import Counter
from pathlib import Path

import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.photographs import is_photograph, list_photographs, other_files
from fakefaces.ingest.layouts import class_of, read_class_folders, read_folder
from tests.conftest import ROOT, write_photographs


def renamed(root: Path, real: str, fake: str) -> Path:
    write_photographs(root, reals=3, fakes=4)
    for old, new in (("training_real", real), ("training_fake", fake)):
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)
    return root


def counts(layout) -> tuple[int, int]:
    labels = Counter(photograph.label for photograph in layout.photographs)
    return labels[0], labels[1]


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        ("Real", "Fake"),
        ("REAL", "FAKE"),
        ("0_real", "1_fake"),
        ("original", "manipulated"),
        ("deep/er/training_real", "deep/er/training_fake"),
        ("real_images", "fake_images"),
        ("Authentic", "Tampered"),
        ("original_sequences", "Deepfakes"),
        ("bona_fide", "AI-generated images"),
    ],
)
def test_class_folders_are_recognized_by_their_names(tmp_path, real, fake):
    layout = read_folder(renamed(tmp_path / "set", real, fake))
    assert counts(layout) == (3, 4)
    assert Path(real).name in layout.notes[0] and Path(fake).name in layout.notes[0]


def test_words_that_say_nothing_are_no_classes():
    for word in ("faces", "real_and_fake_face", "images", "train", "unreal", "not_fake", "non-fake", "1", ""):
        assert class_of(word) is None, word


def test_split_folders_are_read_on_either_side_of_the_classes(tmp_path):
    for split in ("train", "valid", "test"):
        renamed(tmp_path / "one" / split, "real", "fake")
        renamed(tmp_path / "two", f"real/{split}", f"fake/{split}")
    for name in ("one", "two"):
        layout = read_folder(tmp_path / name)
        splits = Counter(photograph.split for photograph in layout.photographs)
        assert splits == {"train": 7, "validation": 7, "test": 7}
        assert "the folders name splits: 7 train, 7 validation, 7 test" in layout.notes


def test_litter_masks_and_texts_are_not_photographs_and_all_but_litter_is_named(tmp_path):
    root = renamed(tmp_path / "set", "real", "fake")
    (root / "__MACOSX" / "fake").mkdir(parents=True)
    for path in ("__MACOSX/fake/._a.jpg", "real/.DS_Store", "real/Thumbs.db", "fake/._b.jpg"):
        (root / path).write_bytes(b"litter")
    image = next((root / "fake").glob("easy*.jpg"))
    (root / "gt").mkdir()
    for path in (root / "gt" / image.name, image.with_name(f"{image.stem}_mask.png")):
        shutil.copy(image, path)
    (root / "real" / "README.txt").write_text("text")
    (root / "unsorted").mkdir()
    shutil.copy(image, root / "unsorted")
    layout = read_folder(root)
    assert counts(layout) == (3, 4)
    notes = "\n".join(layout.notes)
    assert "unsorted/ (1)" in notes and "--real DIR --fake DIR" in notes
    assert "real/README.txt" in notes
    assert "gt/" in notes and "_mask.png" in notes
    assert "MACOSX" not in notes and "DS_Store" not in notes


def test_the_sample_keeps_its_masks_and_its_manifest():
    layout = read_folder(ROOT / "samples")
    assert counts(layout) == (424, 376)
    assert len(layout.masks) == 376
    assert layout.manifest == ROOT / "samples" / "manifest.csv"


def test_class_folders_that_are_links_are_followed_and_circles_are_not(tmp_path):
    elsewhere = renamed(tmp_path / "elsewhere", "a", "b")
    root = tmp_path / "set"
    (root / "train").mkdir(parents=True)
    (root / "real").symlink_to(elsewhere / "a")
    (root / "train" / "fake").symlink_to(elsewhere / "b")
    (root / "train" / "up").symlink_to(root)
    (root / "train" / "more").symlink_to(elsewhere / "a")
    (elsewhere / "a" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    layout = read_folder(root)
    assert counts(layout) == (3, 4)
    (note,) = [note for note in layout.notes if "links" in note]
    assert all(name in note for name in ("train/up", "train/more", "real/gone.jpg"))


def test_unknown_names_are_asked_for_and_can_be_given(tmp_path):
    root = renamed(tmp_path / "set", "yes", "no")
    with pytest.raises(DataError, match=r"no/ \(4\), yes/ \(3\).*--real DIR --fake DIR"):
        read_folder(root)
    assert counts(read_class_folders(root, ["yes"], ["no"])) == (3, 4)
    assert counts(read_class_folders(None, [str(root / "yes")], [str(root / "no")])) == (3, 4)
    for reals, fakes, message in (
        (["yes"], [], "--fake DIR is missing"),
        (["yes"], ["absent"], "no such folder"),
        (["yes"], ["yes"], "lies in the other"),
        (["."], ["no"], "lies in the other"),
    ):
        with pytest.raises(DataError, match=message):
            read_class_folders(root, reals, fakes)


def test_one_class_and_photographs_of_both_are_refused(tmp_path):
    root = renamed(tmp_path / "set", "real", "faces")
    with pytest.raises(DataError, match=r"no folder of fake images.*faces/ \(4\)"):
        read_folder(root)
    (root / "faces").rename(root / "real" / "fake")
    with pytest.raises(DataError, match="in a folder of real and in one of fake"):
        read_folder(root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image in it"):
        read_folder(tmp_path / "empty")


def test_a_text_in_a_class_folder_is_no_photograph_and_an_image_without_a_suffix_is(tmp_path):
    root = write_photographs(tmp_path / "data", reals=3, fakes=3)
    (root / "training_real" / "notes.txt").write_text("text")
    (root / "training_real" / "list.csv").write_text("path\n")
    (root / "training_real" / "empty.jpg").touch()
    shutil.copy(root / "training_real" / "real_00000.jpg", root / "training_real" / "no_suffix")
    images = set(list_photographs(root)["image"])
    assert "training_real/no_suffix" in images and "training_real/empty.jpg" in images
    assert len(images) == 8
    assert other_files(root) == ["training_real/list.csv", "training_real/notes.txt"]
    assert not is_photograph(root / "training_real")


def test_two_sets_of_the_same_names_and_other_contents_are_not_taken_for_one(tmp_path):
    write_photographs(tmp_path / "one")
    write_photographs(tmp_path / "two", size=56)
    with pytest.raises(DataError, match="two sets.*80|two sets.*40"):
        list_photographs(tmp_path)
