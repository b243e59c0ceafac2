"""A job: a frozen list of inputs, the parts of its output, and which of them are finished."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.progress import echo
from fakefaces.inference.score import SCHEMA_VERSION
from fakefaces.scoring import listing
from fakefaces.scoring.inputs import Inputs
from fakefaces.scoring.listing import FrozenList, ModelIdentity, part_name
from fakefaces.scoring.reading import Input
from fakefaces.scoring.rows import Row, read_part, to_parquet
from fakefaces.scoring.storage import Storage

PART_SIZE = 1_000  # images
MANIFEST = "_manifest.json"


class Job:
    """What engines do: score the inputs of each remaining part, and write their rows in the same order."""

    def __init__(self, storage: Storage, frozen: FrozenList):
        self.storage, self.frozen = storage, frozen
        self._release = version("fakefaces")  # now: Spark's executors get the code and no package

    def size(self, part: int) -> int:
        """The number of images in a part."""
        return min(self.frozen.part_size, self.frozen.count - part * self.frozen.part_size)

    def inputs(self, part: int) -> list[Input]:
        """The images of a part."""
        return listing.read_inputs(self.storage, part)

    def write(self, part: int, rows: Sequence[Row]) -> None:
        """Write the rows of a part, one for each of its images."""
        metadata = {
            "fakefaces": self._release,
            "list": self.frozen.sha256,
            "part": part,
            "model": self.frozen.model.model_dump(),
        }
        self.storage.write(part_name(part), to_parquet(rows, metadata))

    def remaining(self) -> list[int]:
        """The parts that are not finished, in order; a file that is damaged or of another list is named and removed."""
        names = self.storage.names()
        unfit = [part for part in range(self.frozen.parts) if part_name(part) in names and not self._is_finished(part)]
        for part in unfit:
            self.storage.remove(part_name(part))
        names -= {part_name(part) for part in unfit}
        return [part for part in range(self.frozen.parts) if part_name(part) not in names]

    def _is_finished(self, part: int) -> bool:
        data = self.storage.read(part_name(part))
        try:
            table, metadata = read_part(data or b"")
        except (OSError, ValueError):
            echo(f"{self.storage}/{part_name(part)}: damaged; its images are scored again")
            return False
        expected = (self.frozen.sha256, part, self.frozen.model.digest)
        if (metadata.get("list"), metadata.get("part"), metadata.get("model", {}).get("digest")) != expected:
            echo(f"{self.storage}/{part_name(part)}: of another list or model; its images are scored again")
            return False
        return int(table.num_rows) == self.size(part)


@contextmanager
def open_job(storage: Storage, inputs: Inputs, model: ModelIdentity, part_size: int | None = None) -> Iterator[Job]:
    """Start a job, or go on with one; nobody else can meanwhile.

    Args:
        storage: of the output.
        inputs: what is to be scored; it is not listed again where a list is frozen.
        model: the detector.
        part_size: images in a part; None for the frozen list's, or a thousand.

    Raises:
        DataError: another process works on it; INPUT, model, part size or columns differ from those of the first start;
            or the output holds something else.
    """
    with lock(storage):
        frozen = listing.read_list(storage)
        if frozen:
            _check_same(storage, frozen, inputs, model, part_size)
            echo(f"{storage}: the list of {frozen.count:,} images was frozen on {frozen.started}")
        else:
            _check_empty(storage)
            frozen = listing.freeze(storage, inputs, model, part_size or PART_SIZE, SCHEMA_VERSION)
        _remove_unfinished(storage)
        yield Job(storage, frozen)


@contextmanager
def lock(storage: Storage) -> Iterator[None]:
    """Hold the output; a DataError where another process does.

    In a local folder this is a file in it. For an address it is one of this machine, since object stores have no locks.
    """
    from filelock import FileLock, Timeout

    if storage.folder:
        path = storage.folder / ".lock"
    else:
        name = hashlib.sha256(storage.address.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"fakefaces-{name}.score.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise DataError(
            f"{storage}: another process writes scores there; wait for it, or choose another OUTPUT"
        ) from None


def _check_same(
    storage: Storage, frozen: FrozenList, inputs: Inputs, model: ModelIdentity, part_size: int | None
) -> None:
    def refuse(what: str, before: object, now: object, remedy: str) -> DataError:
        return DataError(
            f"{storage}: it was started with another {what}: {before}, not {now}; {remedy}, or choose another OUTPUT"
        )

    identity = inputs.identity
    for key, what in (("address", "INPUT"), ("kind", "kind of INPUT"), ("column", "column")):
        if frozen.input[key] != identity[key]:
            raise refuse(what, frozen.input[key], identity[key], "go on with that one")
    if frozen.input["files"] != identity["files"]:
        raise DataError(
            f"{storage}: {identity['address']} has changed since the list was frozen; choose another OUTPUT"
        )
    if frozen.model.digest != model.digest:
        before = f"{frozen.model.source} (sha256 {frozen.model.digest[:12]})"
        raise refuse(
            "model", before, f"{model.source} ({model.digest[:12]})", f"go on with: --model {frozen.model.source}"
        )
    if frozen.schema_version != SCHEMA_VERSION:
        raise refuse(
            "version of the columns", frozen.schema_version, SCHEMA_VERSION, "go on with that release of fakefaces"
        )
    if part_size not in (None, frozen.part_size):
        raise refuse("--part-size", frozen.part_size, part_size, "leave it out")


def _check_empty(storage: Storage) -> None:
    others = sorted(name for name in storage.names() if name != listing.FOLDER and not name.startswith("."))
    if others:
        raise DataError(f"{storage}: not empty ({others[0]}), and not of an earlier start; choose a new OUTPUT")


def _remove_unfinished(storage: Storage) -> None:
    """Remove what killed processes were writing."""
    for name in storage.names():
        if name.startswith(".") and name.endswith(".tmp"):
            storage.remove(name)
