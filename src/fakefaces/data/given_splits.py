"""``data/splits.csv``: the split that a set came with, by content; ``--keep-splits`` writes it."""

import csv
from collections.abc import Mapping
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.files import write_text
from fakefaces.data.splits import SPLITS

NAME = "splits.csv"


def read_splits(data: Path) -> dict[str, str]:
    """The split of each photograph by its sha256; empty where the set came with none.

    Raises:
        DataError: it cannot be read, or names another split.
    """
    path = data / NAME
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            splits = {row["sha256"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise DataError(f"data/{NAME}: cannot be read ({error}); its columns are sha256 and split") from None
    if unknown := sorted(set(splits.values()) - set(SPLITS)):
        raise DataError(f"data/{NAME}: '{unknown[0]}' is no split; there are: {', '.join(SPLITS)}")
    return splits


def write_splits(data: Path, splits: Mapping[str, str]) -> None:
    """Write the splits, sorted by sha256."""
    lines = [f"{digest},{splits[digest]}" for digest in sorted(splits)]
    write_text(data / NAME, "\n".join(["sha256,split", *lines]) + "\n")
