"""Runs: one tree for each state of the pipeline, in which a run is found by the digests of its outputs."""

import io
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError, TrackingError
from fakefaces.base.progress import echo
from fakefaces.base.secrets import masked
from fakefaces.tracking import processes, provenance
from fakefaces.tracking.connection import Connection, unless_lost
from fakefaces.tracking.descriptions import note_of_role
from fakefaces.tracking.digests import digest
from fakefaces.tracking.store import Store, close_dead_runs, closed_store, connect, exclusive_lock, running

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

OUTPUT_TAG = "made."  # the tag "made.<path>" holds the digest of an output that the run wrote
RELOGGED = "relogged"  # marks a run that was logged again from its outputs
REPEATS = "repeats"  # names the earlier run that wrote the same outputs
PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class Run:
    """A run in progress.

    What is logged after the store was lost, as its server went or its disk is full, is left out: the stage ends with
    its outputs, from which ``fakefaces doctor --fix`` logs the run again.
    """

    store: Store  # that holds it
    id: str
    root: Path  # the workspace whose outputs it writes
    tags: Mapping[str, str]  # its provenance, which its child runs share
    connection: Connection = field(default_factory=Connection)  # shared with its child runs

    @unless_lost
    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters, nested ones as ``a.b``."""
        from mlflow.entities import Param

        self.store.client.log_batch(
            self.id, params=[Param(key, masked(str(value))) for key, value in flatten(values).items()]
        )

    @unless_lost
    def metrics(self, values: Mapping[str, float | None], step: int | None = None) -> None:
        """Log metrics; those that could not be computed (None) are left out."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(key, float(value), now, step or 0) for key, value in values.items() if value is not None]
        self.store.client.log_batch(self.id, metrics=metrics)

    @unless_lost
    def tag(self, name: str, value: str) -> None:
        """Set one tag."""
        self.store.client.set_tag(self.id, name, masked(value))

    def speed(self, images: int, seconds: float) -> None:
        """Log the number of images processed, and the images per second."""
        self.metrics({"images": images, "images_per_second": images / seconds if seconds > 0 else None})

    @unless_lost
    def log_outputs(self, *paths: str) -> None:
        """Tag the run with the digests of the outputs that it wrote, by which it is found.

        Paths are relative to the workspace. A run that wrote the same bytes as an earlier one is tagged as its repeat.
        """
        digests = {path: digest(self.root / path) for path in paths}
        earlier = [find_run(self.store, path, md5) for path, md5 in digests.items()]
        for path, md5 in digests.items():
            self.tag(OUTPUT_TAG + path, md5)
        ids = {run.info.run_id if run else None for run in earlier}
        if len(ids) == 1 and (first := ids.pop()):
            self.tag(REPEATS, first)

    def metrics_of(self, path: Path, *names: str) -> dict[str, float]:
        """Metrics of the run that wrote an output as it is now; empty if no run is known to have written it."""
        if self.connection.lost or not path.exists():
            return {}
        run = None
        with self.connection:
            run = find_run(self.store, path.relative_to(self.root).as_posix(), digest(path))
        return {name: run.data.metrics[name] for name in names if name in run.data.metrics} if run else {}

    @unless_lost
    def adopt(self, tag: str, value: str) -> None:
        """Nest in this run the finished trials with a tag, whichever process ran them."""
        condition = f"tags.`{tag}` = '{value}' and tags.role = 'trial' and attributes.status = 'FINISHED'"
        for run in self.store.search_runs(condition):
            if run.data.tags.get(PARENT) != self.id:
                self.store.client.set_tag(run.info.run_id, PARENT, self.id)

    @unless_lost
    def artifact(self, path: Path) -> None:
        """Log a file."""
        self.store.client.log_artifact(self.id, str(path))

    @unless_lost
    def text(self, text: str, name: str) -> None:
        """Log a text as a file."""
        self.store.client.log_text(self.id, text, name)

    @unless_lost
    def image(self, name: str, png: bytes) -> None:
        """Log an image that MLflow's page shows beside those of the same name in other runs."""
        from PIL import Image

        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            # MLflow's own thread for it would take a second to end with the run
            self.store.client.log_image(self.id, image.convert("RGB"), key=name, step=0, synchronous=True)

    @property
    def address(self) -> "RunAddress":
        """Of this run, for another process."""
        return RunAddress(self.id, self.root, self.tags, self.connection.lost)

    @contextmanager
    def child(self, name: str, role: str, tags: Mapping[str, str] | None = None) -> Iterator["Run"]:
        """A run nested in this one, with its provenance."""
        with _run(replace(self, tags=dict(self.tags) | {"role": role} | dict(tags or {})), name) as run:
            yield run


@dataclass(frozen=True)
class RunAddress:
    """What another process needs of a run, to log to it and to nest runs of its own in it."""

    id: str
    root: Path
    tags: Mapping[str, str]
    lost: TrackingError | None  # its store, meanwhile

    def open(self) -> Run:
        """The run, by a connection of this process, whose runs are told from those of the other."""
        connection = Connection()
        run = Run(closed_store(), self.id, self.root, dict(self.tags) | processes.tags(), connection)
        connection.lost = self.lost
        if not self.lost:
            with connection:
                run = replace(run, store=connect(create=False, update=False))
        return run


@contextmanager
def stage_run(name: str, role: str, tags: Mapping[str, str] | None = None) -> Iterator[Run]:
    """Open a run under the parent of this state of the pipeline; nothing is logged while the store is away.

    It ends as FINISHED, as FAILED if the block raises, or as KILLED if a signal ends it. A run whose process was
    killed outright is closed as KILLED by the next run. With the tag ``relogged`` the run stands for a lost one, and
    has no duration or memory of its own.
    """
    root = environment.workspace()
    all_tags = provenance.tags(root) | {"role": role} | dict(tags or {})
    connection = Connection(may_be_lost=RELOGGED not in all_tags)
    parent = Run(closed_store(), "", root, all_tags, connection)
    with connection:
        store = connect()
        close_dead_runs(store)
        parent = replace(parent, store=store, id=_pipeline_run(store, root, all_tags))
    with _run(parent, name) as run:
        _log_provenance(run)
        yield run
    if connection.lost:
        echo(
            f"WARNING {connection.lost}\n{name}: its outputs are complete, but not all was logged; log it again, when "
            "the store can be used, with: fakefaces doctor --fix"
        )


def joined_run(role: str, tag: str, value: str) -> Run:
    """The run with a role and a tag that another process has opened, for child runs of this process.

    Where none is running, the parent of this state of the pipeline stands in for it.
    """
    root, store = environment.workspace(), connect()
    close_dead_runs(store)
    tags = provenance.tags(root) | {tag: value}
    for run in running(store):
        if run.data.tags.get(tag) == value and run.data.tags.get("role") == role:
            return Run(store, run.info.run_id, root, tags)
    return Run(store, _pipeline_run(store, root, tags), root, tags)


def find_run(store: Store, path: str, md5: str) -> "RunRecord | None":
    """The first finished run that wrote the output at ``path``, as in ``dvc.lock``, with this digest of DVC's."""
    condition = f"tags.`{OUTPUT_TAG}{path}` = '{md5}' and attributes.status = 'FINISHED'"
    return next(iter(store.search_runs(condition, newest_first=False)), None)


@contextmanager
def _run(parent: Run, name: str) -> Iterator[Run]:
    """Create a run below another, with the tags of ``parent``.

    It ends with its duration, its peak memory, and the reason of a failure.
    """
    run, tags = replace(parent, id=""), dict(parent.tags)
    if not parent.connection.lost:
        with parent.connection:
            experiment = str(parent.store.experiment_id)
            record = parent.store.client.create_run(
                experiment, run_name=name, tags=note_of_role(tags["role"]) | tags | {PARENT: parent.id}
            )
            run = replace(parent, id=record.info.run_id)
    start, status = time.monotonic(), "FINISHED"
    try:
        _log_data(run)
        yield run
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    except Exception as error:
        status = "FAILED"
        run.tag("error", (str(error) if isinstance(error, FakefacesError) else repr(error))[:5000])
        raise
    finally:
        if status != "FINISHED" or RELOGGED not in tags:
            unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB here
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
            run.metrics({"wall_seconds": time.monotonic() - start, "peak_memory_mib": peak})
        _end(run, status)


@unless_lost
def _end(run: Run, status: str) -> None:
    run.store.client.set_terminated(run.id, status)


def _pipeline_run(store: Store, root: Path, tags: Mapping[str, str]) -> str:
    """The id of the parent of all runs of this state of the pipeline, created if it is missing."""
    state = tags["state"]
    with exclusive_lock("parent"):
        condition = f"tags.state = '{state}' and tags.role = 'pipeline'"
        if parents := store.search_runs(condition, newest_first=False):
            return str(parents[0].info.run_id)
        commit = tags["mlflow.source.git.commit"][:7]
        name = environment.dvc_experiment() or f"repro-{commit}-{state[:6]}"
        own = {"role": "pipeline", "mlflow.source.name": "dvc", "dvc.stage": ""}
        parent_tags = dict(tags) | own | note_of_role("pipeline")
        run = store.client.create_run(str(store.experiment_id), run_name=name, tags=parent_tags)
        _log_provenance(Run(store, run.info.run_id, root, tags, Connection(may_be_lost=False)))
        store.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


@unless_lost
def _log_data(run: Run) -> None:
    """The photographs as a dataset input, under the digest that DVC knows them by."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if md5 := provenance.data_digest(run.root):
        data = Dataset("data", md5[:36], "http", json.dumps({"url": f"dvc://data/{md5}"}))
        context = InputTag("mlflow.data.context", run.tags["role"])
        run.store.client.log_inputs(run.id, [DatasetInput(data, [context])])


@unless_lost
def _log_provenance(run: Run) -> None:
    """Parameters, pipeline, lock file, uncommitted changes and packages, in the run's folder ``provenance``."""
    for name, text in provenance.files(run.root).items():
        run.store.client.log_text(run.id, masked(text), f"provenance/{name}")


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with keys such as ``a.b``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat
