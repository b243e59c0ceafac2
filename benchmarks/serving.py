"""The HTTP server under load: requests a second and waiting times, with and without clients that send slowly.

    uv run python benchmarks/serving.py outputs/models/forensic FOLDER [--threads 2] [--seconds 10]

FOLDER holds photographs. Each client sends one image after the other over a connection of its own; beside them, or not,
40 clients send half a body and wait. The server is a process of its own; the clients are threads of this one, and share
the machine with it.
"""

import argparse
import http.client
import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from fakefaces.data.photographs import list_photographs

CLIENTS, SLOW = (1, 8, 64), 40
SERVE = "import sys; from pathlib import Path; from fakefaces.serving.server import serve; "
HALF = b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: 90000\r\n\r\nabc"


@contextmanager
def serving(model: Path, threads: int) -> Iterator[int]:
    """The server; its port."""
    code = f"{SERVE}serve(Path({str(model)!r}), '127.0.0.1', 0, threads={threads})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        yield int(process.stderr.readline().split("/invocations")[0].rsplit(":", 1)[1])
    finally:
        process.terminate()
        process.communicate()


def measure(port: int, images: list[bytes], clients: int, seconds: float) -> np.ndarray:
    """The waiting times of all requests that were answered, in seconds."""
    end, waits, lock = time.perf_counter() + seconds, list[float](), threading.Lock()

    def client(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for image in itertools.islice(itertools.cycle(images), first, None):
            if time.perf_counter() >= end:
                return
            start = time.perf_counter()
            connection.request("POST", "/invocations", image, {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            with lock:
                waits.append(time.perf_counter() - start)

    running = [threading.Thread(target=client, args=(k,)) for k in range(clients)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return np.array(waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    names = list_photographs(given.folder)["image"].head(100)
    images = [(given.folder / name).read_bytes() for name in names]
    print("| clients | slow ones | requests a second | median | 99th percentile |\n| --- | --- | --- | --- | --- |")
    with serving(given.model, given.threads) as port:
        measure(port, images, 2, 1)
        for clients, slow in itertools.product(CLIENTS, (0, SLOW)):
            with ExitStack() as stack:
                for _ in range(slow):
                    stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(HALF)
                waits = measure(port, images, clients, given.seconds)
            middle, last = np.percentile(1000 * waits, [50, 99])
            rate = len(waits) / given.seconds
            print(f"| {clients} | {slow} | {rate:.0f} | {middle:.0f} ms | {last:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
