"""MLflow's scoring server behind a request filter that limits the body's size and reports errors in one sentence.

MLflow's own app reads bodies of any size, repeats a body that is not JSON in its answer, and answers with stack
traces. :class:`RequestFilter` stands before it.
"""

import base64
import json
import logging
import socket
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from fakefaces.base.errors import FakefacesError
from fakefaces.base.progress import echo
from fakefaces.data.images import MAX_BYTES
from fakefaces.tracking.detectors import pyfunc, save_pyfunc

MAX_BODY = MAX_BYTES * 4 // 3 + 2**16  # bytes: one image of the largest size, as base64
_CONCURRENCY = 32  # requests; more are answered 503

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class BadRequestError(Exception):
    """A request that is answered with an HTTP status and a reason."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


class RequestFilter:
    """An ASGI app around MLflow's.

    A POST to ``/invocations`` is passed on if its body has at most ``max_body`` bytes and is an image file
    (``Content-Type: image/...``) or JSON of the form ``{"inputs": ["<base64>", ...]}``.

    Args:
        app: MLflow's.
        max_body: bytes.
    """

    def __init__(self, app: App, max_body: int = MAX_BODY):
        self.app, self.max_body = app, max_body

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/invocations"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        kind = headers.get(b"content-type", "").split(";")[0].strip().lower()
        try:
            body = _inputs(kind, await self._read(headers, receive))
        except BadRequestError as error:
            await _answer(send, error.status, str(error))
            return
        forwarded = [(name, value) for name, value in scope["headers"] if name.lower() not in _REPLACED_HEADERS]
        forwarded += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.app(dict(scope) | {"headers": forwarded}, _replayed(body, receive), _ErrorFilter(send))

    async def _read(self, headers: dict[bytes, str], receive: Receive) -> bytes:
        claimed = headers.get(b"content-length", "0")
        if claimed.isdecimal() and int(claimed) > self.max_body:
            raise BadRequestError(413, f"the body has {int(claimed):,} bytes; the limit is {self.max_body:,}")
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise BadRequestError(400, "the connection ended before the body did")
            body += message.get("body", b"")
            if len(body) > self.max_body:
                raise BadRequestError(413, f"the body is larger than {self.max_body:,} bytes, the limit")
            if not message.get("more_body"):
                return bytes(body)


class _ErrorFilter:
    """Passes answers on; of an error only its status and its reason."""

    def __init__(self, send: Send):
        self.send = send
        self.status = 200
        self.error = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        if self.status < 400:
            await self.send(message)
        elif message["type"] == "http.response.body":
            self.error += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_error()

    async def _send_error(self) -> None:
        try:
            answer = json.loads(self.error)
            reason, trace = str(answer["message"]), answer.get("stack_trace")
        except (ValueError, KeyError, TypeError):
            reason, trace = self.error.decode("utf-8", "replace"), None
        if trace:  # MLflow answers an error of the model as a bad request
            logging.getLogger("uvicorn.error").error(trace)
            await _answer(self.send, 500, "the model failed; the server's log says why")
        else:
            await _answer(self.send, self.status, reason)


def application(folder: Path) -> App:
    """MLflow's app on a detector, behind the request filter.

    The detector is served by the installed code: a version that an earlier release registered holds that one's.

    Args:
        folder: of the detector.
    """
    with tempfile.TemporaryDirectory(prefix="fakefaces-") as temporary:
        save_pyfunc(folder, Path(temporary) / "model")
        model = pyfunc().load_model(str(Path(temporary) / "model"))
    from mlflow.pyfunc import scoring_server

    return RequestFilter(scoring_server.init(model))


def serve(folder: Path, host: str, port: int) -> None:
    """Serve a model until it is interrupted.

    Args:
        folder: of the detector.
        host: to bind to.
        port: to bind to; 0 for a free one.

    Raises:
        FakefacesError: the port is taken, or may not be used.
    """
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise FakefacesError(f"{host}:{port}: {error.strerror}; take another port with --port") from None
        server = uvicorn.Server(
            uvicorn.Config(application(folder), limit_concurrency=_CONCURRENCY, log_level="warning")
        )
        listener.listen()  # from here on requests are answered, if only after uvicorn has started
        shown = f"[{host}]" if ":" in host else host
        echo(f"serving at http://{shown}:{listener.getsockname()[1]}/invocations; Ctrl-C ends it")
        server.run(sockets=[listener])


_REPLACED_HEADERS = (b"content-type", b"content-length", b"transfer-encoding")


def _inputs(kind: str, body: bytes) -> bytes:
    """The body as MLflow takes it.

    Raises:
        BadRequestError: it is neither an image nor JSON of the right form.
    """
    if kind.startswith("image/"):
        return json.dumps({"inputs": [base64.b64encode(body).decode("ascii")]}).encode()
    if kind != "application/json":
        raise BadRequestError(415, f"Content-Type must be application/json or image/..., not '{kind}'")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(400, f"the body is not JSON ({error})") from None
    images = request.get("inputs") if isinstance(request, dict) and set(request) == {"inputs"} else None
    if not isinstance(images, list) or not images or not all(isinstance(image, str) for image in images):
        raise BadRequestError(400, 'the body must be {"inputs": ["<an image file as base64>", ...]}')
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _answer(send: Send, status: int, reason: str) -> None:
    codes = {413: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}
    body = json.dumps({"error_code": codes.get(status, "BAD_REQUEST"), "message": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
