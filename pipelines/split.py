"""Split the images into train, validation and test by the protocol ``reference``, ``grouped`` or ``folds``."""

import pandas as pd

from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.photographs import find_faces
from fakefaces.data.splits import SPLITS, assign_folds, assign_validation, cv_splits, grouped_split, reference_split
from fakefaces.duplicates.groups import group_images
from fakefaces.params.split import Split


class Params(StageParams):
    """What this stage reads of params.yaml."""

    split: Split


def main(params: Params, layout: Layout) -> None:
    faces = find_faces(layout.data)
    pairs = pd.read_csv(layout.duplicate_pairs, dtype={"a": "str", "b": "str"})
    group = group_images(list(faces["image"]), pairs).reset_index(drop=True)
    table = faces.assign(group=group)
    split, seed = params.split, params.seed
    shares = {"test_size": split.test_size, "validation_size": split.validation_size}
    if split.protocol == "reference":
        table["split"] = reference_split(faces, seed=seed, **shares)
    elif split.protocol == "grouped":
        table["split"] = grouped_split(faces, group, seed=seed, **shares)
    else:
        fold = assign_folds(faces, group, n_splits=split.n_splits, seed=seed)
        validates = assign_validation(faces, group, fold, validation_size=split.validation_size, seed=seed)
        first = cv_splits(table.assign(fold=fold, validates=validates))[0]
        table = table.assign(split=first.table["split"], fold=fold, validates=validates)
    write_text(layout.split, table.to_csv(index=False))
    if split.protocol == "folds":
        sizes = f"{split.n_splits} folds of {', '.join(map(str, table['fold'].value_counts().sort_index()))}"
    else:
        counts = table["split"].value_counts()
        sizes = ", ".join(f"{counts[name]} {name}" for name in SPLITS)
    shared = int((group.value_counts() > 1).sum())
    echo(f"{split.protocol}: {len(table)} images: {sizes}; {shared} photographs are in two or more images")


if __name__ == "__main__":
    run_stage(main, Params)
