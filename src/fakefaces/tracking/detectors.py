"""Detectors in MLflow: logged with their run, kept for serving, resolved to a folder again."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fakefaces
from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.base.files import write_json
from fakefaces.inference.metadata import Operating, read_metadata
from fakefaces.tracking import store
from fakefaces.tracking.runs import Run, find_run

CHAMPION, CHALLENGER = "champion", "challenger"
_NEEDS = ("mlflow", "tensorflow", "numpy", "pillow", "opencv-python-headless", "pydantic", "pyyaml", "rich")
_ARTIFACT = "detector"


def log_detector(run: Run, folder: Path, example: bytes) -> None:
    """Log a saved detector with its signature and an example, as a model that takes image files.

    Args:
        run: the run that trained it.
        folder: what :meth:`fakefaces.inference.detector.Detector.save` wrote.
        example: one image file.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    client = run.mlflow.MlflowClient()
    experiment = client.get_run(run.id).info.experiment_id
    logged = client.create_logged_model(experiment, name=_ARTIFACT, source_run_id=run.id)
    status = LoggedModelStatus.FAILED
    try:
        write_files(run.mlflow, logged, folder, example)
        status = LoggedModelStatus.READY
    finally:
        client.finalize_logged_model(logged.model_id, status)
    client.log_outputs(run.id, [LoggedModelOutput(logged.model_id, step=0)])


@contextmanager
def with_operating(folder: Path, operating: Operating | None) -> Iterator[Path]:
    """A passing copy of a detector's folder whose metadata holds an operating point."""
    with tempfile.TemporaryDirectory(prefix="fakefaces-") as passing:
        copy = Path(passing) / _ARTIFACT
        shutil.copytree(folder, copy, copy_function=_linked)
        (copy / "detector.json").unlink()
        write_json(
            copy / "detector.json", read_metadata(folder).model_copy(update={"operating": operating}).model_dump()
        )
        yield copy


def keep_for_serving(mlflow: Any, run: Any, folder: Path, tags: dict[str, str]) -> str:
    """Keep a detector with its operating point as a model of the run that trained it; nothing is loaded.

    One process at a time: :meth:`fakefaces.registry.store.Registry.register` sees to that.

    Args:
        mlflow: the connected module.
        run: that trained it; it is left as it is.
        folder: of the detector.
        tags: ``served.digest`` among them, by which a copy that is there already is found.

    Returns:
        Its ``models:/`` URI.
    """
    client, experiment = mlflow.MlflowClient(), run.info.experiment_id
    wanted = f"tags.`served.digest` = '{tags['served.digest']}'"
    for found in client.search_logged_models([experiment], filter_string=wanted):
        if str(found.status) == "READY":
            return f"models:/{found.model_id}"
        client.delete_logged_model(found.model_id)  # of a process that was killed: the registry is locked for us
    # With the client, not mlflow.start_run: that would set a finished run to RUNNING and move its end.
    logged = client.create_logged_model(experiment, name="registered", source_run_id=run.info.run_id, tags=tags)
    write_files(mlflow, logged, folder)
    client.finalize_logged_model(logged.model_id, "READY")
    return f"models:/{logged.model_id}"


def write_files(mlflow: Any, logged: Any, folder: Path, example: bytes | None = None) -> None:
    """Write the files of a logged model, new or lost, from a detector's folder, with an example if there is one.

    MLflow's own ``log_model`` loads a model twice and scores the example twice, to find a signature that the
    types give already: half a minute for a large backbone. Here nothing is loaded.
    """
    from mlflow.models import Model
    from mlflow.models.model import MLMODEL_FILE_NAME
    from mlflow.models.utils import _save_example

    about = Model(artifact_path=logged.artifact_location, run_id=logged.source_run_id, model_id=logged.model_id)
    with tempfile.TemporaryDirectory(prefix="fakefaces-") as passing:
        saved = Path(passing) / "model"
        pyfunc().save_model(str(saved), mlflow_model=about, **_model(folder))
        if example is not None:
            _save_example(about, [example], str(saved))
            about.save(str(saved / MLMODEL_FILE_NAME))
        mlflow.MlflowClient().log_model_artifacts(logged.model_id, str(saved))


def fetch(uri: str) -> Path:
    """Bring a logged or registered detector to a local folder.

    Args:
        uri: ``models:/fake-faces@champion``, ``models:/fake-faces/3``, ``models:/m-...`` or the like.

    Returns:
        The folder, as :func:`fakefaces.inference.detector.load` takes it.

    Raises:
        TrackingError: there is no such model, its files are gone, or it is not ours.
    """
    folder = fetched(uri)
    return folder / "artifacts" / folder_name(folder)


def fetched(uri: str) -> Path:
    """Bring a model to a local folder in MLflow's own format, for MLflow to load.

    Args:
        uri: as for :func:`fetch`.

    Raises:
        TrackingError: there is no such model, or its files are gone.
    """
    mlflow = store.connect()
    from mlflow.exceptions import MlflowException

    try:
        return Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrackingError(
            f"{uri}: no such model in {environment.tracking_uri()} ({reason}); train and promote one with: dvc repro"
        ) from None


def folder_name(folder: Path) -> str:
    """The name of the detector's folder within the logged model."""
    inside = sorted(path.name for path in (folder / "artifacts").glob("*") if path.is_dir())
    if not inside:
        raise TrackingError(f"{folder}: this model was not logged by fakefaces")
    return inside[0]


def trained(what: str) -> tuple[str, str, str]:
    """The detector of a run of training or evaluation.

    Args:
        what: the run's id, at least six characters of its beginning, or its name; of several the newest.

    Returns:
        The output that it is (``outputs/models/<name>``), DVC's digest of it, and its ``models:/`` URI.

    Raises:
        TrackingError: there is no such run, it made no detector, or the detector's own run is gone.
    """
    mlflow = store.connect()
    runs = mlflow.search_runs(
        experiment_names=[store.EXPERIMENT],
        filter_string="attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        output_format="list",
    )
    runs = [run for run in runs if run.data.tags.get("role") in ("train", "evaluate")]
    meant = [run for run in runs if len(what) >= 6 and run.info.run_id.startswith(what)] or [
        run for run in runs if run.info.run_name == what
    ]
    if not meant:
        raise TrackingError(f"{what}: no version, alias, or run of training or evaluation; see: fakefaces registry")
    model, tags = meant[0].data.params["model"], meant[0].data.tags
    path = f"outputs/models/{model}"
    digest = tags.get("model.digest") or tags.get(f"made.{path}", "")
    origin = find_run(mlflow, path, digest)
    if origin is None:
        raise TrackingError(f"{what}: the run that trained its detector is not in the store")
    return path, digest, f"models:/{logged_model(origin)}"


def logged_model(run: Any) -> str:
    """The id of the detector that a run logged.

    Raises:
        TrackingError: the run logged none.
    """
    outputs = run.outputs.model_outputs if run.outputs else []
    if not outputs:
        raise TrackingError(f"the run {run.info.run_name} ({run.info.run_id}) logged no detector")
    return str(outputs[-1].model_id)


def pyfunc() -> Any:
    """MLflow's ``pyfunc``; at its import it warns of type hints of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        import mlflow.pyfunc
    return mlflow.pyfunc


def _model(folder: Path) -> dict[str, Any]:
    """What MLflow keeps of a detector: its files, and the code that serves them, as a file and not as a pickle."""
    return {
        "python_model": str(Path(fakefaces.__file__).parent / "serving" / "pyfunc_model.py"),
        "artifacts": {_ARTIFACT: str(folder)},
        # Named here, so that MLflow need not load the model in another process to find them.
        "pip_requirements": [f"{name}=={version(name)}" for name in _NEEDS],
    }


def _linked(source: str, target: str) -> str:
    """A hard link where that can be, for a network is large; a copy elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
