import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.faces import find_faces, parts_of
from fakefaces.data.splits import images_digest, read_split, split_faces
from tests.conftest import write_photographs


def public_set() -> pd.DataFrame:
    """A table with the counts of the public set: 1,081 reals; 240 easy, 480 mid, 240 hard fakes."""
    names = [("", 0)] * 1081 + [("easy", 1)] * 240 + [("mid", 1)] * 480 + [("hard", 1)] * 240
    table = pd.DataFrame(names, columns=["difficulty", "label"])
    return table.assign(image=[f"{k:05d}.jpg" for k in range(len(table))])


def test_the_reference_sizes_on_the_public_counts():
    split = split_faces(public_set(), test_size=0.1, validation_size=0.11, seed=3)
    assert split["split"].value_counts().to_dict() == {"train": 1634, "validation": 202, "test": 205}
    test = split[split["split"] == "test"]
    assert (test["label"] == 0).sum() == 109  # as on the slides
    assert test["difficulty"].value_counts().to_dict() == {"": 109, "mid": 48, "easy": 24, "hard": 24}


def test_the_seed_decides():
    faces = public_set()
    one, same, other = (split_faces(faces, test_size=0.1, validation_size=0.11, seed=s)["split"] for s in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_names_tell_difficulty_and_parts():
    assert parts_of("mid_12_0011.jpg") == ("mid", (0, 0, 1, 1))
    assert parts_of("easy_116_111.jpg") == ("easy", (None,) * 4)  # a file of the public set
    assert parts_of("holiday.jpg") == ("", (None,) * 4)


def test_find_faces_reads_ciplab_and_plain_folders(tmp_path, photographs):
    faces = find_faces(photographs)
    assert len(faces) == 80
    assert faces["label"].sum() == 40
    assert list(faces.columns) == ["image", "label", "difficulty", "left_eye", "right_eye", "nose", "mouth"]
    plain = tmp_path / "plain"
    (photographs / "training_real").rename(photographs / "real")
    (photographs / "training_fake").rename(photographs / "fake")
    photographs.rename(plain)
    (plain / "real" / ".DS_Store").touch()
    assert len(find_faces(tmp_path)) == 80  # at any depth


def test_the_kaggle_archive_holds_its_set_twice(tmp_path):
    write_photographs(tmp_path / "real_and_fake_face")
    write_photographs(tmp_path / "real_and_fake_face_detection" / "real_and_fake_face")
    faces = find_faces(tmp_path)
    assert len(faces) == 80
    assert faces["image"].str.startswith("real_and_fake_face/").all()


def test_two_different_sets_are_refused(tmp_path):
    write_photographs(tmp_path / "one", reals=12)
    write_photographs(tmp_path / "two", reals=13)
    with pytest.raises(DataError, match="two sets"):
        find_faces(tmp_path)


@pytest.mark.parametrize("missing", ["training_real", "training_fake"])
def test_an_absent_or_empty_class_is_named(photographs, missing):
    for path in (photographs / missing).iterdir():
        path.unlink()
    with pytest.raises(DataError, match=f"{missing}.*both classes"):
        find_faces(photographs)
    (photographs / missing).rmdir()
    with pytest.raises(DataError, match=missing):
        find_faces(photographs)


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(DataError, match="training_real"):
        find_faces(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        find_faces(tmp_path / "nowhere")


def test_too_few_images_are_refused(tmp_path):
    faces = find_faces(write_photographs(tmp_path / "few", reals=9))
    with pytest.raises(DataError, match="only 9 real"):
        split_faces(faces, test_size=0.1, validation_size=0.11, seed=0)


def test_the_stage_writes_a_table_that_reads_back(workspace):
    from fakefaces.base.layout import Layout
    from fakefaces.base.params import load
    from pipelines.split import main

    layout = Layout(workspace)
    main(load(workspace / "params.yaml"), layout)
    table = read_split(layout.split)
    assert list(table.columns) == [
        "image", "label", "difficulty", "left_eye", "right_eye", "nose", "mouth", "group", "split",
    ]  # fmt: skip
    assert table["split"].value_counts().to_dict() == {"train": 64, "validation": 8, "test": 8}
    assert table["nose"].dtype == "Int64"


def test_a_rare_difficulty_does_not_stop_the_split():
    faces = public_set().iloc[1000:1200].reset_index(drop=True)
    faces.loc[len(faces) - 1, "difficulty"] = "hard"
    split = split_faces(faces, test_size=0.1, validation_size=0.11, seed=0)
    assert (split["split"] != "").all()


def test_images_digest_knows_bytes_and_labels_but_no_order():
    table = pd.DataFrame({"sha256": ["a", "b", "c"], "label": [0, 1, 1]})
    shuffled = table.sample(frac=1, random_state=np.random.RandomState(0))
    assert images_digest(table) == images_digest(shuffled)
    assert images_digest(table) != images_digest(table.assign(label=[1, 1, 1]))
