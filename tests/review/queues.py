"""Queues of photographs for tests, and the page's server in a thread of this process."""

import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from fakefaces.explain.explanation import Explanation
from fakefaces.inference.score import Score
from fakefaces.review.arrivals import Arrivals
from fakefaces.review.labels import Labels
from fakefaces.review.queue import Arrival, Queue
from fakefaces.review.review import Review
from fakefaces.review.server import HOST, application
from fakefaces.web.connections import listener, protocol
from tests.conftest import picture
from tests.detectors import DEFAULTS, DetectorMetadata

Explain = Callable[[Sequence[tuple[str, bytes]]], list[Explanation]]


def encoded(seed: int, size: int = 48) -> bytes:
    buffer = io.BytesIO()
    picture(np.random.default_rng(seed), fake=True, size=size).save(buffer, "PNG")
    return buffer.getvalue()


def explanation(name: str, p_fake: float, **score: Any) -> Explanation:
    given = {"label": "fake" if p_fake >= 0.5 else "real", "unsure": 0.4 <= p_fake < 0.6} | score
    return Explanation(Score(path=name, p_fake=p_fake, **given))


def explaining(*p_fakes: float) -> Explain:
    """A model that gives these scores in this order."""
    scores = list(p_fakes)
    return lambda files: [explanation(name, scores.pop(0)) for name, _ in files]


def queue_of(folder: Path, *p_fakes: float) -> Queue:
    """A queue of uploads a, b, c ... with these scores."""
    queue = Queue(explaining(*p_fakes), private(folder))
    queue.add([arrived(queue, f"{chr(97 + k)}.png", encoded(k)) for k in range(len(p_fakes))])
    return queue


def private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def arrived(queue: Queue, name: str, data: bytes) -> Arrival:
    """An upload."""
    path = queue.folder / f".{time.monotonic_ns()}"
    path.write_bytes(data)
    return Arrival(name, path, owned=True)


@dataclass
class Client:
    """Speaks to a server as the page in a browser does."""

    host: str
    port: int

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> tuple[int, Any]:
        """The status and the JSON, or the bytes, of an answer; headers have ``_`` for ``-``, None leaves one out."""
        own = {"host": f"{self.host}:{self.port}"} | ({"origin": self.origin} if method == "POST" else {})
        given = own | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        connection.request(method, path, body, {name: value for name, value in given.items() if value is not None})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.headers = dict(answer.getheaders())
        is_json = answer.getheader("content-type") == "application/json"
        return answer.status, json.loads(data) if is_json else data

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        return self.ask("POST", path, json.dumps(body).encode())

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"


def review_of(folder: Path, queue: Queue, **metadata: Any) -> Review:
    labels = Labels(folder / "reviews" / "labels.db")
    record = DetectorMetadata(**DEFAULTS | metadata)
    return Review(queue, Arrivals(queue), labels, record, folder / "reviews", "anna")


@contextmanager
def serving(review: Review, port: int = 0) -> Iterator[Client]:
    """The page's server, until the end of the block."""
    with listener(HOST, port) as bound:
        config = uvicorn.Config(application(review), http=protocol(5), ws="none", loop="asyncio", log_level="warning")
        server = uvicorn.Server(config)
        bound.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield Client(*bound.getsockname())
        finally:
            server.should_exit = True
            thread.join(20)
            review.labels.close()
