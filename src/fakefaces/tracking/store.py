"""The MLflow store: opened by URI, made on first use, with leftovers of killed processes closed."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError

EXPERIMENT = "fakefaces"


@contextmanager
def opened() -> Iterator[Any]:
    """Import MLflow, point it at the store and make the experiment if it is not there yet.

    Yields:
        The ``mlflow`` module, with tracking URI and experiment set.

    Raises:
        TrackingError: the store cannot be opened, or fails while the block uses it.
    """
    warnings.simplefilter("ignore", FutureWarning)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    uri, artifacts = environment.tracking_uri(), environment.artifacts_root()
    try:
        if artifacts:
            artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        with exclusively("store"):  # two first starts would both make the tables
            if mlflow.get_experiment_by_name(EXPERIMENT) is None:
                location = artifacts.as_uri() if artifacts else None
                mlflow.create_experiment(EXPERIMENT, artifact_location=location)
        mlflow.set_experiment(EXPERIMENT)
        yield mlflow
    except (MlflowException, SQLAlchemyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise TrackingError(
            f"the MLflow store {uri} cannot be used ({reason}); check MLFLOW_TRACKING_URI, "
            "or the folder mlruns/ and the space on its disk"
        ) from None


def connect() -> Any:
    """Give the ``mlflow`` module on the store, for single questions.

    Raises:
        TrackingError: the store cannot be opened.
    """
    with opened() as mlflow:
        return mlflow


@contextmanager
def exclusively(what: str) -> Iterator[None]:
    """Let one process at a time through, among those that share the embedded store.

    With a store of the user's own (``MLFLOW_TRACKING_URI``) the lock is beside the project all the same: it
    serves the processes of this machine, which are the ones that start at once.
    """
    from filelock import FileLock

    folder = environment.home() / "mlruns"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{what}.lock", timeout=120):
        yield


def close_dead_runs(mlflow: Any) -> None:
    """Mark as KILLED what is still RUNNING in the name of a process of this machine that is gone."""
    running = mlflow.search_runs(
        experiment_names=[EXPERIMENT],
        filter_string=f"attributes.status = 'RUNNING' and tags.host = '{socket.gethostname()}'",
        output_format="list",
    )
    for run in running:
        if not _alive(int(run.data.tags.get("pid", "0"))):
            mlflow.MlflowClient().set_terminated(run.info.run_id, status="KILLED")


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
