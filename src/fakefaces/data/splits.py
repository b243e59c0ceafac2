"""Split the images into train, validation and test, without separating images of one photograph.

``faces`` is a table of :func:`fakefaces.data.photographs.list_photographs`; ``group`` names the photograph of each of
its images, by its content. Results are indexed as ``faces``. Shares lie between 0 and 1. A split that would leave a
subset without both classes raises a DataError.

Where a group goes is decided by a hash of its name and the seed, so that photographs that come, go or change their
label move no others. It is a draw for each group on its own: of n groups that hold n_g images each, a subset of share
p gets p of the images on average, with a standard deviation of sqrt(p (1 - p) sum n_g^2) images, and so of each class.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import DataError
from fakefaces.data.attributes import PREFIX as ATTRIBUTE
from fakefaces.data.faces import FAKE, PARTS

SPLITS = ("train", "validation", "test")
SLICE = "slice_"  # the columns of groups that errors are counted by begin so
MOSTLY_FACES = 0.5  # share of images with a face from which on they count as photographs of faces
_MIN_CLASS_SIZE = 10  # images of a class below which a stratified split makes no sense


@dataclass(frozen=True, eq=False)
class CvSplit:
    """The images of one cross-validation fold, or of the only split."""

    fold: int  # 0 to n_splits - 1
    n_splits: int  # 1 where the protocol has no folds
    table: pd.DataFrame  # all images; the column ``split`` is train, validation or test in this fold

    @property
    def train(self) -> pd.DataFrame:
        """Training images."""
        return self.table[self.table["split"] == "train"]

    @property
    def validation(self) -> pd.DataFrame:
        """Images that choose epochs, settings and thresholds."""
        return self.table[self.table["split"] == "validation"]

    @property
    def test(self) -> pd.DataFrame:
        """Images that are evaluated."""
        return self.table[self.table["split"] == "test"]

    @property
    def unseen(self) -> pd.DataFrame:
        """Validation and test images together, in the order of ``table``."""
        return self.table[self.table["split"] != "train"]


def reference_split(faces: pd.DataFrame, *, test_size: float, validation_size: float, seed: int) -> pd.Series:
    """Split as the reference does: ``test_size`` of all images, then ``validation_size`` of the rest.

    Stratified by label and difficulty; images that share a photograph may be separated. With 0.1 and 0.11 the
    2,041 photographs of the public set give 1,634 / 202 / 205, the sizes on the reference's slides.
    """
    from sklearn.model_selection import train_test_split

    _check_class_sizes(faces, _MIN_CLASS_SIZE)
    smallest = min(test_size, (1 - test_size) * validation_size)
    strata = _strata(faces, minimum=max(3, round(1 / smallest)))  # each split can expect an image of each stratum
    try:
        rest, test = train_test_split(faces.index, test_size=test_size, random_state=seed, stratify=strata)
        train, validation = train_test_split(
            rest, test_size=validation_size, random_state=seed, stratify=strata.loc[rest]
        )
    except ValueError as error:
        raise DataError(f"params.yaml: split: these shares leave a split without both classes ({error})") from None
    split = pd.Series("", index=faces.index, dtype="str")
    for name, rows in zip(SPLITS, (train, validation, test), strict=True):
        split.loc[rows] = name
    return split


def grouped_split(
    faces: pd.DataFrame, group: pd.Series, *, test_size: float, validation_size: float, seed: int
) -> pd.Series:
    """Split by the shares of :func:`reference_split`, without separating a group."""
    _check_class_sizes(faces, _MIN_CLASS_SIZE)
    shares = [test_size, (1 - test_size) * validation_size]
    subset = _assign_groups(faces, group, [*shares, 1 - sum(shares)], f"{seed} split")
    split = pd.Series(np.asarray(("test", "validation", "train"))[subset], index=faces.index, dtype="str")
    _check_both_classes(faces, group, split, "split: the grouped protocol")
    return split


def assign_folds(faces: pd.DataFrame, group: pd.Series, *, n_splits: int, seed: int) -> pd.Series:
    """Assign whole groups to folds of about equal size, 0 to ``n_splits`` - 1."""
    _check_class_sizes(faces, n_splits)
    if group.nunique() < n_splits:
        raise DataError(
            f"params.yaml: split.n_splits: {n_splits} folds of {group.nunique()} groups; images of one photograph "
            "are never separated, so lower it or add photographs"
        )
    shares = [1 / n_splits] * n_splits
    fold = pd.Series(_assign_groups(faces, group, shares, f"{seed} fold"), index=faces.index)
    _check_both_classes(faces, group, fold, f"split.n_splits: {n_splits} folds")
    return fold


def assign_validation(
    faces: pd.DataFrame, group: pd.Series, fold: pd.Series, *, validation_size: float, seed: int
) -> pd.Series:
    """Mark by 1 the images that validate in the split before their fold's own, and all others by 0.

    The split that tests fold k validates on images of fold k + 1: whole groups, that make up ``validation_size`` of
    all images outside fold k. Where that is more than a fold, the whole fold validates.
    """
    share = validation_size * (fold.nunique() - 1)
    if share >= 1:
        return pd.Series(1, index=faces.index)
    validates = pd.Series(0, index=faces.index)
    for k, rows in fold.groupby(fold).groups.items():
        subset = _assign_groups(faces.loc[rows], group.loc[rows], [share, 1 - share], f"{seed} validation")
        validates.loc[rows] = (subset == 0).astype(int)
        if faces["label"].loc[rows][validates.loc[rows] == 1].nunique() < 2:
            raise DataError(
                f"params.yaml: split.validation_size: {validation_size} leaves the validation images of fold {k} "
                f"without both classes: its {len(rows)} images are of {group.loc[rows].nunique()} photographs; raise "
                "it, lower split.n_splits or add photographs"
            )
    return validates


def cv_splits(table: pd.DataFrame) -> list[CvSplit]:
    """The split of each fold; one split where the table has no column ``fold``.

    Split k tests fold k, validates on images of fold k + 1 whose ``validates`` is 1 and trains on the others, so each
    image is tested by exactly one model, which has seen no image of its photograph.
    """
    if "fold" not in table:
        return [CvSplit(0, 1, table)]
    fold, validates = table["fold"], table["validates"] == 1
    n_splits = int(fold.max()) + 1
    return [
        CvSplit(
            k,
            n_splits,
            table.assign(
                split=pd.Series("train", index=table.index, dtype="str")
                .mask(validates & (fold == (k + 1) % n_splits), "validation")
                .mask(fold == k, "test")
            ),
        )
        for k in range(n_splits)
    ]


def all_test_images(splits: Sequence[CvSplit]) -> pd.DataFrame:
    """The test images of all folds, each once, sorted by name; ``fold`` is the fold that tests the image."""
    tests = pd.concat([split.test.assign(fold=split.fold) for split in splits])
    return tests.sort_values("image", ignore_index=True)


def read_split(path: Path) -> pd.DataFrame:
    """Read the table of the split or the validate stage with its dtypes."""
    types: dict[str, str] = {"label": "int64", "difficulty": "str", "group": "str"} | dict.fromkeys(PARTS, "Int64")
    # Words, even where they look like numbers.
    named = [name for name in pd.read_csv(path, nrows=0).columns if name.startswith((ATTRIBUTE, SLICE))]
    types |= dict.fromkeys(named, "str")
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values={part: [""] for part in PARTS})


def images_digest(images: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that identify a set of images by their bytes and labels, in any order."""
    lines = sorted(images["sha256"] + " " + images["label"].astype(str))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def draw(name: str, salt: str) -> float:
    """A number from 0 to 1, 1 excluded, that depends on both texts alone and is evenly distributed over names."""
    return int.from_bytes(hashlib.sha256(f"{salt} {name}".encode()).digest()[:6], "big") / 2**48


def _assign_groups(faces: pd.DataFrame, group: pd.Series, shares: Sequence[float], salt: str) -> NDArray[np.intp]:
    """Assign whole groups to subsets of these shares, each by its own hash; returns the subset of each image."""
    codes, names = pd.factorize(group, sort=True)
    places = np.array([draw(str(name), salt) for name in names])
    ends = np.cumsum(shares)
    subset = np.searchsorted(ends[:-1], places, side="right")
    counts = np.zeros((len(names), 2), dtype=np.int64)  # images of each class in each group
    np.add.at(counts, (codes, faces["label"].to_numpy(dtype=np.intp)), 1)
    return np.asarray(_with_both_classes(subset, places, ends, counts)[codes], dtype=np.intp)


def _with_both_classes(
    subset: NDArray[np.intp], places: NDArray[np.float64], ends: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Give a subset that has no image of a class the group that missed it by least, where another can spare it.

    Only so a place depends on other groups, and only in small sets: a share of 0.1 of 100 groups gets none of a class
    with a probability of 3e-5.
    """
    subset = subset.copy()
    for k, end in enumerate(ends):
        for label in (0, 1):
            held = np.stack([np.bincount(subset, counts[:, c], len(ends)) for c in (0, 1)], axis=1)
            spared = (held[subset] - counts >= np.minimum(held[subset], 1)).all(axis=1)
            candidates = np.flatnonzero((counts[:, label] > 0) & (subset != k) & spared)
            if held[k, label] or not len(candidates):
                continue
            start = ends[k - 1] if k else 0.0
            missed = np.maximum(start - places[candidates], places[candidates] - end)
            subset[candidates[np.argmin(missed)]] = k
    return subset


def _check_class_sizes(faces: pd.DataFrame, minimum: int) -> None:
    for label, name in enumerate(("real", "fake")):
        count = int((faces["label"] == label).sum())
        if count < minimum:
            raise DataError(f"data: only {count} {name} images; a stratified split needs at least {minimum}")


def _check_both_classes(faces: pd.DataFrame, group: pd.Series, subset: pd.Series, setting: str) -> None:
    counts = pd.crosstab(subset, faces["label"])
    if subset.nunique() < 2 or (counts == 0).any(axis=None) or counts.shape[1] < 2:
        raise DataError(
            f"params.yaml: {setting} leaves a subset without both classes: the {len(faces)} images show only "
            f"{group.nunique()} photographs; add photographs, or see which images were grouped in "
            "reports/duplicate_pairs.csv"
        )


def _strata(faces: pd.DataFrame, minimum: int) -> pd.Series:
    """Label and difficulty as one key; a stratum below ``minimum`` images joins its label's largest one."""
    strata = faces["label"].map({0: "real", FAKE: "fake"}) + "-" + faces["difficulty"]
    counts = strata.map(strata.value_counts())
    largest = counts.groupby(faces["label"]).idxmax()
    return strata.where(counts >= minimum, strata.loc[faces["label"].map(largest)].to_numpy())
