"""MLflow's servers as processes."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving.environments import clean_environ


def mlflow() -> str:
    return str(Path(sys.executable).with_name("mlflow"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], where: Path, port: int, path: str, **environ: str) -> Iterator[str]:
    """A server in a process group of its own, once it answers; its address."""
    log, url = where / "server.log", f"http://127.0.0.1:{port}"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=where, env=clean_environ(**environ), stdout=out, stderr=out, start_new_session=True
        )
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(url + path, timeout=5):
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.3)
        else:
            pytest.fail(log.read_text())
        yield url
    finally:
        stop_group(process)


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


@contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """An MLflow server on an empty store, through which clients read and write artifacts."""
    folder.mkdir()
    port = free_port()
    store = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    command = [mlflow(), "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port), *store]
    with running(command, folder, port, "/health", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false") as url:
        yield url
