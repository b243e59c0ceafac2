"""Runs: one tree for each state of the pipeline, each run found again by what it made."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.tracking import provenance, store
from fakefaces.tracking.digests import digest

_MADE = "made."  # the tag "made.<path>" holds the digest of an output that the run wrote


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

    def made(self, *outputs: str) -> None:
        """Tag the run with the digests of the outputs that it wrote, so that it is found by them."""
        self.mlflow.set_tags({_MADE + path: digest(self.root / path) for path in outputs})

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file with the run."""
        self.mlflow.log_artifact(str(path), artifact_path=folder)

    def text(self, text: str, name: str) -> None:
        """Keep a text as a file with the run."""
        self.mlflow.log_text(text, name)

    def picture(self, name: str, png: bytes) -> None:
        """Keep a picture that the UI shows beside those of the same name in other runs."""
        from PIL import Image

        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            self.mlflow.log_image(image.convert("RGB"), key=name, step=0)

    @contextmanager
    def child(self, name: str, role: str) -> Iterator["Run"]:
        """A run nested in this one, on the same data and from the same commit."""
        tags = dict(self.tags) | {"role": role}
        with self.mlflow.start_run(run_name=name, nested=True, tags=tags) as run:
            _log_data(self.mlflow, self.root, role)
            yield Run(self.mlflow, run.info.run_id, self.root, tags)


@contextmanager
def stage_run(name: str, role: str) -> Iterator[Run]:
    """Open a run under the parent of this state of the pipeline.

    Ends as FINISHED, or as FAILED if the block raises; one whose process is killed outright is closed as
    KILLED by the next one.

    Args:
        name: the run's name, such as the model's.
        role: ``train``, ``tune`` or ``evaluate``, as the tag ``role``.

    Raises:
        TrackingError: the store cannot be opened or written.
    """
    root = environment.workspace()
    with store.opened() as mlflow:
        store.close_dead_runs(mlflow)
        tags = provenance.tags(root) | {"role": role}
        parent = _parent(mlflow, root, tags)
        with mlflow.start_run(run_name=name, parent_run_id=parent, tags=tags) as run:
            _log_data(mlflow, root, role)
            try:
                yield Run(mlflow, run.info.run_id, root, tags)
            except FakefacesError as error:
                mlflow.set_tag("error", str(error)[:5000])
                raise


def find_run(mlflow: Any, path: str, made: str) -> Any | None:
    """The newest finished run that made the output ``path`` with this digest; None if there is none."""
    runs = mlflow.search_runs(
        experiment_names=[store.EXPERIMENT],
        filter_string=f"tags.`{_MADE}{path}` = '{made}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
        output_format="list",
    )
    return runs[0] if runs else None


def _parent(mlflow: Any, root: Path, tags: Mapping[str, str]) -> str:
    """The id of the one run that stands for this state; found by its tag, or made."""
    state = tags["state"]
    with store.exclusively("parent"):
        found = mlflow.search_runs(
            experiment_names=[store.EXPERIMENT],
            filter_string=f"tags.state = '{state}' and tags.role = 'pipeline'",
            max_results=1,
            output_format="list",
        )
        if found:
            return str(found[0].info.run_id)
        commit = tags["mlflow.source.git.commit"][:7]
        name = environment.experiment() or f"repro-{commit}-{state[:6]}"
        experiment = mlflow.get_experiment_by_name(store.EXPERIMENT).experiment_id
        client = mlflow.MlflowClient()
        own = dict(tags) | {"role": "pipeline", "mlflow.source.name": "dvc", "dvc.stage": ""}
        run = client.create_run(experiment, run_name=name, tags=own)
        for file in ("params.yaml", "dvc.yaml"):
            client.log_artifact(run.info.run_id, str(root / file))
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


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
