"""One change of a store: what it is, and how it is made."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fakefaces.base.secrets import masked
from fakefaces.tracking.descriptions import note_tags
from fakefaces.tracking.store import Store

_BATCH = 900  # metrics in one request; MLflow takes 1,000 items, tags included


@dataclass(frozen=True)
class Change:
    """A change that brings a store up to date; making it twice is making it once."""

    kind: str  # what it adds, for people: such as "metrics of models"
    make: Callable[[], None]


def log(store: Store, run_id: str, metrics: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Add metrics and then tags to a run, which may have ended."""
    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    values = [Metric(name, float(value), now, 0) for name, value in metrics.items()]
    for start in range(0, len(values), _BATCH):
        store.client.log_batch(run_id, metrics=values[start : start + _BATCH])
    store.client.log_batch(run_id, tags=[RunTag(name, masked(value)) for name, value in tags.items()])


def describe(store: Store, run_id: str, text: str) -> Change:
    """The change that sets a run's description."""
    return Change("descriptions", lambda: log(store, run_id, {}, note_tags(text)))
