"""``fakefaces score``, from INPUT to the receipt."""

from collections.abc import Callable

from fakefaces.base.progress import Step, echo, progress
from fakefaces.scoring.inputs import Inputs
from fakefaces.scoring.job import Job, open_job
from fakefaces.scoring.model import Model
from fakefaces.scoring.receipt import Manifest, read_receipt, write_receipt
from fakefaces.scoring.storage import Storage

Engine = Callable[[Job, list[int], Step], None]  # scores the parts with these numbers


def run(storage: Storage, inputs: Inputs, model: Model, engine: Engine, name: str, part_size: int | None) -> Manifest:
    """Score what is not scored yet, and write the receipt.

    Args:
        storage: of the output.
        inputs: what is to be scored.
        model: the detector.
        engine: scores parts.
        name: of the engine, for the receipt.
        part_size: images in a part; None for the frozen list's, or a thousand.

    Raises:
        FakefacesError: see :func:`fakefaces.scoring.job.open_job` and the engines.
    """
    with open_job(storage, inputs, model.identity, part_size) as job:
        remaining = job.remaining()
        if finished := job.frozen.parts - len(remaining):
            echo(f"{finished:,} of {job.frozen.parts:,} parts are finished already")
        if remaining:
            with progress("scoring", sum(map(job.size, remaining))) as step:
                engine(job, remaining, step)
        elif manifest := read_receipt(storage):
            return manifest
        return write_receipt(job, name)
