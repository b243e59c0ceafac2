"""The MLflow store: opened by URI and created on first use. Every error of MLflow becomes a TrackingError."""

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.base.progress import echo
from fakefaces.tracking import artifact_paths, locks, processes

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as RunRecord
    from mlflow.store.entities import PagedList

EXPERIMENT = "fakefaces"
_LIBRARIES = ("mlflow.", "sqlalchemy.", "alembic.", "requests.", "urllib3.", "sqlite3")

T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """A connection to the MLflow store."""

    client: "MlflowClient"  # raises a TrackingError whatever a call fails with
    experiment_id: str | None  # of :data:`EXPERIMENT`; None if the store has none yet

    def search_runs(self, condition: str, *, newest_first: bool = True, deleted: bool = False) -> list["RunRecord"]:
        """The experiment's runs that meet a condition in MLflow's search syntax (empty: all), by start time."""
        from mlflow.entities import ViewType

        if self.experiment_id is None:
            return []
        return all_pages(
            lambda token: self.client.search_runs(
                [str(self.experiment_id)],
                condition,
                run_view_type=ViewType.ALL if deleted else ViewType.ACTIVE_ONLY,
                order_by=[f"attributes.start_time {'DESC' if newest_first else 'ASC'}"],
                page_token=token,
            )
        )


def connect(*, create: bool = True) -> Store:
    """Open the store that ``MLFLOW_TRACKING_URI`` names, or the project's own.

    With ``create`` a missing experiment is created, with its tables, and the paths of a store that was moved together
    with its artifacts are updated. A TrackingError says why a store cannot be reached, opened or written.
    """
    uri = environment.tracking_uri()
    with mlflow_errors():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of MLflow's own dependencies, at its import
            import mlflow
        logging.getLogger("alembic").setLevel(logging.ERROR)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        _check_server(uri)
        mlflow.set_tracking_uri(uri)
        # The client creates the tables, and two first starts would both do so.
        with exclusive_lock("store") if create else nullcontext():
            client = cast("MlflowClient", _Client(mlflow.MlflowClient()))
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                created = client.create_experiment(EXPERIMENT, environment.artifacts_root()) if create else None
                return Store(client, created)
            if create and (old := artifact_paths.moved_from(experiment.artifact_location)):
                count = artifact_paths.relocate(old)
                echo(f"updated {count} artifact paths of the MLflow store, which was moved from {old}")
        return Store(client, experiment.experiment_id)


@contextmanager
def exclusive_lock(purpose: str) -> Iterator[None]:
    """Let one process at a time do something with the store."""
    with ExitStack() as stack:
        with mlflow_errors():
            stack.enter_context(locks.exclusive_lock(environment.tracking_uri(), purpose))
        yield


def running(store: Store) -> list["RunRecord"]:
    """The runs with the status RUNNING, including those whose process was killed."""
    return store.search_runs("attributes.status = 'RUNNING'")


def close_dead_runs(store: Store) -> None:
    """Set the status KILLED on RUNNING runs whose process on this machine has ended."""
    for run in running(store):
        if processes.has_ended(run.data.tags):
            store.client.set_terminated(run.info.run_id, status="KILLED")


def all_pages(search: "Callable[[str | None], PagedList[T]]") -> list[T]:
    """All results of one of MLflow's searches, which takes a page token: None for the first page."""
    page = search(None)
    results = list(page)
    while page.token:
        page = search(page.token)
        results += page
    return results


@contextmanager
def mlflow_errors() -> Iterator[None]:
    """Raise as a TrackingError of one line whatever MLflow, its database, its server or its files fail with."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError | ImportError) and not type(error).__module__.startswith(_LIBRARIES):
            raise
        # SQLAlchemy adds its class, the statement and the address of an explanation
        reason = re.sub(
            r" \[SQL:.*| \(Background on this error at: .*|\(\w+\.\w+Error\) ", "", " ".join(str(error).split())
        )
        raise _tracking_error(reason[:300]) from None


class _Client:
    """Delegates to MLflow's client, each call within :func:`mlflow_errors`."""

    def __init__(self, client: "MlflowClient"):
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return mlflow_errors()(getattr(self._client, name))


def _check_server(uri: str) -> None:
    """Ask a tracking server once: MLflow's own client would retry for minutes if there is none."""
    if not uri.startswith(("http:", "https:")):
        return
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=10)
    except requests.exceptions.SSLError:
        pass  # MLflow has settings of its own for certificates
    except requests.RequestException:
        raise _tracking_error("no server answers") from None


def _tracking_error(reason: str) -> TrackingError:
    uri = environment.tracking_uri()
    return TrackingError(f"MLflow store {environment.without_password(uri)}: {reason}; {_advice(uri, reason)}")


def _advice(uri: str, reason: str) -> str:
    """What to do about a store that cannot be used."""
    if uri.startswith(("http:", "https:")):
        return "start the tracking server, or correct MLFLOW_TRACKING_URI"
    if "No module named" in reason:
        return "install that package; for postgresql+pg8000: uv sync --extra postgres"
    if "schema" in reason or "revision" in reason:
        return "it was written by another version of MLflow: install the packages of uv.lock with make setup"
    if "not a database" in reason:
        return "restore the file from a backup; or move it away, then: fakefaces doctor --fix"
    if not uri.startswith(("sqlite:", "postgresql", "mysql", "mssql")):
        return "MLFLOW_TRACKING_URI takes sqlite:///FILE, postgresql+pg8000://..., or http(s)://..."
    return "check MLFLOW_TRACKING_URI, the permissions of its folder, and the space on its disk"
