"""Runs: one tree for each state of the pipeline, each run found again by what it made."""

import io
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.tracking import provenance, store
from fakefaces.tracking.digests import digest

OUTPUT_TAG = "made."  # the tag "made.<path>" holds the digest of an output that the run wrote
RELOGGED = "relogged"  # this one marks a run that was logged again from what it had made
REPEATS = "repeats"  # this tag names the run that made the same bytes before


@dataclass(frozen=True)
class Run:
    """A run that is under way.

    Attributes:
        mlflow: the connected module.
        id: the run's id.
        root: the workspace whose outputs it writes.
        tags: where it comes from; its children have them too.
    """

    mlflow: Any
    id: str
    root: Path
    tags: Mapping[str, str]

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters, nested ones as ``a.b``."""
        self.mlflow.log_params(_flat(values))

    def metrics(self, values: Mapping[str, float | None], step: int | None = None) -> None:
        """Log figures; one that could not be computed (None) is left out."""
        known = {name: float(value) for name, value in values.items() if value is not None}
        self.mlflow.log_metrics(known, step=step)

    def tag(self, name: str, value: str) -> None:
        """Set one tag."""
        self.mlflow.set_tag(name, value)

    def speed(self, images: int, seconds: float) -> None:
        """Log how many images were gone through, and how fast."""
        self.metrics({"images": images, "images_per_second": images / seconds if seconds > 0 else None})

    def log_outputs(self, *outputs: str) -> None:
        """Tag the run with the digests of the outputs that it wrote, so that it is found by them.

        Where a run made the very same bytes before, this one is tagged as its repeat, and the first is found.
        """
        digests = {path: digest(self.root / path) for path in outputs}
        first = {run.info.run_id if run else None for run in (find_run(self.mlflow, *one) for one in digests.items())}
        self.mlflow.set_tags({OUTPUT_TAG + path: made for path, made in digests.items()})
        if len(first) == 1 and (same := first.pop()):
            self.tag(REPEATS, same)

    def metrics_of(self, path: Path, *names: str) -> dict[str, float]:
        """Figures of the run that made an output as it is now; none where no run is known to have made it."""
        made = digest(path) if path.exists() else ""
        found = find_run(self.mlflow, path.relative_to(self.root).as_posix(), made)
        return {name: found.data.metrics[name] for name in names if name in found.data.metrics} if found else {}

    def adopt(self, tag: str, value: str) -> None:
        """Nest in this run the finished ones with this tag, whichever process made them."""
        wanted = f"tags.`{tag}` = '{value}' and tags.role = 'trial' and attributes.status = 'FINISHED'"
        client = self.mlflow.MlflowClient()
        for run in self.mlflow.search_runs(
            experiment_names=[store.EXPERIMENT], filter_string=wanted, output_format="list"
        ):
            if run.data.tags.get("mlflow.parentRunId") != self.id:
                client.set_tag(run.info.run_id, "mlflow.parentRunId", self.id)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file with the run."""
        self.mlflow.log_artifact(str(path), artifact_path=folder)

    def text(self, text: str, name: str) -> None:
        """Keep a text as a file with the run."""
        self.mlflow.log_text(text, name)

    def image(self, name: str, png: bytes) -> None:
        """Keep a picture that the UI shows beside those of the same name in other runs."""
        from PIL import Image

        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            # MLflow's own thread for it would take a second to end with the run
            self.mlflow.log_image(image.convert("RGB"), key=name, step=0, synchronous=True)

    @contextmanager
    def child(self, name: str, role: str, tags: Mapping[str, str] | None = None) -> Iterator["Run"]:
        """A run nested in this one, on the same data and from the same commit."""
        every = dict(self.tags) | {"role": role} | dict(tags or {})
        with (
            self.mlflow.start_run(run_name=name, nested=True, parent_run_id=self.id, tags=every) as run,
            _ending(self.mlflow, run.info.run_id, spent=RELOGGED not in every),
        ):
            _log_data(self.mlflow, self.root, role)
            yield Run(self.mlflow, run.info.run_id, self.root, every)


@contextmanager
def stage_run(name: str, role: str, tags: Mapping[str, str] | None = None) -> Iterator[Run]:
    """Open a run under the parent of this state of the pipeline.

    Ends as FINISHED, as FAILED if the block raises, or as KILLED if a signal ends it; one whose process is killed
    outright is closed as KILLED by the next one.

    Args:
        name: the run's name, such as the model's.
        role: ``train``, ``tune`` or ``evaluate``, as the tag ``role``.
        tags: more tags; with ``relogged`` the run stands for one that is lost, and has no time or memory of its own.

    Raises:
        TrackingError: the store cannot be opened or written.
    """
    root = environment.workspace()
    with store.opened() as mlflow:
        store.close_dead_runs(mlflow)
        every = provenance.tags(root) | {"role": role} | dict(tags or {})
        parent = _parent(mlflow, root, every)
        with (
            mlflow.start_run(run_name=name, parent_run_id=parent, tags=every) as run,
            _ending(mlflow, run.info.run_id, spent=RELOGGED not in every),
        ):
            _log_data(mlflow, root, role)
            _log_files(mlflow, run.info.run_id, root)
            yield Run(mlflow, run.info.run_id, root, every)


@contextmanager
def joined_run(role: str, tag: str, value: str) -> Iterator[Run]:
    """Work for a run that another process has opened: its children may be made here.

    Args:
        role: of that run, and
        tag: a tag of it, with
        value: its value. Where no such run is under way, the parent of this state stands in for it.
    """
    root = environment.workspace()
    with store.opened() as mlflow:
        store.close_dead_runs(mlflow)
        tags = provenance.tags(root) | {tag: value}
        under_way = [run for run in store.running(mlflow) if run.data.tags.get(tag) == value]
        found = [run.info.run_id for run in under_way if run.data.tags.get("role") == role]
        yield Run(mlflow, found[0] if found else _parent(mlflow, root, tags), root, tags)


def find_run(mlflow: Any, path: str, made: str) -> Any | None:
    """The first finished run that made the output ``path`` with this digest; None if there is none."""
    runs = mlflow.search_runs(
        experiment_names=[store.EXPERIMENT],
        filter_string=f"tags.`{OUTPUT_TAG}{path}` = '{made}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time ASC"],
        max_results=1,
        output_format="list",
    )
    return runs[0] if runs else None


@contextmanager
def _ending(mlflow: Any, run_id: str, spent: bool) -> Iterator[None]:
    """Log what a run took, however it ends, and why it failed."""
    start = time.monotonic()
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _log_spent(mlflow, start)
        if mlflow.active_run() and mlflow.active_run().info.run_id == run_id:
            mlflow.end_run("KILLED")  # leaving the block would say FAILED
        raise
    except Exception as error:
        _log_spent(mlflow, start)
        mlflow.set_tag("error", (str(error) if isinstance(error, FakefacesError) else repr(error))[:5000])
        raise
    if spent:
        _log_spent(mlflow, start)


def _log_spent(mlflow: Any, start: float) -> None:
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB here
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    mlflow.log_metrics({"wall_seconds": time.monotonic() - start, "peak_memory_mib": peak})


def _parent(mlflow: Any, root: Path, tags: Mapping[str, str]) -> str:
    """The id of the one run that stands for this state; found by its tag, or made."""
    state = tags["state"]
    with store.exclusively("parent"):
        found = mlflow.search_runs(
            experiment_names=[store.EXPERIMENT],
            filter_string=f"tags.state = '{state}' and tags.role = 'pipeline'",
            order_by=["attributes.start_time ASC"],
            max_results=1,
            output_format="list",
        )
        if found:
            return str(found[0].info.run_id)
        commit = tags["mlflow.source.git.commit"][:7]
        name = environment.dvc_experiment() or f"repro-{commit}-{state[:6]}"
        experiment = mlflow.get_experiment_by_name(store.EXPERIMENT).experiment_id
        client = mlflow.MlflowClient()
        own = dict(tags) | {"role": "pipeline", "mlflow.source.name": "dvc", "dvc.stage": ""}
        run = client.create_run(experiment, run_name=name, tags=own)
        _log_files(mlflow, run.info.run_id, root)
        client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


def _log_data(mlflow: Any, root: Path, role: str) -> None:
    """The data as a dataset input, under the digest that DVC knows it by."""
    found = provenance.data_digest(root)
    if found is None:
        return
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    source = HTTPDatasetSource(f"dvc://data/{found}")
    mlflow.log_input(MetaDataset(source, name="data", digest=found[:36]), context=role)


def _log_files(mlflow: Any, run_id: str, root: Path) -> None:
    """Parameters, pipeline, lock, changes and packages, as they are now, in the run's folder ``provenance``."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in provenance.files(root).items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        mlflow.MlflowClient().log_artifacts(run_id, folder, "provenance")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
