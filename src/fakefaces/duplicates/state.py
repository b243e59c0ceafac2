"""Keep what is known on disk: one ``.npz`` of plain arrays, so that a later search pays for new images only."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.duplicates import candidates, features, hashing, pairs, verification
from fakefaces.duplicates.features import Features
from fakefaces.duplicates.pairs import COLUMNS, Known

# Whatever changes a result: a state of other settings must not be mixed in.
SETTINGS = " ".join(
    str(value)
    for value in (
        "sources-1",
        features.WORKING_SIDE,
        features.MOST_KEYPOINTS,
        hashing.BANDS,
        hashing.BITS,
        candidates.FARTHEST,
        candidates.FEWEST_VOTES,
        verification.TOLERANCE,
        verification.LIKENESS,
        pairs.KEPT_INLIERS,
    )
)


def save_known(known: Known, path: Path) -> None:
    """Write the state; the same state gives the same bytes. A crash leaves the old file whole.

    Args:
        known: the state.
        path: of the ``.npz``; its folder must exist. About 145 KB an image.

    Raises:
        DataError: the file cannot be written.
    """
    images = list(known.features.values())
    arrays = {
        "settings": np.array(SETTINGS),
        "seed": np.array(known.seed, dtype=np.int64),
        "keys": np.array(list(known.features), dtype=np.str_),
        "counts": np.array([len(each) for each in images], dtype=np.int64),
        "shapes": np.array([each.shape for each in images], dtype=np.int64).reshape(-1, 2),
        "reductions": np.array([each.reduction for each in images], dtype=np.float64),
        "keypoints": np.concatenate([np.zeros((0, 4), np.float32), *(each.keypoints for each in images)]),
        "descriptors": np.concatenate(
            [np.zeros((0, features.DIMENSIONS), np.uint8), *(each.descriptors for each in images)]
        ),
    }
    for column in COLUMNS:
        values = known.pairs[column].to_numpy()
        arrays[f"pairs_{column}"] = values.astype(np.str_) if column in "ab" else values
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        partial.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None


def load_known(path: Path) -> Known:
    """Read a state that :func:`save_known` wrote. Nothing in it is executed.

    Raises:
        DataError: no such file, a broken one, or one of another version or other settings.
    """
    try:
        # Opened here, as numpy leaves a broken file open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        settings = str(arrays["settings"])
        if settings != SETTINGS:
            raise DataError(f"{path}: made with other settings ({settings}, not {SETTINGS}); delete it")
        ends = np.cumsum(arrays["counts"])[:-1]
        images = [
            Features(keypoints, descriptors, (int(height), int(width)), float(reduction))
            for keypoints, descriptors, (height, width), reduction in zip(
                np.split(arrays["keypoints"], ends) if len(arrays["counts"]) else [],
                np.split(arrays["descriptors"], ends) if len(arrays["counts"]) else [],
                arrays["shapes"],
                arrays["reductions"],
                strict=True,
            )
        ]
        table = pairs.no_pairs()
        if len(arrays["pairs_a"]):
            table = pd.DataFrame({column: arrays[f"pairs_{column}"] for column in COLUMNS}).astype(table.dtypes)
        found = dict(zip(map(str, arrays["keys"]), images, strict=True))
        return Known(features=found, pairs=table, seed=int(arrays["seed"]))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a state of the source search, or a broken one ({error}); delete it") from None
