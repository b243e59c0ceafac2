"""Every environment variable that the project reads or sets, and the folders that follow from them."""

import os
import sys
from pathlib import Path

from fakefaces.base.errors import FakefacesError

# No library sends telemetry, unless the user has set its variable.
_DEFAULTS = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "true",
    # A model lists its packages itself; MLflow would copy this project's uv.lock, with all of ours, into it.
    "MLFLOW_UV_AUTO_DETECT": "false",
    # Of a server that is away we want to know within seconds; MLflow's own defaults are 7 retries of 120 seconds.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    # Less noise: TensorFlow's C++ log, GitPython's advice, progress bars of MLflow, a display for Matplotlib.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MPLBACKEND": "Agg",
    # The models are written for Keras on TensorFlow; ~/.keras/keras.json must not change that.
    "KERAS_BACKEND": "tensorflow",
    # TensorFlow leaves oneDNN off on some processors: there the custom CNN trains 2.5 times as fast with it
    # (benchmarks/training.py), and one machine's results should not differ from another's by a default.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}

DVC = (sys.executable, "-m", "dvc")  # its command line, though no environment is activated

JOBS = "FAKEFACES_JOBS"  # set by `fakefaces repro` for its stages, each of which it holds a slot for

SIGNING_KEY, VERIFYING_KEY = "FAKEFACES_SIGNING_KEY", "FAKEFACES_VERIFYING_KEY"

_SQLITE = "sqlite:///"


def set_defaults() -> None:
    """Set the variables that libraries read when they are imported, where the user has not."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def use_one_thread() -> None:
    """Let BLAS and OpenMP, where they are imported after this, use one thread: the processes are many."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def unset_run() -> None:
    """Remove ``MLFLOW_RUN_ID``: left over in a shell, it would send every run of a pipeline into that one run."""
    os.environ.pop("MLFLOW_RUN_ID", None)


def workspace() -> Path:
    """The project's folder: the nearest one, from the working directory up, with ``dvc.yaml`` and ``params.yaml``.

    In ``dvc exp run --temp`` and ``--queue`` this is a temporary copy. A FakefacesError where there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "params.yaml").is_file():
            return folder
    raise FakefacesError(
        f"{here} is not inside a fakefaces project: no dvc.yaml with a params.yaml here or above. "
        "Change into the project's folder first."
    )


def store_root() -> Path:
    """The project whose MLflow store is used: ``DVC_ROOT`` where DVC set it, else the workspace.

    It is the project that started a queued or temporary experiment: the runs of all experiments are in one store.
    """
    root = os.environ.get("DVC_ROOT")
    return Path(root) if root else workspace()


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, else ``mlruns/mlflow.db``; a relative sqlite path is relative to :func:`store_root`."""
    return _absolute(os.environ.get("MLFLOW_TRACKING_URI", "").strip() or "sqlite:///mlruns/mlflow.db")


def set_tracking_uri(uri: str) -> None:
    """Set ``MLFLOW_TRACKING_URI``."""
    os.environ["MLFLOW_TRACKING_URI"] = uri


def registry_uri() -> str:
    """``MLFLOW_REGISTRY_URI``, which MLflow would look for registered models at; empty where it is not set.

    A relative sqlite path is relative to :func:`store_root`, as that of the store is.
    """
    return _absolute(os.environ.get("MLFLOW_REGISTRY_URI", "").strip())


def unset_registry() -> None:
    """Remove ``MLFLOW_REGISTRY_URI``, which names the store itself: MLflow would take it for another than its copy."""
    os.environ.pop("MLFLOW_REGISTRY_URI", None)


def artifacts_root() -> str | None:
    """Where a new store keeps its artifacts; None where a tracking server decides.

    For a sqlite file it is the folder ``artifacts`` beside it. For another database it is
    ``MLFLOW_DEFAULT_ARTIFACT_ROOT``, which all machines must reach, or else ``mlruns/artifacts`` of :func:`store_root`.
    """
    uri = tracking_uri()
    if uri.startswith(_SQLITE):
        return (Path(uri.removeprefix(_SQLITE)).parent / "artifacts").as_uri()
    if uri.startswith(("http:", "https:", "databricks")):
        return None
    return os.environ.get("MLFLOW_DEFAULT_ARTIFACT_ROOT") or (store_root() / "mlruns" / "artifacts").as_uri()


def jobs() -> int | None:
    """``FAKEFACES_JOBS``, what may run at a time in the project, where ``fakefaces repro`` has started this process."""
    text = os.environ.get(JOBS, "")
    return int(text) if text.isdecimal() and int(text) else None


def study_storage() -> str | None:
    """``OPTUNA_STORAGE``, the database of a study that several processes share; None where it is not set."""
    uri = os.environ.get("OPTUNA_STORAGE")
    return _absolute(uri) if uri else None


def _absolute(uri: str) -> str:
    relative = uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_absolute()
    return f"{_SQLITE}{store_root() / uri.removeprefix(_SQLITE)}" if relative else uri


def signing_key() -> Path | None:
    """``FAKEFACES_SIGNING_KEY``, a file with the private key that a promotion signs with; None where it is not set."""
    return _path(SIGNING_KEY)


def signing_key_password() -> str | None:
    """``FAKEFACES_SIGNING_KEY_PASSWORD``, of a private key that is encrypted; None where it is not set."""
    return os.environ.get(f"{SIGNING_KEY}_PASSWORD") or None


def verifying_key() -> Path | None:
    """``FAKEFACES_VERIFYING_KEY``, a file with the public key that every registered model is verified by."""
    return _path(VERIFYING_KEY)


def c2pa_trust() -> Path | None:
    """``FAKEFACES_C2PA_TRUST``, a PEM file with certificates whose Content Credentials are trusted; None if not set."""
    return _path("FAKEFACES_C2PA_TRUST")


def _path(variable: str) -> Path | None:
    value = os.environ.get(variable, "").strip()
    return Path(value).expanduser() if value else None


def dvc_stage() -> str | None:
    """The DVC stage that runs this process, such as ``train@vgg16``; None outside of DVC."""
    return os.environ.get("DVC_STAGE")


def dvc_experiment() -> str | None:
    """The name of the ``dvc exp run`` that runs this process; None in a plain ``dvc repro``."""
    return os.environ.get("DVC_EXP_NAME") or ("unnamed" if os.environ.get("DVC_EXP_BASELINE_REV") else None)
