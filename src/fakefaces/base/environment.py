"""Every environment variable that the project reads or sets, and the folders that follow from them."""

import os
import re
from pathlib import Path

from fakefaces.base.errors import FakefacesError

# Nothing calls home. `setdefault`, so that a user who wants a library's telemetry can have it.
_SETTLED = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "true",
    # Not telemetry, but noise: the banner of TensorFlow's C++ side, git advice, a display nobody has.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MPLBACKEND": "Agg",
    # The models are written for Keras on TensorFlow; ~/.keras/keras.json must not change that.
    "KERAS_BACKEND": "tensorflow",
    # TensorFlow leaves oneDNN off on some processors: there the custom CNN trains 2.5 times as fast with it
    # (benchmarks/training.py), and one machine's figures should not differ from another's by a default.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}

_SQLITE = "sqlite:///"


def settle() -> None:
    """Set what has to stand in the environment before any of the libraries is imported."""
    for name, value in _SETTLED.items():
        os.environ.setdefault(name, value)
    # An id left over in a shell would silently send every run of a pipeline into that one run.
    os.environ.pop("MLFLOW_RUN_ID", None)


def workspace() -> Path:
    """The folder with the ``dvc.yaml`` that we work in: the working directory or the nearest one above it.

    Under ``dvc exp run --temp`` and ``--queue`` this is a temporary copy of the project.

    Raises:
        FakefacesError: there is no ``dvc.yaml`` in any of them.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "params.yaml").is_file():
            return folder
    raise FakefacesError(
        f"{here} is not inside a fakefaces project: no dvc.yaml with a params.yaml here or above. "
        "Change into the project's folder first."
    )


def home() -> Path:
    """The project that keeps the MLflow store: ``DVC_ROOT`` where DVC set it, else the workspace.

    DVC points ``DVC_ROOT`` of a queued or temporary experiment at the project that started it, so the
    runs of all experiments meet in one store.
    """
    root = os.environ.get("DVC_ROOT")
    return Path(root) if root else workspace()


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, else the sqlite file ``mlruns/mlflow.db`` of :func:`home`.

    A relative sqlite path starts at :func:`home`, so that experiments in a temporary copy find it too.
    """
    return _anchored(os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlruns/mlflow.db")


def artifacts_root() -> str | None:
    """Where a new store keeps its artifacts; None where a tracking server decides.

    Beside a sqlite file it is the folder ``artifacts``. Beside another database it is
    ``MLFLOW_DEFAULT_ARTIFACT_ROOT``, which all machines must reach, or else ``mlruns/artifacts`` of :func:`home`.
    """
    uri = tracking_uri()
    if uri.startswith(_SQLITE):
        return (Path(uri.removeprefix(_SQLITE)).parent / "artifacts").as_uri()
    if uri.startswith(("http:", "https:", "databricks")):
        return None
    return os.environ.get("MLFLOW_DEFAULT_ARTIFACT_ROOT") or (home() / "mlruns" / "artifacts").as_uri()


def study_storage() -> str | None:
    """``OPTUNA_STORAGE``, the database of a study that several processes share; None for the embedded file."""
    uri = os.environ.get("OPTUNA_STORAGE")
    return _anchored(uri) if uri else None


def shown(uri: str) -> str:
    """A database's URI without its password, for messages."""
    return re.sub(r"//([^:/@]*):[^@]*@", r"//\1:***@", uri)


def _anchored(uri: str) -> str:
    relative = uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_absolute()
    return f"{_SQLITE}{home() / uri.removeprefix(_SQLITE)}" if relative else uri


def stage() -> str | None:
    """The DVC stage that runs us, such as ``train@vgg16``; None outside of DVC."""
    return os.environ.get("DVC_STAGE")


def experiment() -> str | None:
    """The name of the ``dvc exp run`` that runs us; None under a plain ``dvc repro``."""
    name = os.environ.get("DVC_EXP_NAME")
    if name:
        return name
    return "unnamed" if os.environ.get("DVC_EXP_BASELINE_REV") else None


def serving() -> bool:
    """Whether MLflow's scoring server runs us: strings come from a stranger's request and are no paths."""
    return any(name in os.environ for name in ("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "__pyfunc_model_path__"))
