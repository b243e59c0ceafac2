"""Verification of a finished job: each input has one row, the parts are unchanged, and scoring again agrees."""

import random
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fakefaces.base.errors import DataError
from fakefaces.inference.file_facts import FACT_COLUMNS
from fakefaces.scoring import listing
from fakefaces.scoring.addresses import public
from fakefaces.scoring.counts import Counts, Tally
from fakefaces.scoring.job import Job
from fakefaces.scoring.listing import part_name
from fakefaces.scoring.model import Model
from fakefaces.scoring.reading import Input, Reader
from fakefaces.scoring.receipt import Manifest, read_receipt, read_rows, tally_rows
from fakefaces.scoring.rows import COLUMNS
from fakefaces.scoring.storage import Storage
from fakefaces.scoring.worker import Scorer, score_row

SAMPLE = 50  # images that are scored again
TOLERANCE = 1e-6  # of a score
_GONE = ("missing", "unreadable")


@dataclass
class Verification:
    """What was verified."""

    images: int
    counts: Counts
    again: int = 0  # images that were scored again
    unread: list[str] = field(default_factory=list)  # those of the sample that can no longer be read


def finished_job(storage: Storage) -> tuple[Job, Manifest]:
    """The job in an output and its receipt; a DataError if it is not finished."""
    frozen, manifest = listing.read_list(storage), read_receipt(storage)
    if frozen is None:
        raise DataError(f"{storage}: no output of fakefaces score")
    if manifest is None:
        raise DataError(f"{storage}: not finished; run the same fakefaces score again")
    return Job(storage, frozen), manifest


def verify(job: Job, manifest: Manifest, model: Model, sample: int = SAMPLE) -> Verification:
    """Verify an output.

    Args:
        job: a finished one.
        manifest: its receipt.
        model: the detector of the job, as it is now.
        sample: number of images to score again, chosen by the list's digest.

    Raises:
        DataError: a sentence for what is wrong first.
    """
    if model.identity.digest != job.frozen.model.digest:
        raise DataError(
            f"{job.storage}: it was scored by {job.frozen.model.source} (sha256 {job.frozen.model.digest[:12]}), and "
            f"{model.identity.source} is another detector ({model.identity.digest[:12]})"
        )
    chosen = _chosen(job, sample)
    tally = Tally()
    again: list[tuple[Input, dict[str, Any]]] = []
    _check_parts(job, manifest)
    for part in range(job.frozen.parts):
        inputs = job.inputs(part)
        table, digest = read_rows(job.storage, part)
        name = f"{job.storage}/{part_name(part)}"
        if digest != manifest.parts[part].sha256:
            raise DataError(f"{name}: its bytes are not those of the receipt; choose another OUTPUT and score again")
        if table["path"].to_pylist() != [image.key for image in inputs]:
            raise DataError(f"{name}: its rows are not those of the list of inputs, one each in their order")
        tally_rows(tally, table)
        again += [(inputs[k], table.slice(k, 1).to_pylist()[0]) for k in chosen.get(part, [])]
    if listing.list_digest(job.storage, job.frozen.parts) != manifest.list_sha256:
        raise DataError(f"{job.storage}: the list of inputs is not that of the receipt")
    if tally.counts != manifest.counts:
        raise DataError(f"{job.storage}: counts are {tally.counts}, and in the receipt {manifest.counts}")
    done = Verification(job.frozen.count, tally.counts)
    scorer, reader = model.load(), Reader(job.frozen.content)
    for image, row in again:
        _score_again(scorer, reader, image, row, done)
    return done


def _check_parts(job: Job, manifest: Manifest) -> None:
    expected = {part_name(part) for part in range(job.frozen.parts)}
    others = sorted(name for name in job.storage.names() - expected if name[0] not in "._")
    if others:
        raise DataError(f"{job.storage}/{others[0]}: not a part of this job; readers would count its rows: remove it")
    if [part.name for part in manifest.parts] != sorted(expected, key=lambda name: int(name[5:-8])):
        raise DataError(f"{job.storage}: the receipt lists other parts than the list of inputs has")


def _chosen(job: Job, sample: int) -> dict[int, list[int]]:
    """Places of the sample by part; the same for each verification of one list."""
    places = random.Random(job.frozen.sha256).sample(range(job.frozen.count), min(sample, job.frozen.count))
    chosen: dict[int, list[int]] = {}
    for place in sorted(places):
        chosen.setdefault(place // job.frozen.part_size, []).append(place % job.frozen.part_size)
    return chosen


def _score_again(scorer: Scorer, reader: Reader, image: Input, row: dict[str, Any], done: Verification) -> None:
    if row["problem"] == "crashed":  # it might end this process
        return
    now = dict(zip(COLUMNS, score_row(scorer, image, partial(reader.read, image)), strict=True))
    if now["problem"] in _GONE and row["problem"] != now["problem"]:
        done.unread.append(public(image.key))
        return
    done.again += 1
    # earlier releases wrote no facts
    for name in COLUMNS if row["sha256"] else (name for name in COLUMNS if name not in FACT_COLUMNS):
        before, after = row[name], now[name]
        both = isinstance(before, float) and isinstance(after, float)
        same = abs(before - after) <= TOLERANCE if both else before == after
        if not same and name not in ("problem_detail", "model_version"):
            raise DataError(
                f"{public(image.key)}: its {name} was {before}, and scored again it is {after}; the image, or the "
                "versions of the packages in the receipt, have changed"
            )
