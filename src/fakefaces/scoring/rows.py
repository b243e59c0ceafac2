"""The schema of part files, which holds :data:`fakefaces.inference.score.COLUMNS`, and the tables of rows."""

import json
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from fakefaces.inference.score import COLUMNS, SCHEMA_VERSION, Score

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Any, ...]  # the values of COLUMNS, in their order
_METADATA = "fakefaces"
_ADDED = ("log10_lr", "unfamiliarity")  # columns of this version that its first releases did not write


@cache
def schema() -> "pa.Schema":
    """The columns of :class:`fakefaces.inference.score.Score` with Arrow's types; only ``path`` is never null."""
    import pyarrow as pa

    types = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}

    def field(name: str) -> pa.Field:
        annotation = Score.model_fields[name].annotation
        kinds = {kind for kind in get_args(annotation) if kind in types}
        found = next(iter(kinds)) if kinds else str  # a Literal is of strings
        return pa.field(name, types[annotation if annotation in types else found], nullable=name != "path")

    return pa.schema([field(name) for name in COLUMNS])


def to_row(score: Score, key: str) -> Row:
    """The row of a score, under the input's key."""
    return key, *(getattr(score, name) for name in COLUMNS[1:])


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
