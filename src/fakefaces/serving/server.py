"""MLflow's scoring server with a doorkeeper: what cannot be answered is refused with a reason, and never grows large.

MLflow's own app reads bodies of any size, answers what is no JSON with the whole of it, and puts stack traces into
what it answers. :class:`Doorkeeper` stands before it.
"""

import base64
import json
import logging
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from fakefaces.base.errors import FakefacesError
from fakefaces.base.progress import echo
from fakefaces.data.images import MAX_BYTES
from fakefaces.tracking.detectors import pyfunc

MAX_BODY = MAX_BYTES * 4 // 3 + 2**16  # one image of the largest size, as base64
_AT_ONCE = 32  # requests; more are answered 503

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Refusal(Exception):  # noqa: N818 - an answer
    """A request that is answered with a status and a reason."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


class Doorkeeper:
    """An ASGI app around MLflow's.

    A POST to ``/invocations`` goes through if its body is at most ``most`` bytes and is an image file
    (``Content-Type: image/...``) or JSON of the form ``{"inputs": ["<base64>", ...]}``.

    Args:
        app: MLflow's.
        most: bytes of a body.
    """

    def __init__(self, app: App, most: int = MAX_BODY):
        self.app, self.most = app, most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/invocations"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        kind = headers.get(b"content-type", "").split(";")[0].strip().lower()
        try:
            body = _inputs(kind, await self._read(headers, receive))
        except Refusal as refusal:
            await _answer(send, refusal.status, str(refusal))
            return
        passed = [(name, value) for name, value in scope["headers"] if name.lower() not in _OURS]
        passed += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.app(dict(scope) | {"headers": passed}, _replayed(body, receive), _Cleaned(send))

    async def _read(self, headers: dict[bytes, str], receive: Receive) -> bytes:
        claimed = headers.get(b"content-length", "0")
        if claimed.isdecimal() and int(claimed) > self.most:
            raise Refusal(413, f"the body has {int(claimed):,} bytes; at most {self.most:,} are read")
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise Refusal(400, "the connection ended before the body did")
            body += message.get("body", b"")
            if len(body) > self.most:
                raise Refusal(413, f"the body is larger than {self.most:,} bytes, which is the most that is read")
            if not message.get("more_body"):
                return bytes(body)


class _Cleaned:
    """Passes answers on; of an error only its code and its reason."""

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
                await self._tell()

    async def _tell(self) -> None:
        try:
            found = json.loads(self.error)
            reason, trace = str(found["message"]), found.get("stack_trace")
        except (ValueError, KeyError, TypeError):
            reason, trace = self.error.decode("utf-8", "replace"), None
        if trace:  # MLflow calls a fault of the model's a bad request
            logging.getLogger("uvicorn.error").error(trace)
            await _answer(self.send, 500, "the model failed; the server's log says why")
        else:
            await _answer(self.send, self.status, reason)


def application(folder: Path) -> App:
    """MLflow's app on a model, behind the doorkeeper.

    Args:
        folder: of a model in MLflow's format.
    """
    model = pyfunc().load_model(str(folder))
    from mlflow.pyfunc import scoring_server

    return Doorkeeper(scoring_server.init(model))


def serve(folder: Path, host: str, port: int) -> None:
    """Serve a model until it is interrupted.

    Args:
        folder: of a model in MLflow's format.
        host: to bind to.
        port: likewise; 0 takes a free one.

    Raises:
        FakefacesError: the port is taken, or may not be used.
    """
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise FakefacesError(f"{host}:{port}: {error.strerror}; take another port with --port") from None
        server = uvicorn.Server(uvicorn.Config(application(folder), limit_concurrency=_AT_ONCE, log_level="warning"))
        listening.listen()  # from here on who asks is answered, if only after uvicorn has started
        shown = f"[{host}]" if ":" in host else host
        echo(f"serving at http://{shown}:{listening.getsockname()[1]}/invocations; Ctrl-C ends it")
        server.run(sockets=[listening])


_OURS = (b"content-type", b"content-length", b"transfer-encoding")


def _inputs(kind: str, body: bytes) -> bytes:
    """The body as MLflow takes it; refused unless it is one."""
    if kind.startswith("image/"):
        return json.dumps({"inputs": [base64.b64encode(body).decode("ascii")]}).encode()
    if kind != "application/json":
        raise Refusal(415, f"Content-Type: application/json or image/... is taken, not '{kind}'")
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"the body is no JSON ({error})") from None
    images = given.get("inputs") if isinstance(given, dict) and set(given) == {"inputs"} else None
    if not isinstance(images, list) or not images or not all(isinstance(image, str) for image in images):
        raise Refusal(400, 'the body must be {"inputs": ["<an image file as base64>", ...]}')
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
