import hashlib
import os
import shutil
from itertools import cycle

import numpy as np
import pandas as pd
import pytest

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.data.faces import parts_of
from fakefaces.data.given_splits import write_splits
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import (
    all_test_images,
    assign_folds,
    assign_validation,
    cv_splits,
    grouped_split,
    images_digest,
    read_split,
    reference_split,
)
from fakefaces.params.file import load
from pipelines import split as split_stage
from tests.conftest import write_photographs


def public_set() -> pd.DataFrame:
    """A table with the counts of the public set: 1,081 reals; 240 easy, 480 mid, 240 hard fakes."""
    names = [("", 0)] * 1081 + [("easy", 1)] * 240 + [("mid", 1)] * 480 + [("hard", 1)] * 240
    table = pd.DataFrame(names, columns=["difficulty", "label"])
    return table.assign(image=[f"{k:05d}.jpg" for k in range(len(table))])


def with_groups(faces: pd.DataFrame, several: int = 235) -> pd.Series:
    """Some photographs stand behind two to seven images, as in the public set; labels mix."""
    rng = np.random.default_rng(5)
    group, order = faces["image"].copy(), list(rng.permutation(len(faces)))
    for k in range(several):
        for _ in range(rng.choice([2, 2, 2, 3, 4, 7])):
            group.iloc[order.pop()] = f"shared {k}"
    return group


SHARES = {"test_size": 0.1, "validation_size": 0.11}


def test_the_reference_sizes_on_the_public_counts():
    faces = public_set()
    split = reference_split(faces, **SHARES, seed=3)
    assert split.value_counts().to_dict() == {"train": 1634, "validation": 202, "test": 205}
    test = faces[split == "test"]
    assert (test["label"] == 0).sum() == 109  # as on the slides
    assert test["difficulty"].value_counts().to_dict() == {"": 109, "mid": 48, "easy": 24, "hard": 24}


def test_subsets_have_the_sizes_and_classes_of_draws_of_whole_groups():
    """Means and spreads over seeds are those that the module's docstring gives, for each class."""
    faces = public_set()
    group = with_groups(faces)
    splits = [grouped_split(faces, group, **SHARES, seed=seed) for seed in range(50)]
    folds = [assign_folds(faces, group, n_splits=5, seed=seed) for seed in range(50)]
    assert all(split.groupby(group).nunique().max() == 1 for split in (*splits[:3], *folds[:3]))
    drawn = {"test": (splits, 0.1), "validation": (splits, 0.099), "train": (splits, 0.801), 3: (folds, 0.2)}
    for name, (subsets, share) in drawn.items():
        for label in (0, 1):
            counts = np.array([((subset == name) & (faces["label"] == label)).sum() for subset in subsets])
            sizes = group[faces["label"] == label].value_counts()
            deviation = np.sqrt(share * (1 - share) * (sizes**2).sum())
            assert abs(counts.mean() - share * sizes.sum()) < 4 * deviation / np.sqrt(50)
            assert 0.6 < counts.std() / deviation < 1.4


CHANGES = {
    "added": lambda faces: pd.concat(
        [faces, pd.DataFrame({"label": [0, 1] * 20, "difficulty": "", "image": [f"new {k}" for k in range(40)]})]
    ).sort_values("image", ignore_index=True),
    "removed": lambda faces: faces.drop(index=faces.index[::9]).reset_index(drop=True),
    "relabelled": lambda faces: faces.assign(label=faces["label"].where(faces.index % 7 > 0, 1 - faces["label"])),
    "in another order": lambda faces: faces.iloc[::-1].reset_index(drop=True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_photographs_that_come_go_or_change_their_label_move_no_others(change):
    faces = public_set().iloc[900:1300].reset_index(drop=True)
    others = CHANGES[change](faces)

    def places(table: pd.DataFrame) -> pd.DataFrame:
        group = table["image"].str[:-1]  # ten images are of one photograph
        fold = assign_folds(table, group, n_splits=3, seed=2)
        validates = assign_validation(table, group, fold, validation_size=0.2, seed=2)
        split = grouped_split(table, group, test_size=0.2, validation_size=0.2, seed=2)
        return pd.DataFrame({"split": split, "fold": fold, "validates": validates}).set_index(table["image"])

    before, after = places(faces), places(others)
    kept = before.index.intersection(after.index)
    assert len(kept) > 300
    assert before.loc[kept].equals(after.loc[kept])


def test_a_small_set_has_both_classes_in_every_subset():
    """The group that missed a subset by least is borrowed, and only where the hashes leave it without a class."""
    faces = public_set().iloc[1066:1096].reset_index(drop=True)  # fifteen of each class
    for seed in range(10):
        split = grouped_split(faces, faces["image"], **SHARES, seed=seed)
        assert (pd.crosstab(split, faces["label"]) > 0).all(axis=None)
        fold = assign_folds(faces, faces["image"], n_splits=5, seed=seed)
        assert (pd.crosstab(fold, faces["label"]) > 0).all(axis=None)


def test_in_folds_each_image_is_tested_once_by_a_model_that_never_saw_its_photograph():
    faces = public_set()
    group = with_groups(faces)
    fold = assign_folds(faces, group, n_splits=5, seed=3)
    validates = assign_validation(faces, group, fold, validation_size=0.11, seed=3)
    table = faces.assign(group=group, fold=fold, validates=validates)
    assert table.groupby("group")["fold"].nunique().max() == 1
    splits = cv_splits(table)
    assert [(split.fold, split.n_splits) for split in splits] == [(k, 5) for k in range(5)]
    for split in splits:
        assert split.test.index.equals(table.index[fold == split.fold])
        assert set(split.validation["fold"]) == {(split.fold + 1) % 5}
        assert len(split.train) + len(split.validation) + len(split.test) == len(table)
        assert split.unseen.index.equals(split.validation.index.union(split.test.index))
        assert split.table.groupby("group")["split"].nunique().max() == 1
        rest = pd.concat([split.train, split.validation])
        assert len(split.validation) / len(rest) == pytest.approx(0.11, abs=0.04)  # so eight ninths train
    tests = all_test_images(splits)
    assert list(tests["image"]) == sorted(faces["image"])  # each image once
    assert tests.set_index("image")["fold"].equals(table.set_index("image")["fold"])
    # The validation scores of all folds are scores of different images, too.
    assert not pd.concat([split.validation for split in splits])["image"].duplicated().any()


def test_with_many_folds_a_whole_fold_validates():
    faces = public_set()
    group = with_groups(faces)
    fold = assign_folds(faces, group, n_splits=20, seed=3)
    validates = assign_validation(faces, group, fold, validation_size=0.11, seed=3)
    assert (validates == 1).all()
    first = cv_splits(faces.assign(fold=fold, validates=validates))[0]
    assert first.validation.index.equals(faces.index[fold == 1])


def test_without_folds_there_is_one_split():
    table = pd.DataFrame({"image": ["a", "b"], "split": ["train", "test"]})
    (split,) = cv_splits(table)
    assert (split.fold, split.n_splits) == (0, 1)
    assert [list(rows["image"]) for rows in (split.train, split.validation, split.test)] == [["a"], [], ["b"]]


@pytest.mark.parametrize("divide", [grouped_split, reference_split])
def test_the_seed_decides(divide):
    faces = public_set()
    group = (with_groups(faces),) if divide is grouped_split else ()
    one, same, other = (divide(faces, *group, **SHARES, seed=s) for s in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_too_few_photographs_are_refused():
    faces = public_set().iloc[1060:1120].reset_index(drop=True)
    one = pd.Series("all the same", index=faces.index)
    with pytest.raises(DataError, match="show only 1 photographs"):
        grouped_split(faces, one, **SHARES, seed=0)
    with pytest.raises(DataError, match="5 folds of 1 groups"):
        assign_folds(faces, one, n_splits=5, seed=0)
    four = pd.Series([f"g{k % 4}" for k in range(len(faces))])
    with pytest.raises(DataError, match="5 folds of 4 groups"):
        assign_folds(faces, four, n_splits=5, seed=0)
    by_label = faces["label"].map({0: "reals", 1: "fakes"})
    fold = pd.Series(np.arange(len(faces)) % 3, index=faces.index)
    with pytest.raises(DataError, match=r"split.validation_size: 0.3 leaves the validation images of fold 0 without"):
        assign_validation(faces, by_label + fold.astype(str), fold, validation_size=0.3, seed=2)
    with pytest.raises(DataError, match="both classes"):
        grouped_split(faces, by_label, **SHARES, seed=0)


def test_file_names_hold_difficulty_and_parts():
    assert parts_of("mid_12_0011.jpg") == ("mid", (0, 0, 1, 1))
    assert parts_of("easy_116_111.jpg") == ("easy", (None,) * 4)  # a file of the public set
    assert parts_of("holiday.jpg") == ("", (None,) * 4)


def test_names_that_no_table_can_hold_are_refused(photographs):
    (photographs / "training_real" / os.fsdecode(b"caf\xe9.jpg")).touch()
    with pytest.raises(DataError, match=r"names that are not UTF-8: training_real/caf\\xe9.jpg; rename"):
        list_photographs(photographs)


def test_list_photographs_reads_ciplab_and_plain_folders(tmp_path, photographs):
    faces = list_photographs(photographs)
    assert len(faces) == 80
    assert faces["label"].sum() == 40
    assert list(faces.columns) == ["image", "label", "difficulty", "left_eye", "right_eye", "nose", "mouth"]
    plain = tmp_path / "plain"
    (photographs / "training_real").rename(photographs / "real")
    (photographs / "training_fake").rename(photographs / "fake")
    photographs.rename(plain)
    (plain / "real" / ".DS_Store").touch()
    assert len(list_photographs(tmp_path)) == 80  # at any depth


def test_the_kaggle_archive_holds_its_set_twice(tmp_path):
    write_photographs(tmp_path / "real_and_fake_face")
    write_photographs(tmp_path / "real_and_fake_face_detection" / "real_and_fake_face")
    faces = list_photographs(tmp_path)
    assert len(faces) == 80
    assert faces["image"].str.startswith("real_and_fake_face/").all()


def test_two_different_sets_are_refused(tmp_path):
    write_photographs(tmp_path / "one", reals=12)
    write_photographs(tmp_path / "two", reals=13)
    with pytest.raises(DataError, match="two sets"):
        list_photographs(tmp_path)


@pytest.mark.parametrize("missing", ["training_real", "training_fake"])
def test_an_absent_or_empty_class_is_named(photographs, missing):
    for path in (photographs / missing).iterdir():
        path.unlink()
    with pytest.raises(DataError, match=f"{missing}.*both classes"):
        list_photographs(photographs)
    (photographs / missing).rmdir()
    with pytest.raises(DataError, match=missing):
        list_photographs(photographs)


def test_an_error_about_an_empty_folder_names_the_expected_layout(tmp_path):
    with pytest.raises(DataError, match="training_real"):
        list_photographs(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        list_photographs(tmp_path / "nowhere")


def test_too_few_images_are_refused(tmp_path):
    faces = list_photographs(write_photographs(tmp_path / "few", reals=9))
    with pytest.raises(DataError, match="only 9 real"):
        reference_split(faces, **SHARES, seed=0)


@pytest.mark.parametrize("protocol", ["reference", "grouped", "folds"])
def test_the_stage_writes_a_table_that_reads_back(workspace, protocol):
    from fakefaces.base.paths import Layout
    from fakefaces.params.file import load
    from pipelines import duplicates, split

    layout, params = Layout(workspace), load(workspace / "params.yaml")
    params = params.model_copy(update={"split": params.split.model_copy(update={"protocol": protocol})})
    shutil.copy(layout.data / "training_real" / "real_00000.jpg", layout.data / "training_real" / "real_90000.jpg")
    duplicates.main(params, layout)
    split.main(params, layout)
    table = read_split(layout.split)
    assert list(table.columns) == [
        "image", "label", "difficulty", "left_eye", "right_eye", "nose", "mouth", "group", "split",
    ] + ["fold", "validates"] * (protocol == "folds")  # fmt: skip
    assert table["nose"].dtype == "Int64"
    assert len(table) == 81
    assert table["group"].nunique() == 80
    assert set(table["split"]) == {"train", "validation", "test"}
    if protocol != "reference":
        assert table.groupby("group")["split"].nunique().max() == 1


def test_the_names_of_files_and_folders_move_no_photograph(workspace):
    from pipelines import duplicates

    layout, params = Layout(workspace), load(workspace / "params.yaml")
    shutil.copy(layout.data / "training_real" / "real_00000.jpg", layout.data / "training_real" / "real_90000.jpg")

    def places() -> dict[str, tuple[str, str]]:
        duplicates.main(params, layout)
        split_stage.main(params, layout)
        table = read_split(layout.split)
        contents = [hashlib.sha256((layout.data / image).read_bytes()).hexdigest() for image in table["image"]]
        return dict(zip(contents, zip(table["group"], table["split"], strict=True), strict=True))

    before = places()
    for k, path in enumerate(sorted(layout.data.rglob("*.jpg"))[::3]):
        path.rename(path.with_name(f"{(41 * k) % 97:02d} renamed.jpg"))
    (layout.data / "training_real" / "real_90000.jpg").unlink(missing_ok=True)
    (layout.data / "training_real" / "real_00001.jpg").rename(layout.data / "training_fake" / "relabelled.jpg")
    assert places() == before


def test_a_rare_difficulty_does_not_stop_the_split():
    faces = public_set().iloc[1000:1200].reset_index(drop=True)
    faces.loc[len(faces) - 1, "difficulty"] = "hard"
    for split in (reference_split(faces, **SHARES, seed=0), grouped_split(faces, faces["image"], **SHARES, seed=0)):
        assert (split != "").all()


def test_images_digest_knows_bytes_and_labels_but_no_order():
    table = pd.DataFrame({"sha256": ["a", "b", "c"], "label": [0, 1, 1]})
    shuffled = table.sample(frac=1, random_state=np.random.RandomState(0))
    assert images_digest(table) == images_digest(shuffled)
    assert images_digest(table) != images_digest(table.assign(label=[1, 1, 1]))


def given(workspace, *splits: str) -> None:
    """Write data/splits.csv: every image is in the next of the splits."""
    images = sorted((workspace / "data").rglob("*.jpg"))
    write_splits(
        workspace / "data",
        {
            hashlib.sha256(path.read_bytes()).hexdigest(): name
            for path, name in zip(images, cycle(splits), strict=False)
            if name
        },
    )


def test_splits_that_the_set_came_with_are_kept_by_content(workspace):
    given(workspace, "train", "train", "validation", "test", "")
    layout = Layout(workspace)
    faces = list_photographs(layout.data)
    renamed = layout.data / faces["image"][3]
    renamed.rename(renamed.with_name("renamed.jpg"))
    layout.duplicate_pairs.parent.mkdir()
    layout.duplicate_pairs.write_text("a,b\n")
    split_stage.main(load(workspace / "params.yaml"), layout)
    table = read_split(layout.split).set_index("image")["split"]
    assert table.value_counts().to_dict() == {"train": 48, "validation": 16, "test": 16}
    assert table[renamed.with_name("renamed.jpg").relative_to(layout.data).as_posix()] == "test"


def test_without_validation_images_some_of_train_validate(workspace):
    given(workspace, "train", "train", "train", "test")
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    layout.duplicate_pairs.parent.mkdir()
    layout.duplicate_pairs.write_text("a,b\n")
    split_stage.main(params, layout)
    counts = read_split(layout.split)["split"].value_counts()
    assert counts["test"] == 20
    assert 4 <= counts["validation"] <= 9
    folds = params.model_copy(update={"split": params.split.model_copy(update={"protocol": "folds"})})
    with pytest.raises(DataError, match="split.protocol is folds"):
        split_stage.main(folds, layout)
