"""``fakefaces ui``."""

import os
import socket
import subprocess
import sys
import time
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError

_HOST = "127.0.0.1"
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # one of them is set where a browser can be opened
_PATIENCE = 180  # seconds for the server to answer, on a busy machine


def ui(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 5000,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the runs in a browser.")] = True,
) -> None:
    """Serve MLflow's pages, and open the runs: models with parameters and metrics, to sort and to chart."""
    from fakefaces.base.progress import echo, waiting_for
    from fakefaces.tracking.pages import is_served, runs_page
    from fakefaces.tracking.store import connect

    uri, experiment = environment.tracking_uri(), connect(create=False).experiment_id
    if is_served(uri):
        _show(runs_page(experiment), show)
        return
    if not _is_free(port):
        raise FakefacesError(f"port {port} is in use, perhaps by these pages; take another: make ui PORT={port + 1}")
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--host", _HOST, "--port", str(port)]
    # The address may hold a password, which the arguments of a process show to everybody.
    variables = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen(command, env=os.environ | variables)
    try:
        with waiting_for("MLflow's server"):
            _wait(server, port)
        _show(runs_page(experiment, f"http://{_HOST}:{port}"), show)
        echo("stop it with Ctrl-C")
        server.wait()
    except KeyboardInterrupt:  # which the server got, too
        pass
    finally:
        server.terminate()
        server.wait()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the server answers."""
    from urllib.error import URLError
    from urllib.request import urlopen

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise FakefacesError(f"MLflow's server ended with exit code {server.returncode}; its lines above say why")
        try:
            with urlopen(f"http://{_HOST}:{port}/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise FakefacesError(f"MLflow's server did not answer within {_PATIENCE} seconds; try again on an idle machine")


def _show(page: str, show: bool) -> None:
    """Print an address, and open it where there is a browser with windows: one in the terminal would fill it."""
    import webbrowser

    from fakefaces.base.progress import echo

    echo(f"the runs are on {page}")
    windows = sys.platform in ("darwin", "win32") or any(map(os.environ.get, _DISPLAYS))
    if show and windows:
        webbrowser.open(page)
