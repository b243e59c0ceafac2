"""The receipt of a finished job, ``_manifest.json``: what was scored, by which detector, and what came out."""

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from fakefaces.base.errors import DataError, ParamsError
from fakefaces.base.schema import Schema, parse
from fakefaces.inference.score import COLUMNS
from fakefaces.scoring import listing
from fakefaces.scoring.counts import Counts, Tally
from fakefaces.scoring.job import MANIFEST, Job
from fakefaces.scoring.listing import ModelIdentity, part_name
from fakefaces.scoring.rows import read_part
from fakefaces.scoring.storage import Storage

if TYPE_CHECKING:
    import pyarrow as pa

_PACKAGES = ("fakefaces", "mlflow", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "pyarrow", "pyspark")


class PartDigest(Schema):
    """One part file."""

    name: str
    rows: int
    sha256: str


class Manifest(Schema):
    """The receipt."""

    model: ModelIdentity
    input: dict[str, Any]  # what INPUT was
    images: int
    list_sha256: str  # of the list of inputs
    columns: list[str]
    schema_version: int
    counts: Counts
    engine: str  # of the last start
    packages: dict[str, str]  # versions, at the last start
    python: str
    started: str  # the first start; ISO 8601, UTC
    ended: str
    parts: list[PartDigest]


def write_receipt(job: Job, engine: str) -> Manifest:
    """Count the rows of all parts and write the receipt; a DataError where a part is not complete."""
    frozen, tally, parts = job.frozen, Tally(), []
    for part in range(frozen.parts):
        table, digest = read_rows(job.storage, part)
        if table.num_rows != job.size(part):
            raise DataError(f"{job.storage}/{part_name(part)}: not complete; run the same command again")
        parts.append(PartDigest(name=part_name(part), rows=table.num_rows, sha256=digest))
        tally_rows(tally, table)
    manifest = Manifest(
        model=frozen.model,
        input=frozen.input,
        images=frozen.count,
        list_sha256=frozen.sha256,
        columns=list(COLUMNS),
        schema_version=frozen.schema_version,
        counts=tally.counts,
        engine=engine,
        packages=_packages(),
        python=platform.python_version(),
        started=frozen.started,
        ended=listing.now(),
        parts=parts,
    )
    job.storage.write(MANIFEST, (manifest.model_dump_json(indent=2) + "\n").encode())
    return manifest


def read_receipt(storage: Storage) -> Manifest | None:
    """The receipt; None if there is none. A DataError if it is damaged."""
    data = storage.read(MANIFEST)
    if data is None:
        return None
    try:
        return parse(Manifest, json.loads(data), f"{storage}/{MANIFEST}")
    except (ValueError, ParamsError) as error:
        raise DataError(f"{storage}/{MANIFEST}: damaged ({str(error)[:200]}); remove it and score again") from None


def read_rows(storage: Storage, part: int) -> tuple["pa.Table", str]:
    """The rows of a part file and the sha256 of its bytes; a DataError if it is missing or damaged."""
    data = storage.read(part_name(part))
    try:
        if data is None:
            raise ValueError("missing")
        return read_part(data)[0], hashlib.sha256(data).hexdigest()
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise DataError(f"{storage}/{part_name(part)}: damaged or missing ({reason}); score again") from None


def tally_rows(tally: Tally, table: "pa.Table") -> None:
    """Count the rows of a part."""
    for values in zip(*(table[name].to_pylist() for name in ("label", "unsure", "problem", "unfamiliar")), strict=True):
        tally.add(*values)


def _packages() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
