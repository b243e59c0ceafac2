"""The Croissant description of a published set, by ``mlcroissant``: what its files and their columns are.

Akhtar et al., "Croissant: A metadata format for ML-ready datasets", DEEM 2024, doi:10.1145/3650203.3663326.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from fakefaces.base.errors import DataError
from fakefaces.base.files import write_json
from fakefaces.base.names import shown
from fakefaces.base.schema import Schema, read
from fakefaces.benchmark.published import CROISSANT, IMAGES, NEAR_DUPLICATES, PAIRS, SETTINGS, SHORTCUTS

DESCRIPTION = "description.yaml"

_TABLES = {
    IMAGES: "The images: label, group of images of one photograph, fold, and the matched list.",
    PAIRS: "Fakes, and the real photograph that each was made from.",
    NEAR_DUPLICATES: "Images that share a photograph, by matched keypoints.",
    SHORTCUTS: "Scores of rules that see no face, each of images that the rule was not fitted on: baselines.",
}
_COLUMNS = {
    "sha256": "sha256 of the image's file.",
    "image": "Path of the image in its publisher's archive.",
    "label": "1 fake, 0 real.",
    "difficulty": "easy, mid or hard by the fake's name; empty for a real.",
    "left_eye": "1 where the eye on the left of the image was replaced, 0 where not; empty where it is not known.",
    "right_eye": "1 where the eye on the right of the image was replaced, 0 where not; empty where it is not known.",
    "nose": "1 where the nose was replaced, 0 where not; empty where it is not known.",
    "mouth": "1 where the mouth was replaced, 0 where not; empty where it is not known.",
    "group": "Images of one photograph have one group; no split separates them.",
    "fold": "The fold that tests the image, from 0; split k trains on neither fold k nor its validation images.",
    "validates": "1 where the image validates in the split before its fold's own: in split k, those of fold k + 1.",
    "split": "train, validation or test.",
    "encoding": "Quantization tables of the JPEG file.",
    "matched": "1 for the images in the encoding that most reals have, within which the header says nothing.",
    "fake": "sha256 of the fake's file.",
    "source": "sha256 of the file of the real that it was made from.",
    "inliers": "Matched keypoints that agree on one geometric transform.",
    "a": "sha256 of the one image's file.",
    "b": "sha256 of the other image's file.",
}
_KEYS = {IMAGES: ["images/sha256"], SHORTCUTS: ["shortcuts/sha256", "shortcuts/split"]}


class Description(Schema):
    """``description.yaml``: what the tables cannot say of a set."""

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://", description="Where the set is published.")
    photographs: str = Field(pattern=r"^https?://", description="Where the photographs are, under their own terms.")
    license: str = Field(pattern=r"^https?://", description="Of the tables.")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    published: date
    cite_as: str = Field(min_length=1)
    creator: str = Field(min_length=1)


def read_description(folder: Path) -> Description:
    """Read ``description.yaml`` of a set; a DataError where there is none, a ParamsError for its faults."""
    path = folder / DESCRIPTION
    if not path.is_file():
        raise DataError(
            f"{shown(path)}: it is missing; it gives name, description, url, photographs, license, version, published, "
            "cite_as and creator of the set. docs/ciplab/description.yaml is one"
        )
    return read(Description, path)


def write_croissant(folder: Path, about: Description, tables: Mapping[str, pd.DataFrame]) -> Path:
    """Write ``croissant.json`` of a folder with tables and settings, and check it.

    Args:
        folder: of the files.
        about: what the set is.
        tables: by the names of their files; their columns are described.

    Raises:
        DataError: ``mlcroissant`` is not installed, or finds a fault.
    """
    mlc = _mlcroissant()
    files = [
        mlc.FileObject(
            id=name,
            name=name,
            description=_TABLES.get(name, "The protocol, and what rows are evaluated with."),
            content_url=name,
            encoding_formats=["application/json" if name == SETTINGS else "text/csv"],
            sha256=hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        )
        for name in (*tables, SETTINGS)
    ]
    try:
        metadata = mlc.Metadata(
            name=about.name,
            description=f"{about.description} The photographs, which are not part of it: {about.photographs}",
            url=about.url,
            license=[about.license],
            version=about.version,
            date_published=datetime.combine(about.published, time()),
            cite_as=about.cite_as,
            creators=[mlc.Organization(name=about.creator)],
            distribution=files,
            record_sets=[_record_set(mlc, name, table) for name, table in tables.items()],
        )
    except mlc.ValidationError as error:
        raise DataError(f"{shown(folder / DESCRIPTION)}: mlcroissant refuses the description: {error}") from None
    write_json(folder / CROISSANT, metadata.to_json())
    return folder / CROISSANT


def _record_set(mlc: Any, name: str, table: pd.DataFrame) -> Any:
    kind = name.removesuffix(".csv")
    return mlc.RecordSet(
        id=kind,
        name=kind,
        description=_TABLES[name],
        key=_KEYS.get(name),
        fields=[
            mlc.Field(
                id=f"{kind}/{column}",
                name=column,
                description=_COLUMNS.get(column, f"Score of the rule {column}, from 0 (real) to 1 (fake)."),
                data_types=[_data_type(mlc, table[column])],
                source=mlc.Source(file_object=name, extract=mlc.Extract(column=column)),
            )
            for column in table.columns
        ],
    )


def _data_type(mlc: Any, values: pd.Series) -> Any:
    if pd.api.types.is_float_dtype(values):
        return mlc.DataType.FLOAT
    return mlc.DataType.INTEGER if pd.api.types.is_integer_dtype(values) else mlc.DataType.TEXT


def _mlcroissant() -> Any:
    try:
        import mlcroissant
    except ImportError:
        raise DataError(
            "the description is written by mlcroissant; install it with: uv sync --extra croissant"
        ) from None
    return mlcroissant
