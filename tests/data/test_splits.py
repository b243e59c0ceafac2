"""Which image is in which split: by protocol, shares, seed and fold."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from fakefaces.base.paths import Layout
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import (
    assign_folds,
    assign_validation,
    cv_splits,
    grouped_split,
    images_digest,
    read_split,
    reference_split,
)
from fakefaces.params.file import load
from pipelines import split as stage
from tests.conftest import write_photographs


def faces_of(reals: int, **fakes: int) -> pd.DataFrame:
    """A table with so many reals, and so many fakes of each difficulty."""
    names = [("", 0)] * reals + [(difficulty, 1) for difficulty, count in fakes.items() for _ in range(count)]
    table = pd.DataFrame(names, columns=["difficulty", "label"])
    return table.assign(image=[f"{k:05d}.jpg" for k in range(len(table))])


def test_the_reference_splits_twice_with_one_seed():
    faces = faces_of(1081, easy=240, mid=480, hard=240)
    strata = faces["label"].map({0: "real", 1: "fake"}) + faces["difficulty"]
    rest, test = train_test_split(faces.index, test_size=0.1, random_state=3, stratify=strata)
    _, validation = train_test_split(rest, test_size=0.11, random_state=3, stratify=strata[rest])
    split = reference_split(faces, test_size=0.1, validation_size=0.11, seed=3)
    assert set(faces.index[split == "test"]) == set(test)
    assert set(faces.index[split == "validation"]) == set(validation)


def test_a_stratum_that_is_too_small_joins_its_own_class():
    faces = faces_of(120, easy=117, mid=3)
    split = reference_split(faces, test_size=0.1, validation_size=0.11, seed=1)
    for name, expected in {"test": 12, "validation": 12}.items():
        labels = faces.loc[split == name, "label"]
        assert (labels.sum(), (labels == 0).sum()) == (expected, expected)


def test_each_split_tests_one_fold_and_validates_on_images_of_the_next():
    table = pd.DataFrame({"split": "unused", "fold": [0, 0, 1, 1, 2, 2], "validates": [0, 1] * 3})
    splits = cv_splits(table)
    assert [(split.fold, split.n_splits) for split in splits] == [(0, 3), (1, 3), (2, 3)]
    assert [list(split.table["split"]) for split in splits] == [
        ["test", "test", "train", "validation", "train", "train"],
        ["train", "train", "test", "test", "train", "validation"],
        ["train", "validation", "train", "train", "test", "test"],
    ]
    assert [list(split.train.index) for split in splits] == [[2, 4, 5], [0, 1, 4], [0, 2, 3]]
    assert [list(split.validation.index) for split in splits] == [[3], [5], [1]]
    assert [list(split.test.index) for split in splits] == [[0, 1], [2, 3], [4, 5]]
    assert [list(split.unseen.index) for split in splits] == [[0, 1, 3], [2, 3, 5], [1, 4, 5]]


@pytest.mark.parametrize("protocol", ["reference", "grouped", "folds"])
def test_the_stage_splits_by_the_protocol_the_shares_and_the_seed_of_the_parameters(workspace, protocol):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    values = {"protocol": protocol, "test_size": 0.3, "validation_size": 0.2, "n_splits": 3}
    params = params.model_copy(update={"seed": 5, "split": params.split.model_copy(update=values)})
    names = [f"training_fake/easy_{k}_1111.jpg" for k in (0, 4)], [f"training_real/real_0000{k}.jpg" for k in (0, 4)]
    layout.reports.mkdir()
    pairs = pd.DataFrame([*names, (names[0][1], names[1][0])], columns=["a", "b"]).assign(inliers=99)
    pairs.to_csv(layout.duplicate_pairs, index=False)
    stage.main(params, layout)
    table, faces = read_split(layout.split), list_photographs(layout.data)
    assert table["image"].equals(faces["image"])
    related = table["image"].isin([name for pair in names for name in pair])
    assert table.loc[related, "group"].nunique() == 1
    assert table["group"].nunique() == 77
    shares = {"test_size": 0.3, "validation_size": 0.2}
    if protocol == "reference":
        assert table["split"].equals(reference_split(faces, **shares, seed=5))
    elif protocol == "grouped":
        assert table["split"].equals(grouped_split(faces, table["group"], **shares, seed=5))
    else:
        fold = assign_folds(faces, table["group"], n_splits=3, seed=5)
        validates = assign_validation(faces, table["group"], fold, validation_size=0.2, seed=5)
        assert (table["fold"] == fold).all()
        assert (table["validates"] == validates).all()
        assert (table["split"] == cv_splits(table)[0].table["split"]).all()
        assert (table["split"] == "test").equals(table["fold"] == 0)


def test_a_table_of_images_reads_back_as_it_was_written(tmp_path):
    lines = ["image,label,difficulty,left_eye,right_eye,nose,mouth,group,split", "NA,0,,0,0,0,0,007,train"]
    (tmp_path / "split.csv").write_text("\n".join([*lines, "nan,1,hard,,,,,012,test\n"]))
    table = read_split(tmp_path / "split.csv")
    assert list(table["image"]) == ["NA", "nan"]
    assert list(table["group"]) == ["007", "012"]  # a name, not a number
    assert list(table["difficulty"]) == ["", "hard"]
    assert table["nose"].isna().tolist() == [False, True]


def test_the_digest_of_images_depends_on_which_file_has_which_label():
    table = pd.DataFrame({"sha256": ["a", "b", "c"], "label": [0, 1, 1]})
    assert images_digest(table) != images_digest(table.assign(sha256=["a", "b", "d"]))
    assert images_digest(table) != images_digest(table.assign(sha256=["b", "a", "c"]))
    shuffled = table.sample(frac=1, random_state=np.random.RandomState(0))
    assert images_digest(table) == images_digest(shuffled)


def test_the_folder_holds_the_label_and_the_file_name_the_parts(tmp_path):
    faces = list_photographs(write_photographs(tmp_path / "few", reals=2, fakes=3))
    assert [tuple(row) for row in faces.astype(object).itertuples(index=False)] == [
        ("training_fake/easy_0_1111.jpg", 1, "easy", 1, 1, 1, 1),
        ("training_fake/mid_1_0011.jpg", 1, "mid", 0, 0, 1, 1),
        ("training_fake/mid_2_1100.jpg", 1, "mid", 1, 1, 0, 0),
        ("training_real/real_00000.jpg", 0, "", 0, 0, 0, 0),  # no part of a real image is replaced
        ("training_real/real_00001.jpg", 0, "", 0, 0, 0, 0),
    ]
