"""The schema of part files: the columns of a score, those of the file's facts, and the tables of rows."""

import json
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic.fields import FieldInfo

from fakefaces.inference.file_facts import FACT_COLUMNS, FileFacts
from fakefaces.inference.score import COLUMNS as SCORE_COLUMNS
from fakefaces.inference.score import SCHEMA_VERSION, Score

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (*SCORE_COLUMNS, *FACT_COLUMNS)
Row = tuple[Any, ...]  # the values of COLUMNS, in their order
_METADATA = "fakefaces"
_ADDED = ("log10_lr", "unfamiliarity", *FACT_COLUMNS)  # columns that this version's first releases did not write


@cache
def schema() -> "pa.Schema":
    """The columns of Score and FileFacts with Arrow's types; only ``path`` is never null."""
    import pyarrow as pa

    types = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}

    fields: dict[str, FieldInfo] = Score.model_fields | FileFacts.model_fields

    def field(name: str) -> pa.Field:
        annotation = fields[name].annotation
        kinds = {kind for kind in get_args(annotation) if kind in types}
        found = next(iter(kinds)) if kinds else str  # a Literal is of strings
        return pa.field(name, types[annotation if annotation in types else found], nullable=name != "path")

    return pa.schema([field(name) for name in COLUMNS])


def to_row(score: Score, key: str, facts: FileFacts | None = None) -> Row:
    """The row of a score, under the input's key, with the facts of its file where it could be read."""
    known = facts or FileFacts()
    return (
        key,
        *(getattr(score, name) for name in SCORE_COLUMNS[1:]),
        *(getattr(known, name) for name in FACT_COLUMNS),
    )


def to_parquet(rows: Sequence[Row], metadata: dict[str, Any]) -> bytes:
    """A part file with ``metadata`` and the version of the columns in its schema; equal rows give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    described = schema().with_metadata({_METADATA: json.dumps({"schema_version": SCHEMA_VERSION} | metadata)})
    columns = list(zip(*rows, strict=True)) or [() for _ in COLUMNS]
    table = pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, described, strict=True)], described
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    return bytes(buffer.getvalue())


def read_part(data: bytes) -> tuple["pa.Table", dict[str, Any]]:
    """The table and the metadata of a part file; a ValueError if it is not one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(data))
    metadata = json.loads((table.schema.metadata or {}).get(_METADATA.encode(), b"{}"))
    for name in _ADDED:
        if name not in table.column_names:  # in parts of earlier releases
            table = table.append_column(schema().field(name), pa.nulls(len(table), schema().field(name).type))
    if not isinstance(metadata, dict) or not table.schema.equals(schema()):
        raise ValueError("other columns")
    return table, metadata
