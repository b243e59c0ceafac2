"""Divide the photographs into train, validation and test, and keep those of one photograph together."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import DataError
from fakefaces.data.faces import FAKE, PARTS

SPLITS = ("train", "validation", "test")
_SMALLEST = 10  # images of a class below which three stratified parts make no sense


def reference_split(faces: pd.DataFrame, *, test_size: float, validation_size: float, seed: int) -> pd.Series:
    """Divide as the reference does: a share for the test, then a share of the rest for validation.

    Stratified by label and difficulty; images that share a photograph are separated as chance will have it.
    With 0.1 and 0.11 the 2,041 photographs of the public set give 1,634 / 202 / 205, the sizes on the
    reference's slides.

    Args:
        faces: the table of :func:`fakefaces.data.faces.find_faces`.
        test_size: share of all, between 0 and 1.
        validation_size: share of what is left, between 0 and 1.
        seed: of the shuffles.

    Returns:
        ``train``, ``validation`` or ``test``, indexed as ``faces``.

    Raises:
        DataError: a class has too few images to be divided.
    """
    from sklearn.model_selection import train_test_split

    _enough(faces, _SMALLEST)
    strata = _strata(faces, fewest=_fewest(test_size, validation_size))
    try:
        rest, test = train_test_split(faces.index, test_size=test_size, random_state=seed, stratify=strata)
        train, validation = train_test_split(
            rest, test_size=validation_size, random_state=seed, stratify=strata.loc[rest]
        )
    except ValueError as error:
        raise DataError(f"params.yaml: split: these shares leave a part without both classes ({error})") from None
    split = pd.Series("", index=faces.index, dtype="str")
    for name, rows in zip(SPLITS, (train, validation, test), strict=True):
        split.loc[rows] = name
    return split


def grouped_split(
    faces: pd.DataFrame, group: pd.Series, *, test_size: float, validation_size: float, seed: int
) -> pd.Series:
    """Divide by the same shares, whole groups at a time.

    Args:
        faces: as for :func:`reference_split`.
        group: of each image, indexed as ``faces``.
        test_size: share of all, between 0 and 1.
        validation_size: share of what is left, between 0 and 1.
        seed: of the order in which groups are dealt out.

    Returns:
        ``train``, ``validation`` or ``test``, indexed as ``faces``.

    Raises:
        DataError: there are too few images or groups for both classes to stand in each part.
    """
    _enough(faces, _SMALLEST)
    validation = (1 - test_size) * validation_size
    part = _deal(faces, group, [1 - test_size - validation, validation, test_size], seed)
    split = pd.Series(np.asarray(SPLITS)[part], index=faces.index, dtype="str")
    _both_classes(faces, group, split, "split: the grouped protocol")
    return split


def folds(faces: pd.DataFrame, group: pd.Series, *, n_splits: int, seed: int) -> pd.Series:
    """Divide into folds of like size and make-up, whole groups at a time, for cross-validation.

    Args:
        faces: as for :func:`reference_split`.
        group: of each image, indexed as ``faces``.
        n_splits: how many folds.
        seed: of the order in which groups are dealt out.

    Returns:
        0 to ``n_splits`` - 1, indexed as ``faces``.

    Raises:
        DataError: there are fewer groups than folds, or too few for both classes to stand in each fold.
    """
    _enough(faces, n_splits)
    if group.nunique() < n_splits:
        raise DataError(
            f"params.yaml: split.n_splits: {n_splits} folds of {group.nunique()} groups; images of one photograph "
            "are never separated, so lower it or add photographs"
        )
    fold = pd.Series(_deal(faces, group, [1 / n_splits] * n_splits, seed), index=faces.index)
    _both_classes(faces, group, fold, f"split.n_splits: {n_splits} folds")
    return fold


def validators(
    faces: pd.DataFrame, group: pd.Series, fold: pd.Series, *, validation_size: float, seed: int
) -> pd.Series:
    """Choose who validates in the rounds of :func:`rounds`, so that as many as may be are left to learn from.

    In round k it is these of fold k + 1: whole groups, stratified, that make up ``validation_size`` of all that
    the round does not test. Where that is more than the fold, the whole fold validates.

    Args:
        faces: as for :func:`reference_split`.
        group: of each image, indexed as ``faces``.
        fold: of each image, from :func:`folds`.
        validation_size: share of what is not tested, between 0 and 1.
        seed: of the order in which groups are dealt out.

    Returns:
        1 for an image that validates in the round before its fold's own, else 0; indexed as ``faces``.

    Raises:
        DataError: a fold has too few groups for both classes to validate.
    """
    share = validation_size * (fold.nunique() - 1)
    if share >= 1:
        return pd.Series(1, index=faces.index)
    chosen = pd.Series(0, index=faces.index)
    for k, rows in fold.groupby(fold).groups.items():
        part = _deal(faces.loc[rows], group.loc[rows], [share, 1 - share], seed)
        chosen.loc[rows] = (part == 0).astype(int)
        if faces["label"].loc[rows][chosen.loc[rows] == 1].nunique() < 2:
            raise DataError(
                f"params.yaml: split.validation_size: {validation_size} leaves the validation images of fold {k} "
                f"without both classes: its {len(rows)} images are of {group.loc[rows].nunique()} photographs; raise "
                "it, lower split.n_splits or add photographs"
            )
    return chosen


def rounds(table: pd.DataFrame) -> list[pd.Series]:
    """The split of each round of training: one, or one a fold.

    In round k the fold k is tested, some of the next one validate, and all others train. So each image is
    tested by one model that knows neither it nor another image of its photograph.

    Args:
        table: with ``split``, and with ``fold`` and ``validates`` (0 or 1) where the protocol is ``folds``.

    Returns:
        For each round ``train``, ``validation`` or ``test``, indexed as ``table``.
    """
    if "fold" not in table:
        return [table["split"]]
    fold, validates = table["fold"], table["validates"] == 1
    count = int(fold.max()) + 1
    return [
        pd.Series("train", index=table.index, dtype="str")
        .mask(validates & (fold == (k + 1) % count), "validation")
        .mask(fold == k, "test")
        for k in range(count)
    ]


def read_split(path: object) -> pd.DataFrame:
    """Read the table that the split stage wrote, with its dtypes."""
    types = {"label": "int64", "difficulty": "str", "group": "str"} | dict.fromkeys(PARTS, "Int64")
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values={part: [""] for part in PARTS})  # type: ignore[call-overload]


def images_digest(images: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that stand for a set of images: their bytes and their labels, in no order."""
    lines = sorted(images["sha256"] + " " + images["label"].astype(str))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _deal(faces: pd.DataFrame, group: pd.Series, shares: Sequence[float], seed: int) -> NDArray[np.intp]:
    """Deal groups out to parts, each to the part that lacks most of what the group holds.

    Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011, doi:10.1007/978-3-642-23808-6_10) for whole
    groups: the large ones first, in seeded order; what a part lacks of a stratum is counted in shares of its own
    target, so that parts fill evenly.
    """
    strata, _ = pd.factorize(_strata(faces, fewest=len(shares)), sort=True)
    codes, _ = pd.factorize(group, sort=True)
    holds = np.zeros((codes.max() + 1, strata.max() + 1))
    np.add.at(holds, (codes, strata), 1)
    target = np.asarray(shares)[:, None] * holds.sum(axis=0)
    given = np.zeros_like(target)
    random = np.random.default_rng(seed)
    order = random.permutation(len(holds))
    order = order[np.argsort(-holds[order].sum(axis=1), kind="stable")]
    ties = random.permutation(len(shares))
    part = np.empty(len(holds), dtype=np.intp)
    for one in order:
        lacks = ((1 - given / target) * holds[one]).sum(axis=1)
        # The difference below a millionth of an image is rounding.
        best = np.flatnonzero(lacks > lacks.max() - 1e-6)
        part[one] = best[np.argmin(ties[best])]
        given[part[one]] += holds[one]
    return part[codes]


def _enough(faces: pd.DataFrame, fewest: int) -> None:
    for label, name in enumerate(("real", "fake")):
        count = int((faces["label"] == label).sum())
        if count < fewest:
            raise DataError(f"data: only {count} {name} images; a stratified split needs at least {fewest}")


def _both_classes(faces: pd.DataFrame, group: pd.Series, part: pd.Series, what: str) -> None:
    counts = pd.crosstab(part, faces["label"])
    if part.nunique() < 2 or (counts == 0).any(axis=None) or counts.shape[1] < 2:
        raise DataError(
            f"params.yaml: {what} leaves a part without both classes: the {len(faces)} images are of "
            f"{group.nunique()} photographs only; add photographs, or see reports/duplicate_pairs.csv for why they are one"
        )


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
