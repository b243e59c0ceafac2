"""The use of processor, memory, disk, network and GPU while a run works: MLflow's system metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from fakefaces.tracking.connection import unless_lost
from fakefaces.tracking.runs import Run
from fakefaces.tracking.store import mlflow_errors

_INTERVAL = 5.0  # seconds; MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL overrides it


@contextmanager
def system_metrics(run: Run) -> Iterator[None]:
    """Log the system metrics of the block every few seconds, and at its end: a short training has one sample.

    A thread of MLflow's takes the samples. It ends without a word where the store is lost.
    """
    if run.connection.lost:
        yield
        return
    from mlflow.system_metrics import system_metrics_monitor

    untyped: Any = system_metrics_monitor.SystemMetricsMonitor
    monitor = untyped(run.id, sampling_interval=_INTERVAL)
    psutil.cpu_percent()  # the first call of a process gives zero, the next ones the load since the last
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
        _log_rest(run, monitor)


@unless_lost
def _log_rest(run: Run, monitor: Any) -> None:
    """Log what was sampled since the last time that the thread logged, with one more sample."""
    with mlflow_errors():
        monitor.collect_metrics()
        monitor.publish_metrics(monitor.aggregate_metrics())
        monitor.mlflow_logger.flush()
