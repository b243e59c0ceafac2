"""What is recorded of each request: an id that goes in and out, metrics, and a line of the log."""

import re
import time
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakefaces.inference.file_facts import FileFacts
from fakefaces.inference.score import Prediction
from fakefaces.serving.log import Log
from fakefaces.serving.metrics import Metrics

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")  # of a client or a proxy; any other one is replaced
_QUIET = ("/ping", "/health", "/metrics")  # asked all the time; not in the log unless they fail
_OTHER = "other"  # a path that is none of the server's own, which may hold a photograph's name
_LEFT_OUT = {"path", "problem_detail", "model_version"}  # of a score in the log
_KEY = "fakefaces.record"  # in a request's scope


class Observed:
    """ASGI application that records the requests of another one.

    The id of a request is its header ``X-Request-ID`` if it has a plausible one, else a new one; each answer has it in
    the same header.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log: Log, routes: Collection[str]):
        self.app, self.metrics, self.log, self.routes = app, metrics, log, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and record its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        record: dict[str, Any] = {"status": 500, "bytes": 0}
        scope[_KEY] = record

        async def counted() -> Message:
            message = await receive()
            record["bytes"] += len(message.get("body", b""))
            return message

        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                record["status"] = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        start = time.perf_counter()
        self.metrics.started()
        try:
            await self.app(scope, counted, identified)
        except BaseException as error:
            record["error"] = type(error).__name__
            raise
        finally:
            self._record(scope, request_id, time.perf_counter() - start, record)

    def _record(self, scope: Scope, request_id: str, seconds: float, record: dict[str, Any]) -> None:
        route = scope["path"] if scope["path"] in self.routes else _OTHER
        self.metrics.answered(route, record["status"], seconds)
        if route in _QUIET and record["status"] == 200:
            return
        milliseconds = round(1000 * seconds, 1)
        self.log.write("request", request_id=request_id, method=scope["method"], route=route, ms=milliseconds, **record)


def note(request: Request, scores: Sequence[Prediction], facts: Sequence[FileFacts]) -> None:
    """Add the scores of a request, and the facts of its files, to what is recorded of it."""
    record = request.scope.get(_KEY, {})
    record["model_version"] = scores[0].model_version if scores else None
    record["scores"] = [
        score.model_dump(exclude=_LEFT_OUT, exclude_none=True) | fact.model_dump(exclude_none=True)
        for score, fact in zip(scores, facts, strict=True)
    ]
