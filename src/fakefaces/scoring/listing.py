"""The frozen list of inputs: what a job scores is decided at its first start.

``_inputs/part-00000.parquet`` and so on hold the inputs of each part of the output; ``_inputs/list.json``, which is
written last, says that the list is complete. A list whose writing was interrupted is written anew.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fakefaces.base.errors import DataError
from fakefaces.base.progress import echo
from fakefaces.base.schema import Schema, parse
from fakefaces.scoring.inputs import Inputs
from fakefaces.scoring.reading import Input
from fakefaces.scoring.storage import Storage

FOLDER = "_inputs"
_MARK = f"{FOLDER}/list.json"
_COLUMNS = ("key", "address", "row")


class ModelIdentity(Schema):
    """The detector of a job."""

    source: str  # its models:/ URI with the version, or its folder
    name: str  # of the registered model, or the kind of network where it is not registered
    version: str | None  # of the registered model
    digest: str  # sha256 of network.onnx and detector.json
    threshold: float  # of p_fake, from which on an image is called fake


class FrozenList(Schema):
    """``list.json``: the list, and what else must be the same whenever the job is started again."""

    input: dict[str, Any]  # Inputs.identity
    content: str | None  # the column of bytes, of a table of images
    count: int  # of images
    parts: int
    part_size: int  # images in a part, except the last
    sha256: str  # of the list: of each input's key, address and row
    repeated: int  # entries that were dropped since their key had come before
    skipped: dict[str, int]  # files that were no inputs, by kind
    model: ModelIdentity
    schema_version: int
    started: str  # ISO 8601, UTC


def part_name(number: int) -> str:
    """The name of a part file, and of the file with its inputs."""
    return f"part-{number:05d}.parquet"


def read_list(storage: Storage) -> FrozenList | None:
    """The frozen list of an output; None if there is none, or its writing was interrupted."""
    data = storage.read(_MARK)
    if data is None:
        return None
    try:
        value = json.loads(data)
    except ValueError as error:
        raise DataError(f"{storage}/{_MARK}: not JSON ({error}); choose another OUTPUT") from None
    return parse(FrozenList, value, f"{storage}/{_MARK}")


def freeze(storage: Storage, inputs: Inputs, model: ModelIdentity, part_size: int, schema_version: int) -> FrozenList:
    """List the inputs and write them in parts; a key that comes again is dropped.

    Memory is bounded: one part and, on disk, the keys' digests.

    Raises:
        DataError: INPUT cannot be read, or holds no image.
    """
    digest, repeated, count, parts = hashlib.sha256(), [0], 0, 0
    images = _unique(inputs.images(storage.folder), repeated)
    while part := list(islice(images, part_size)):
        for image in part:
            digest.update("\0".join((image.key, image.address, str(image.row))).encode() + b"\n")
        storage.write(f"{FOLDER}/{part_name(parts)}", _to_parquet(part))
        count, parts = count + len(part), parts + 1
        if parts % 100 == 0:
            echo(f"listing: {count:,} images so far")
    if not count:
        raise DataError(f"{inputs.identity['address']}: no image in this {inputs.kind}{_counted(inputs.skipped)}")
    for name in storage.names(FOLDER) - {part_name(number) for number in range(parts)}:
        storage.remove(f"{FOLDER}/{name}")  # of a longer list whose writing was interrupted
    frozen = FrozenList(
        input=inputs.identity,
        content=inputs.content,
        count=count,
        parts=parts,
        part_size=part_size,
        sha256=digest.hexdigest(),
        repeated=repeated[0],
        skipped=dict(inputs.skipped),
        model=model,
        schema_version=schema_version,
        started=now(),
    )
    storage.write(_MARK, (frozen.model_dump_json(indent=2) + "\n").encode())
    echo(f"{count:,} images in {parts:,} parts{_counted(inputs.skipped)}")
    if repeated[0]:
        echo(f"{repeated[0]:,} entries repeat a path or address; each gets one row")
    return frozen


def read_inputs(storage: Storage, number: int) -> list[Input]:
    """The inputs of one part, or a DataError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = f"{FOLDER}/{part_name(number)}"
    data = storage.read(name)
    try:
        columns = pq.read_table(pa.BufferReader(data or b"")).select(_COLUMNS).to_pydict()
    except (OSError, ValueError, KeyError):
        raise DataError(f"{storage}/{name}: missing or damaged; choose another OUTPUT and start anew") from None
    return [Input(*values) for values in zip(*columns.values(), strict=True)]


def list_digest(storage: Storage, parts: int) -> str:
    """The sha256 of the list as it is stored now."""
    digest = hashlib.sha256()
    for number in range(parts):
        for image in read_inputs(storage, number):
            digest.update("\0".join((image.key, image.address, str(image.row))).encode() + b"\n")
    return digest.hexdigest()


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _unique(images: Iterable[Input], repeated: list[int]) -> Iterator[Input]:
    """Drop images whose key came before, and count them.

    The keys' digests lie in a temporary database on disk, which goes with its connection.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as keys:
        keys.execute("PRAGMA journal_mode = OFF")
        keys.execute("PRAGMA cache_size = -65536")  # KiB
        keys.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
        keys.execute("BEGIN")
        for image in images:
            key = hashlib.blake2b(image.key.encode(), digest_size=16).digest()
            if keys.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount:
                yield image
            else:
                repeated[0] += 1


def _to_parquet(part: list[Input]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("key", pa.string()), ("address", pa.string()), ("row", pa.int64())])
    table = pa.table(
        [pa.array(values, field.type) for values, field in zip(zip(*part, strict=True), schema, strict=True)], schema
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    return bytes(buffer.getvalue())


def _counted(skipped: dict[str, int]) -> str:
    return "".join(f"; left out: {count:,} {kind}" for kind, count in sorted(skipped.items()) if count)
