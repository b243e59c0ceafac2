"""What people write of their scores: names, columns, and each fault with its line."""

import pytest

from fakefaces.base.errors import DataError
from fakefaces.benchmark.predictions import Columns, read_predictions
from tests.benchmark.sets import digest, scores_of, small_set, written


@pytest.fixture(scope="module")
def grouped():
    return small_set()


FIRST = "training_real/real_00002.jpg"  # a test image


def table(folder, *rows: str, header: str = "image,score"):
    path = folder / "theirs.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    "name",
    [FIRST, "real_00002.jpg", "/data/set/training_real/real_00002.jpg", "C:\\set\\training_real\\real_00002.jpg",
     digest(FIRST), digest(FIRST).upper()],
)  # fmt: skip
def test_images_are_named_by_digest_path_or_name(tmp_path, grouped, name):
    read = read_predictions(table(tmp_path, f"{name},0.25"), grouped)
    assert read.scores.to_dict("records") == [{"image": FIRST, "split": "test", "p_fake": 0.25}]
    assert any("matched by name" in note for note in read.notes) == (len(name) != 64)


@pytest.mark.parametrize("header", ["sha256,p_fake", "path,probability", "File;Score", "img\tpred"])
def test_usual_columns_are_known_and_said(tmp_path, grouped, header):
    mark = next(mark for mark in ";\t," if mark in header)
    name = digest(FIRST) if "sha256" in header else FIRST
    read = read_predictions(table(tmp_path, f"{name}{mark}0.25", header=header), grouped)
    assert list(read.scores["p_fake"]) == [0.25]
    assert any(header.split(mark)[1] in note for note in read.notes)


def test_other_columns_are_named_by_options(tmp_path, grouped):
    path = table(tmp_path, f"{FIRST},0.9,0.1", header="photo,real_score,fake_score")
    with pytest.raises(
        DataError, match="no column image; there are: photo, real_score, fake_score.*--image-column NAME"
    ):
        read_predictions(path, grouped)
    assert list(read_predictions(path, grouped, Columns("photo", "fake_score")).scores["p_fake"]) == [0.1]
    with pytest.raises(DataError, match="--score-column nope: no such column"):
        read_predictions(path, grouped, Columns("photo", "nope"))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"{FIRST},nan", "line 2: score: NaN; leave out the row"),
        (f"{FIRST},", "line 2: score: it is empty; leave out the row"),
        (f"{FIRST},1.5", "line 2: score: 1.5 is not between 0 and 1; the probability of fake"),
        (f"{FIRST},-inf", "line 2: score: -inf is not between 0 and 1"),
        (f"{FIRST},fake", "line 2: score: 'fake' is no number"),
        ("unheard_of.jpg,0.5", "line 2: unheard_of.jpg: no image of this set has this sha256 or name"),
        (",0.5", "line 2: .empty.: no image of this set"),
        (f"{FIRST},0.1\n{digest(FIRST)},0.1", "line 3: .*: line 2 has a score of the same image"),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path, grouped, row, fault):
    with pytest.raises(DataError, match=fault):
        read_predictions(table(tmp_path, row), grouped)


def test_many_faults_are_counted(tmp_path, grouped):
    with pytest.raises(DataError, match=r"30 of 31 rows cannot be used:(\n  line \d+.*){10}\n  and 20 more$"):
        read_predictions(table(tmp_path, *(f"no{k}.jpg,0.5" for k in range(30)), f"{FIRST},0.5"), grouped)


@pytest.mark.parametrize(
    ("text", "fault"), [("", "it is empty; .* such as sha256,score"), ("image,score\n", "no row in it")]
)
def test_a_table_without_rows_is_an_error(tmp_path, grouped, text, fault):
    (tmp_path / "theirs.csv").write_text(text)
    with pytest.raises(DataError, match=fault):
        read_predictions(tmp_path / "theirs.csv", grouped)


def test_scores_of_training_images_are_left_out_and_counted(tmp_path, grouped):
    read = read_predictions(written(tmp_path / "all.csv", scores_of(grouped)), grouped)
    assert read.scores["split"].value_counts().to_dict() == {"test": 40, "validation": 20}
    assert "20 scores are left out: this set trains on these images" in read.notes
    with pytest.raises(DataError, match="none of the scored images is a test image"):
        read_predictions(table(tmp_path, "real_00000.jpg,0.1"), grouped)


def test_with_folds_every_image_is_tested_and_a_column_tells_scores_of_validation(tmp_path):
    folds = small_set(folds=4)
    read = read_predictions(written(tmp_path / "all.csv", scores_of(folds)), folds)
    assert list(read.scores["split"].unique()) == ["test"] and len(read.scores) == 80
    validates = folds.images[folds.images["validates"] == 1]["image"].iloc[0]
    path = table(tmp_path, f"{validates},test,0.1", f"{validates},val,0.2", header="image,split,score")
    assert dict(zip(*[read_predictions(path, folds).scores[c] for c in ("split", "p_fake")], strict=True)) == {
        "test": 0.1,
        "validation": 0.2,
    }


def test_one_name_in_two_folders_needs_more_than_a_name(tmp_path, grouped):
    twice = small_set()
    twice.images.loc[0, "image"] = "training_fake/more/real_00002.jpg"
    with pytest.raises(DataError, match="2 images of this set have this name; name it by its sha256"):
        read_predictions(table(tmp_path, "real_00002.jpg,0.5"), twice)
    assert list(read_predictions(table(tmp_path, f"{FIRST},0.5"), twice).scores["image"]) == [FIRST]
