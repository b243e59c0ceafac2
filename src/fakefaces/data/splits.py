"""Divide the photographs into train, validation and test."""

import hashlib

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.data.faces import FAKE, PARTS

SPLITS = ("train", "validation", "test")
_SMALLEST = 10  # images of a class below which three stratified parts make no sense


def split_faces(faces: pd.DataFrame, *, test_size: float, validation_size: float, seed: int) -> pd.DataFrame:
    """Divide as the reference does: a share for the test, then a share of the rest for validation.

    Stratified by label and difficulty. With 0.1 and 0.11 the 2,041 photographs of the public set give
    1,634 / 202 / 205, the sizes on the reference's slides.

    Args:
        faces: the table of :func:`fakefaces.data.faces.find_faces`.
        test_size: share of all, between 0 and 1.
        validation_size: share of what is left, between 0 and 1.
        seed: of the shuffles.

    Returns:
        ``faces`` with two more columns: ``group`` (images of one photograph; each its own here) and
        ``split`` (``train``, ``validation`` or ``test``).

    Raises:
        DataError: a class has too few images to be divided.
    """
    from sklearn.model_selection import train_test_split

    for label, name in enumerate(("real", "fake")):
        count = int((faces["label"] == label).sum())
        if count < _SMALLEST:
            raise DataError(f"data: only {count} {name} images; a stratified split needs at least {_SMALLEST}")
    strata = _strata(faces, fewest=_fewest(test_size, validation_size))
    try:
        rest, test = train_test_split(faces.index, test_size=test_size, random_state=seed, stratify=strata)
        train, validation = train_test_split(
            rest, test_size=validation_size, random_state=seed, stratify=strata.loc[rest]
        )
    except ValueError as error:
        raise DataError(f"params.yaml: split: these shares leave a part without both classes ({error})") from None
    table = faces.assign(group=faces["image"], split="")
    for name, rows in zip(SPLITS, (train, validation, test), strict=True):
        table.loc[rows, "split"] = name
    return table


def read_split(path: object) -> pd.DataFrame:
    """Read the table that the split stage wrote, with its dtypes."""
    types = {"label": "int64", "difficulty": "str", "group": "str"} | dict.fromkeys(PARTS, "Int64")
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values={part: [""] for part in PARTS})  # type: ignore[call-overload]


def images_digest(images: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that stand for a set of images: their bytes and their labels, in no order."""
    lines = sorted(images["sha256"] + " " + images["label"].astype(str))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _fewest(test_size: float, validation_size: float) -> int:
    """Members that a stratum needs so that each of the three parts can expect one."""
    smallest = min(test_size, (1 - test_size) * validation_size)
    return max(3, round(1 / smallest))


def _strata(faces: pd.DataFrame, fewest: int) -> pd.Series:
    """Label and difficulty in one key; what is too rare to be divided goes with its label's largest stratum."""
    fine = faces["label"].map({0: "real", FAKE: "fake"}) + "-" + faces["difficulty"]
    counts = fine.map(fine.value_counts())
    largest = counts.groupby(faces["label"]).idxmax()
    return fine.where(counts >= fewest, fine.loc[faces["label"].map(largest)].to_numpy())
