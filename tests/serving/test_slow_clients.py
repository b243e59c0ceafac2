"""The server beside clients that send slowly or not at all; the limits are a second here, not ten or thirty."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import fakefaces
from tests.graphs import write_detector
from tests.serving.servers import free_port

pytestmark = pytest.mark.slow
SERVER = """
import sys
from pathlib import Path
from fakefaces.inference.detector import load
from fakefaces.serving.limits import Limits
from fakefaces.serving.server import serve
from fakefaces.web.connections import listener
from fakefaces.web.deployed import Deployed
with listener("127.0.0.1", {port}) as bound:
    limits = Limits(header_seconds=1, body_seconds={body_seconds})
    serve(Deployed(load(Path({folder!r}))), bound, threads=1, limits=limits)
"""


@contextmanager
def started(folder: Path, body_seconds: float = 2):
    """The server in a process of its own, on a detector; with the port."""
    port = free_port()
    code = SERVER.format(folder=str(write_detector(folder)), port=port, body_seconds=body_seconds)
    environ = os.environ | {"PYTHONPATH": str(Path(fakefaces.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.PIPE, text=True)
    try:
        assert "serving at" in process.stderr.readline()
        yield process, port
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def server(tmp_path):
    with started(tmp_path / "mean") as (_, port):
        yield f"http://127.0.0.1:{port}", port


@contextmanager
def connections(port: int, n: int, sent: bytes):
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(n)]
        for connection in opened:
            connection.sendall(sent)
        yield opened


def answer(url: str, image: bytes) -> dict:
    body = json.dumps({"inputs": [base64.b64encode(image).decode()]}).encode()
    request = urllib.request.Request(f"{url}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)


HALF_BODY = b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\nabc"


@pytest.mark.parametrize(
    ("n", "sent"),
    [
        (40, b""),
        (200, b"POST /invocations HTTP/1.1\r\nHost: 127"),
        (40, HALF_BODY % 90_000),
        (40, HALF_BODY % 60_000_000),
    ],
    ids=["idle", "half a header", "half a small body", "half a large body"],
)
def test_slow_clients_keep_nobody_waiting_and_are_sent_away(server, photographs, n, sent):
    url, port = server
    image = next(photographs.rglob("*.jpg")).read_bytes()
    with connections(port, n, sent) as opened:
        with urllib.request.urlopen(f"{url}/ping", timeout=5) as response:
            assert response.status == 200
        assert answer(url, image)["predictions"][0]["p_fake"] is not None
        opened[0].settimeout(15)
        received = opened[0].recv(1000)  # closed, or answered 408
        assert received == b"" or b" 408 " in received.split(b"\r\n")[0]


def test_a_wrong_type_is_refused_before_the_body_is_sent(server):
    _, port = server
    header = (
        b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nContent-Length: 80000000\r\n\r\n"
    )
    with connections(port, 1, header) as (connection,):
        assert b" 415 " in connection.recv(1000).split(b"\r\n")[0]


@pytest.mark.parametrize("sent", [b"", HALF_BODY % 90_000], ids=["idle", "half a body"])
def test_it_stops_without_waiting_for_slow_clients(tmp_path, sent):
    with started(tmp_path / "mean", body_seconds=600) as (process, port), connections(port, 5, sent):
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=120)
    assert "Traceback" not in log
