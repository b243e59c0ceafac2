"""The MLflow store: opened by URI and created on first use. Every error of MLflow becomes a TrackingError."""

import logging
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError, NoStoreError, StoreSettingError, TrackingError
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.progress import echo
from fakefaces.base.secrets import masked
from fakefaces.tracking import artifact_paths, locks, processes, reachable, read_only

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as RunRecord
    from mlflow.store.entities import PagedList

EXPERIMENT = "fakefaces"
_LIBRARIES = ("mlflow.", "sqlalchemy.", "alembic.", "requests.", "urllib3.", "sqlite3")

_KINDS = {reachable.SettingError: StoreSettingError, reachable.NoStoreError: NoStoreError}

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

    @contextmanager
    def artifacts(self, run_id: str, path: str) -> Iterator[Path]:
        """A copy of what a run logged under a path, in a private folder for a block.

        MLflow's client copies, too, but into a folder in ``TMPDIR`` that stays there.

        Raises:
            TrackingError: the run logged nothing under that path, or it is gone or cannot be reached.
        """
        with temporary_folder() as folder:
            yield Path(self.client.download_artifacts(run_id, path, str(folder)))


def connect(*, create: bool = True, update: bool = True) -> Store:
    """Open the store that ``MLFLOW_TRACKING_URI`` names, or the project's own.

    A store that may only be read is left as it is; if it was moved, a private copy of it is read.

    Args:
        create: a missing experiment is created, with its store; who only reads a store that is missing is told so.
        update: the paths of a store that was moved together with its artifacts are made to lead to them.

    Raises:
        NoStoreError: it is missing, and is not to be created.
        TrackingError: it cannot be reached, opened or written; with the reason.
    """
    uri = environment.tracking_uri()
    writable = not read_only.is_read_only(uri)
    with mlflow_errors():
        if environment.registry_uri() not in ("", uri):
            raise reachable.SettingError(f"MLFLOW_REGISTRY_URI is {environment.registry_uri()}")
        environment.unset_registry()
        reachable.check(uri, create=create)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of MLflow's own dependencies, at its import
            import mlflow
        for name in ("alembic", "mlflow", "sqlalchemy"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # they also raise what they log
        mlflow.set_tracking_uri(read_only.readable(uri, EXPERIMENT))
        environment.set_tracking_uri(uri)  # MLflow has set it, maybe to a copy
        # The client creates the tables, and two first starts would both do so.
        with exclusive_lock("store") if writable and (create or update) else nullcontext():
            client = cast("MlflowClient", _Client(mlflow.MlflowClient()))
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                new = create and writable
                return Store(
                    client, client.create_experiment(EXPERIMENT, environment.artifacts_root()) if new else None
                )
            if experiment.lifecycle_stage == "deleted":
                raise TrackingError(
                    f"MLflow store {masked(uri)}: the experiment '{EXPERIMENT}' was deleted; restore it with: "
                    f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
                )
            if update and writable and (old := artifact_paths.moved_from(experiment.artifact_location)):
                count = artifact_paths.relocate(old)
                echo(f"updated {count} artifact paths of the MLflow store, which was moved from {old}")
        return Store(client, experiment.experiment_id)


def closed_store() -> Store:
    """A store that could not be opened: whatever is asked of it is a TrackingError."""
    return Store(cast("MlflowClient", _ClosedClient()), None)


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
    except FakefacesError:
        raise
    except reachable.UnreachableError as error:
        raise _KINDS.get(type(error), TrackingError)(_sentence(str(error))) from None
    except Exception as error:
        if not isinstance(error, OSError | ImportError) and not _is_of_libraries(error):
            raise
        kind = StoreSettingError if isinstance(error, ImportError) else TrackingError
        raise kind(_sentence(_reason(error))) from None


def _is_of_libraries(error: Exception) -> bool:
    """Whether an error is of a class of the libraries, or was raised by their code: also for a faulty setting."""
    if type(error).__module__.startswith(_LIBRARIES):
        return True
    frames = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name.startswith(_LIBRARIES) for name in frames)


def _reason(error: Exception) -> str:
    """An error in one line of at most 300 characters."""
    if isinstance(error, OSError) and error.strerror:
        path = error.filename2 or error.filename  # of a copy the target
        return f"{error.strerror}: {path}" if path else error.strerror
    text = " ".join(str(error).split()) or type(error).__name__
    if "Max retries exceeded" in text:
        return f"the server does not answer any more ({reachable.connection_error(error)})"
    # SQLAlchemy adds its class, the statement and the address of an explanation
    text = re.sub(r" \[SQL:.*| \(Background on this error at: .*|\(\w+\.\w+Error\) ", "", text)
    return text if len(text) <= 300 else f"{text[:150]} ... {text[-145:]}"


class _Client:
    """Delegates to MLflow's client, each call within :func:`mlflow_errors`."""

    def __init__(self, client: "MlflowClient"):
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return mlflow_errors()(getattr(self._client, name))


class _ClosedClient:
    def __getattr__(self, name: str) -> Any:
        raise TrackingError(_sentence("it could not be opened"))


def _sentence(reason: str) -> str:
    uri = environment.tracking_uri()
    return masked(f"MLflow store {uri}: {reason}; {_advice(uri, reason)}")


# What to do, by a part of the reason, in this order.
_ADVICE = {
    "MLFLOW_": "correct or unset that variable",
    "address of a store": "MLFLOW_TRACKING_URI takes sqlite:///FILE, postgresql+pg8000://..., or http(s)://...",
    "no such file": "the first dvc repro creates it; or correct MLFLOW_TRACKING_URI",
    "no table of": "the first dvc repro creates them, or correct MLFLOW_TRACKING_URI",
    "another program": "correct MLFLOW_TRACKING_URI",
    "not a regular file": "MLFLOW_TRACKING_URI takes sqlite:///FILE, postgresql+pg8000://..., or http(s)://...",
    "a folder, not a file": "MLFLOW_TRACKING_URI takes sqlite:///FILE, postgresql+pg8000://..., or http(s)://...",
    "No module named": "install that package; for postgresql+pg8000: uv sync --extra postgres",
    "space left": "free some space on that disk, then run the same command again",
    "disk is full": "free some space on the disk of the store, then run the same command again",
    "is locked": "another program has it open; wait until it is done, or end it, then run the same command again",
    "readonly database": "it may only be read here; run this where its folder may be written",
    "Read-only file system": "it may only be read here; run this where its folder may be written",
    "schema": "it was written by another version of MLflow: install the packages of uv.lock with make setup",
    "revision": "it was written by another version of MLflow: install the packages of uv.lock with make setup",
    "not a database": "restore the file from a backup, or see fakefaces doctor; or correct MLFLOW_TRACKING_URI",
    "malformed": "restore the file from a backup; or let fakefaces doctor --fix begin a new one",
}


def _advice(uri: str, reason: str) -> str:
    """What to do about a store that cannot be used."""
    if environment.registry_uri() not in ("", uri):
        return "MLFLOW_REGISTRY_URI names another store; unset it, as runs and versions share one"
    if advice := next((advice for part, advice in _ADVICE.items() if part in reason), None):
        return advice
    if uri.startswith(("http:", "https:")):
        return "start the tracking server, or correct MLFLOW_TRACKING_URI"
    if "no server answers" in reason:
        return "start the database's server, or correct MLFLOW_TRACKING_URI"
    return "check MLFLOW_TRACKING_URI, the permissions of its folder, and the space on its disk"
