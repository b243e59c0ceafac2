"""Split the images into train, validation and test by the protocol ``reference``, ``grouped`` or ``folds``."""

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.attributes import attribute_names, with_attributes
from fakefaces.data.contents import content_digests
from fakefaces.data.given_splits import NAME, read_splits
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import SPLITS, assign_folds, assign_validation, cv_splits, grouped_split, reference_split
from fakefaces.duplicates.groups import groups_by_content
from fakefaces.params.split import Split


class Params(StageParams):
    """What this stage reads of params.yaml."""

    split: Split


def main(params: Params, layout: Layout) -> None:
    faces = list_photographs(layout.data)
    pairs = pd.read_csv(layout.duplicate_pairs, dtype={"a": "str", "b": "str"})
    contents = content_digests(layout.data, list(faces["image"]))
    group = groups_by_content(contents, pairs).reset_index(drop=True)
    table = faces.assign(group=group)
    split, seed = params.split, params.seed
    shares = {"test_size": split.test_size, "validation_size": split.validation_size}
    given = read_splits(layout.data)
    if given:
        table["split"] = keep_splits(table, list(contents.values()), given, split, seed)
    elif split.protocol == "reference":
        table["split"] = reference_split(faces, seed=seed, **shares)
    elif split.protocol == "grouped":
        table["split"] = grouped_split(faces, group, seed=seed, **shares)
    else:
        fold = assign_folds(faces, group, n_splits=split.n_splits, seed=seed)
        validates = assign_validation(faces, group, fold, validation_size=split.validation_size, seed=seed)
        first = cv_splits(table.assign(fold=fold, validates=validates))[0]
        table = table.assign(split=first.table["split"], fold=fold, validates=validates)
    table = with_attributes(table, layout.data)
    write_text(layout.split, table.to_csv(index=False))
    if "fold" in table:
        sizes = f"{split.n_splits} folds of {', '.join(map(str, table['fold'].value_counts().sort_index()))}"
    else:
        counts = table["split"].value_counts()
        sizes = ", ".join(f"{counts[name]} {name}" for name in SPLITS)
    shared = int((group.value_counts() > 1).sum())
    protocol = "data/splits.csv" if given else split.protocol
    if names := attribute_names(table):
        echo(f"attributes of the images: {', '.join(names)}")
    echo(f"{protocol}: {len(table)} images: {sizes}; {shared} photographs are in two or more images")


def keep_splits(faces: pd.DataFrame, contents: list[str], given: dict[str, str], split: Split, seed: int) -> pd.Series:
    """The splits that the set came with, by content; photographs without one are trained on.

    Where it names no validation images, whole groups of its training images validate.
    """
    if split.protocol == "folds":
        raise DataError(
            f"data/{NAME} names the splits that the set came with, and params.yaml: split.protocol is folds; use "
            f"grouped or reference, or import the photographs again without --keep-splits"
        )
    kept = pd.Series([given.get(digest, "") for digest in contents], index=faces.index, dtype="str")
    if new := int((kept == "").sum()):
        echo(f"{new} images are not in data/{NAME}: they are trained on")
        kept = kept.mask(kept == "", "train")
    if not (kept == "validation").any():
        train = kept == "train"
        share = {"test_size": split.validation_size, "validation_size": split.validation_size}
        drawn = grouped_split(faces[train], faces.loc[train, "group"], seed=seed, **share)
        kept.loc[drawn.index[drawn == "test"]] = "validation"
        echo(f"data/{NAME} names no validation images: {int((kept == 'validation').sum())} of train validate")
    for name in SPLITS:
        if faces.loc[kept == name, "label"].nunique() < 2:
            raise DataError(
                f"data/{NAME} leaves {name} without both classes; import again without --keep-splits, and the "
                "pipeline splits anew"
            )
    return kept


if __name__ == "__main__":
    run_stage(main, Params)
