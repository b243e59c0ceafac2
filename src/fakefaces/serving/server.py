"""The HTTP server: MLflow's scoring protocol for image files, with bounded bodies and errors of one sentence.

MLflow's own server reads bodies of any size, repeats a body that is not JSON in its answer, and answers with stack
traces. This one runs the installed code, not the code that a registered model carries.
"""

import asyncio
import base64
import binascii
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from fakefaces.base.errors import FakefacesError, ImageError
from fakefaces.base.progress import echo
from fakefaces.data.images import MAX_BYTES
from fakefaces.inference.detector import Detector, load
from fakefaces.inference.predict import Source

MAX_BODY = MAX_BYTES * 4 // 3 + 2**16  # bytes: one image of the largest size, as base64
_CONCURRENCY = 32  # requests; more are answered 503
_ERROR_CODES = {404: "ENDPOINT_NOT_FOUND", 413: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}


def application(detector: Detector, *, threads: int = 1, max_body: int = MAX_BODY) -> Starlette:
    """The server's ASGI app.

    A POST to ``/invocations`` has a body of at most ``max_body`` bytes, which is an image file (``Content-Type:
    image/...``) or JSON of the form ``{"inputs": ["<base64>", ...]}``. The answer is ``{"predictions": [...]}`` with
    the fields of :class:`fakefaces.inference.score.Prediction` for each image, those with a problem included; 400 where
    the only image has one. ``threads`` images are scored at a time, of all requests together.
    """
    pool = ThreadPoolExecutor(threads)

    async def invocations(request: Request) -> Response:
        images = _images(request.headers.get("content-type", ""), await _body(request, max_body))
        loop = asyncio.get_running_loop()
        scores = await asyncio.gather(*(loop.run_in_executor(pool, detector.score, *image) for image in images))
        if len(scores) == 1 and scores[0].problem_detail:
            raise HTTPException(400, scores[0].problem_detail)
        return JSONResponse({"predictions": [score.model_dump(exclude={"path"}) for score in scores]})

    return Starlette(
        routes=[
            Route("/invocations", invocations, methods=["POST"]),
            Route("/ping", _ping),
            Route("/health", _ping),
            Route("/version", _version),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


def serve(folder: Path, host: str, port: int, *, threads: int = 1) -> None:
    """Serve the detector in a folder until it is interrupted; port 0 is any free one."""
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise FakefacesError(f"{host}:{port}: {error.strerror}; take another port with --port") from None
        app = application(load(folder), threads=threads)
        config = uvicorn.Config(app, limit_concurrency=_CONCURRENCY, log_level="warning")
        listener.listen()  # from here on requests are answered, if only after uvicorn has started
        address = f"[{host}]" if ":" in host else host
        echo(f"serving at http://{address}:{listener.getsockname()[1]}/invocations; Ctrl-C ends it")
        uvicorn.Server(config).run(sockets=[listener])


async def _body(request: Request, limit: int) -> bytes:
    claimed = request.headers.get("content-length", "0")
    if claimed.isdecimal() and int(claimed) > limit:
        raise HTTPException(413, f"the body has {int(claimed):,} bytes; the limit is {limit:,}")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(413, f"the body is larger than {limit:,} bytes, the limit")
    except ClientDisconnect:
        raise HTTPException(400, "the connection ended before the body did") from None
    return bytes(body)


def _images(content_type: str, body: bytes) -> list[Source]:
    """The images of a request; an HTTPException if it is neither an image nor JSON of the right form."""
    kind = content_type.split(";")[0].strip().lower()
    if kind.startswith("image/"):
        return [("image 1", lambda: body)]
    if kind != "application/json":
        raise HTTPException(415, f"Content-Type must be application/json or image/..., not '{kind}'")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON ({error})") from None
    texts = request.get("inputs") if isinstance(request, dict) and set(request) == {"inputs"} else None
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise HTTPException(400, 'the body must be {"inputs": ["<an image file as base64>", ...]}')
    names = [f"image {k}" for k in range(1, len(texts) + 1)]
    return [(name, partial(_decoded, name, text)) for name, text in zip(names, texts, strict=True)]


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{name}: not base64 ({error})", "not_base64") from None


async def _ping(request: Request) -> Response:
    return PlainTextResponse("\n")


async def _version(request: Request) -> Response:
    return PlainTextResponse(version("fakefaces"))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail)


async def _failed(request: Request, error: Exception) -> Response:
    """The answer to an error of our own, which Starlette raises again for the server's log."""
    return _error(500, "the model failed; the server's log says why")


def _error(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error_code": _ERROR_CODES.get(status, "BAD_REQUEST"), "message": reason}, status)
