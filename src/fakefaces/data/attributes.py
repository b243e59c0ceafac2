"""``data/attributes.csv``: what a table of labels says of photographs beside the labels, by content.

Such as camera, source or age. Columns of image tables begin with :data:`PREFIX`, so that no attribute takes the name of
another column.
"""

import csv
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write

NAME = "attributes.csv"
PREFIX = "attribute_"
MAX_LENGTH = 60  # of a value, characters
_PLAIN_NAME = re.compile(r"\w[\w .-]{0,39}")

Attributes = dict[str, str]  # value by the name of the attribute; no empty values


def is_plain_name(name: str) -> bool:
    """Whether an attribute may have this name: at most 40 letters, digits, spaces, points, ``-`` and ``_``."""
    return _PLAIN_NAME.fullmatch(name) is not None and name == name.strip()


def is_plain_value(value: str) -> bool:
    """Whether an attribute may have this value: at most :data:`MAX_LENGTH` characters that can be printed."""
    return len(value) <= MAX_LENGTH and value.isprintable()


def read_attributes(data: Path) -> dict[str, Attributes]:
    """The attributes of each photograph by its sha256; empty where no table gave any.

    Raises:
        DataError: the file cannot be read, or names or values are not plain.
    """
    path = data / NAME
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{k: v for k, v in row.items() if isinstance(v, str)} for row in csv.DictReader(file, restval="")]
        attributes = {row.pop("sha256"): {name: value for name, value in row.items() if value} for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise DataError(f"data/{NAME}: cannot be read ({error}); its first column is sha256") from None
    for values in attributes.values():
        for name, value in values.items():
            if not (is_plain_name(name) and is_plain_value(value)):
                raise DataError(f"data/{NAME}: '{name[:50]}': '{value[:50]}' is not plain text of one line; import it")
    return attributes


def write_attributes(data: Path, attributes: Mapping[str, Attributes]) -> None:
    """Write the attributes, sorted by sha256 and by name."""
    names = sorted({name for values in attributes.values() for name in values})
    with atomic_write(data / NAME) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sha256", *names])
        for digest, values in sorted(attributes.items()):
            writer.writerow([digest, *(values.get(name, "") for name in names)])


def with_attributes(faces: pd.DataFrame, data: Path) -> pd.DataFrame:
    """Add a column for each attribute to a table of photographs, found by their content; empty where unknown.

    Args:
        faces: ``image``, the path below ``data``; a row each.
        data: the folder of the photographs.
    """
    attributes = read_attributes(data)
    if not attributes:
        return faces
    digests = [hashlib.sha256((data / image).read_bytes()).hexdigest() for image in faces["image"]]
    names = sorted({name for values in attributes.values() for name in values})
    columns = {PREFIX + name: [attributes.get(digest, {}).get(name, "") for digest in digests] for name in names}
    return faces.assign(**{name: pd.Series(values, index=faces.index, dtype="str") for name, values in columns.items()})


def attribute_names(table: pd.DataFrame) -> list[str]:
    """The attributes that a table of photographs has columns of."""
    return [name.removeprefix(PREFIX) for name in map(str, table.columns) if name.startswith(PREFIX)]
