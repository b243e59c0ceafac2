"""The MLflow store: opened by URI, made on first use, with leftovers of killed processes closed."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.base.progress import echo
from fakefaces.tracking import artifact_paths, locks, processes

EXPERIMENT = "fakefaces"


@contextmanager
def opened() -> Iterator[Any]:
    """Import MLflow, point it at the store and make the experiment if it is not there yet.

    Yields:
        The ``mlflow`` module, with tracking URI and experiment set.

    Raises:
        TrackingError: the store cannot be opened, or fails while the block uses it.
    """
    with reached() as mlflow:
        with exclusively("store"):  # two first starts would both make the tables
            if mlflow.get_experiment_by_name(EXPERIMENT) is None:
                mlflow.create_experiment(EXPERIMENT, artifact_location=environment.artifacts_root())
            elif old := artifact_paths.moved_from(mlflow, EXPERIMENT):
                count = artifact_paths.relink(old)
                echo(
                    f"the store was moved here from {artifact_paths.local_path(old)}: {count} paths of artifacts follow it"
                )
        mlflow.set_experiment(EXPERIMENT)
        yield mlflow


@contextmanager
def reached() -> Iterator[Any]:
    """Import MLflow and point it at the store as it is; for those who only look.

    Raises:
        TrackingError: the store cannot be opened, or fails while the block uses it.
    """
    warnings.simplefilter("ignore", FutureWarning)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    uri = environment.tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        yield mlflow
    except (MlflowException, SQLAlchemyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise TrackingError(
            f"the MLflow store {environment.without_password(uri)} cannot be used ({reason}); check MLFLOW_TRACKING_URI, "
            "or the folder mlruns/ and the space on its disk"
        ) from None


def connect() -> Any:
    """Give the ``mlflow`` module on the store, for single questions.

    Raises:
        TrackingError: the store cannot be opened.
    """
    with opened() as mlflow:
        return mlflow


def exclusively(what: str) -> AbstractContextManager[None]:
    """Let one process at a time through, among those that use the store."""
    return locks.exclusively(environment.tracking_uri(), what)


def running(mlflow: Any) -> list[Any]:
    """The runs that are under way, or seem to be."""
    return list(
        mlflow.search_runs(
            experiment_names=[EXPERIMENT], filter_string="attributes.status = 'RUNNING'", output_format="list"
        )
    )


def close_dead_runs(mlflow: Any) -> list[Any]:
    """Mark as KILLED what is still RUNNING in the name of a process of this machine that is gone, and give it."""
    dead = [run for run in running(mlflow) if processes.gone(run.data.tags)]
    for run in dead:
        mlflow.MlflowClient().set_terminated(run.info.run_id, status="KILLED")
    return dead
