"""Detectors in MLflow: logged with their run, registered, resolved to a folder again."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.tracking import store
from fakefaces.tracking.runs import Run

CHAMPION, CHALLENGER = "champion", "challenger"
_NEEDS = ("tensorflow", "numpy", "pillow", "opencv-python-headless", "pydantic")
_ARTIFACT = "detector"


def log_detector(run: Run, folder: Path, example: bytes) -> None:
    """Log a saved detector with its signature and an example, as a model that takes image files.

    Args:
        run: the run that trained it.
        folder: what :meth:`fakefaces.detector.Detector.save` wrote.
        example: one image file.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import DataType

    run.mlflow.pyfunc.log_model(
        name=_ARTIFACT,
        python_model=str(Path(__file__).with_name("served.py")),
        artifacts={_ARTIFACT: str(folder)},
        signature=ModelSignature(
            inputs=Schema([ColSpec(DataType.binary)]),
            outputs=Schema([ColSpec(DataType.double, "p_fake"), ColSpec(DataType.string, "label")]),
        ),
        input_example=[example],
        # Named here, so that MLflow need not load the model in another process to find them.
        pip_requirements=[f"{name}=={version(name)}" for name in _NEEDS],
    )


def fetch(uri: str) -> Path:
    """Bring a logged or registered detector to a local folder.

    Args:
        uri: ``models:/fake-faces@champion``, ``models:/fake-faces/3``, ``models:/m-...`` or the like.

    Returns:
        The folder, as :func:`fakefaces.detector.load` takes it.

    Raises:
        TrackingError: there is no such model, or its files are gone.
    """
    mlflow = store.connect()
    from mlflow.exceptions import MlflowException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrackingError(
            f"{uri}: no such model in {environment.tracking_uri()} ({reason}); train and promote one with: dvc repro"
        ) from None
    return folder / "artifacts" / folder_name(folder)


def folder_name(folder: Path) -> str:
    """The name of the detector's folder within the logged model."""
    inside = sorted(path.name for path in (folder / "artifacts").glob("*") if path.is_dir())
    if not inside:
        raise TrackingError(f"{folder}: this model was not logged by fakefaces")
    return inside[0]


def logged_model(run: Any) -> str:
    """The id of the detector that a run logged.

    Raises:
        TrackingError: the run logged none.
    """
    outputs = run.outputs.model_outputs if run.outputs else []
    if not outputs:
        raise TrackingError(f"the run {run.info.run_name} ({run.info.run_id}) logged no detector")
    return str(outputs[-1].model_id)
