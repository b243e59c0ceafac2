"""MLflow's scoring server behind a request filter that limits the body's size and reports errors in one sentence.

MLflow's own app reads bodies of any size, repeats a body that is not JSON in its answer, and answers with stack
traces.
"""

import base64
import json
import logging
import socket
import tempfile
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakefaces.base.errors import FakefacesError
from fakefaces.base.progress import echo
from fakefaces.data.images import MAX_BYTES
from fakefaces.tracking.detectors import pyfunc, save_pyfunc

MAX_BODY = MAX_BYTES * 4 // 3 + 2**16  # bytes: one image of the largest size, as base64
_CONCURRENCY = 32  # requests; more are answered 503
_ERROR_CODES = {413: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}


class RequestFilter:
    """An ASGI app around MLflow's.

    A POST to ``/invocations`` is passed on if its body has at most ``max_body`` bytes and is an image file
    (``Content-Type: image/...``) or JSON of the form ``{"inputs": ["<base64>", ...]}``.
    """

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY):
        self.app, self.max_body = app, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/invocations"):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = _inputs(request.headers.get("content-type", ""), await self._read(request))
        except HTTPException as error:
            await _error(error.status_code, error.detail)(scope, receive, send)
            return
        headers = request.headers.mutablecopy()
        del headers["transfer-encoding"]
        headers.update({"content-type": "application/json", "content-length": str(len(body))})
        forwarded = dict(scope) | {"headers": headers.raw}
        await self.app(forwarded, _replayed(body, receive), _without_traces(scope, receive, send))

    async def _read(self, request: Request) -> bytes:
        claimed = request.headers.get("content-length", "0")
        if claimed.isdecimal() and int(claimed) > self.max_body:
            raise HTTPException(413, f"the body has {int(claimed):,} bytes; the limit is {self.max_body:,}")
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self.max_body:
                    raise HTTPException(413, f"the body is larger than {self.max_body:,} bytes, the limit")
        except ClientDisconnect:
            raise HTTPException(400, "the connection ended before the body did") from None
        return bytes(body)


def application(folder: Path) -> ASGIApp:
    """MLflow's app on the detector in a folder, behind the request filter.

    The detector is served by the installed code: a version that an earlier release registered holds that one's.
    """
    with tempfile.TemporaryDirectory(prefix="fakefaces-") as temporary:
        save_pyfunc(folder, Path(temporary) / "model")
        model = pyfunc().load_model(str(Path(temporary) / "model"))
    from mlflow.pyfunc import scoring_server

    return RequestFilter(scoring_server.init(model))


def serve(folder: Path, host: str, port: int) -> None:
    """Serve the detector in a folder until it is interrupted; port 0 is any free one."""
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise FakefacesError(f"{host}:{port}: {error.strerror}; take another port with --port") from None
        config = uvicorn.Config(application(folder), limit_concurrency=_CONCURRENCY, log_level="warning")
        listener.listen()  # from here on requests are answered, if only after uvicorn has started
        address = f"[{host}]" if ":" in host else host
        echo(f"serving at http://{address}:{listener.getsockname()[1]}/invocations; Ctrl-C ends it")
        uvicorn.Server(config).run(sockets=[listener])


def _inputs(content_type: str, body: bytes) -> bytes:
    """The body as MLflow takes it; an HTTPException if it is neither an image nor JSON of the right form."""
    kind = content_type.split(";")[0].strip().lower()
    if kind.startswith("image/"):
        return json.dumps({"inputs": [base64.b64encode(body).decode("ascii")]}).encode()
    if kind != "application/json":
        raise HTTPException(415, f"Content-Type must be application/json or image/..., not '{kind}'")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON ({error})") from None
    images = request.get("inputs") if isinstance(request, dict) and set(request) == {"inputs"} else None
    if not isinstance(images, list) or not images or not all(isinstance(image, str) for image in images):
        raise HTTPException(400, 'the body must be {"inputs": ["<an image file as base64>", ...]}')
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _without_traces(scope: Scope, receive: Receive, send: Send) -> Send:
    """Pass answers on; of an error only its status and its reason."""
    status, content = 200, bytearray()

    async def send_filtered(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        if status < 400:
            await send(message)
        elif message["type"] == "http.response.body":
            content.extend(message.get("body", b""))
            if not message.get("more_body"):
                await _error_of_mlflow(status, bytes(content))(scope, receive, send)

    return send_filtered


def _error_of_mlflow(status: int, content: bytes) -> JSONResponse:
    try:
        answer = json.loads(content)
        reason, trace = str(answer["message"]), answer.get("stack_trace")
    except (ValueError, KeyError, TypeError):
        return _error(status, content.decode("utf-8", "replace"))
    if trace:  # MLflow answers an error of the model as a bad request
        logging.getLogger("uvicorn.error").error(trace)
        return _error(500, "the model failed; the server's log says why")
    return _error(status, reason)


def _error(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error_code": _ERROR_CODES.get(status, "BAD_REQUEST"), "message": reason}, status)
