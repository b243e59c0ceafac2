"""The HTTP server: MLflow's scoring protocol for image files, with bounded bodies and errors of one sentence.

MLflow's own server reads bodies of any size, repeats a body that is not JSON in its answer, and answers with stack
traces. This one runs the installed code, not the code that a registered model carries. Its event loop does nothing
that takes long: it answers /ping while images are scored, while clients send slowly, and while a version is loaded.
"""

import asyncio
import socket
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from fakefaces.base.errors import ImageError
from fakefaces.base.progress import echo
from fakefaces.evaluation.unlike import unlike
from fakefaces.inference.detector import Detector
from fakefaces.inference.file_facts import FileFacts, file_facts
from fakefaces.inference.score import Score
from fakefaces.monitoring.shadow import Shadow
from fakefaces.provenance.credentials import CredentialsReader
from fakefaces.serving.bodies import Images, claimed, images_of, kind_of, read_body
from fakefaces.serving.limits import ByteBudget, Limits
from fakefaces.serving.log import Log
from fakefaces.serving.metrics import CONTENT_TYPE, Metrics
from fakefaces.serving.observed import Observed, note
from fakefaces.web.connections import address, protocol
from fakefaces.web.deployed import Change, Deployed, Follower, description
from fakefaces.web.same_origin import LOOPBACK, SameOrigin

_CREDENTIALS_SECONDS = 5  # for the Content Credentials of one request
_ERROR_CODES = {404: "ENDPOINT_NOT_FOUND", 413: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}


class Records:
    """What a server counts and logs."""

    def __init__(self, shadow: Shadow | None = None) -> None:
        """Count and log; a challenger in the ``shadow`` scores a share of the same images, to its own log."""
        self.metrics = Metrics()
        self.log = Log(lost=self.metrics.log_line_lost)
        self.shadow = shadow

    def facts(self, files: Images, scores: Sequence[Score]) -> list[FileFacts]:
        """Offer scored images to the challenger, and return the facts of their files."""
        for data, score in zip(files, scores, strict=True):
            if self.shadow and isinstance(data, bytes):
                self.shadow.offer(data, score)
        return [file_facts(data) if isinstance(data, bytes) else FileFacts() for data in files]

    def changed(self, change: Change) -> None:
        """Record what a poll for another version found out."""
        self.metrics.changed(change)
        self.log.write(change.kind, uri=change.uri, before=change.before, reason=change.reason)
        echo(str(change))


def application(
    deployed: Deployed[Detector],
    *,
    threads: int = 1,
    limits: Limits | None = None,
    hosts: Collection[str] | None = None,
    records: Records | None = None,
    follower: Follower[Detector] | None = None,
) -> ASGIApp:
    """The server's ASGI app.

    A POST to ``/invocations`` has a body that is an image file (``Content-Type: image/...``) or JSON of the form
    ``{"inputs": ["<base64>", ...]}``. The answer is ``{"predictions": [...]}`` with the fields of
    :class:`fakefaces.inference.score.Prediction` for each image, those with a problem included; 400 where the only
    image has one. Before them stands ``unlike``, a sentence, where many images together are unlike what was learned
    from. ``threads`` images are scored at a time, of all requests together and by turns. All images of a
    request are scored by the detector that was in use when it began; the header ``X-Model-Version`` names it. A
    photograph that carries Content Credentials has a field more, ``content_credentials``, with those of
    :class:`fakefaces.provenance.credentials.ContentCredentials`.
    """
    limits, records = limits or Limits(), records or Records()
    pool, budget, waiting, metrics = ThreadPoolExecutor(threads), ByteBudget(limits), [0], records.metrics
    metrics.in_use(deployed.current.uri)
    reader = CredentialsReader(seconds=_CREDENTIALS_SECONDS)

    async def invocations(request: Request) -> Response:
        kind, size = kind_of(request), claimed(request, limits.body)
        async with budget.reserve(size):
            body = await read_body(request, limits)
            if waiting[0] >= limits.requests:
                raise HTTPException(503, "too many requests at once; try again", {"Retry-After": "1"})
            waiting[0] += 1
            try:
                files = await asyncio.to_thread(images_of, kind, body, limits)
                del body
                detector = deployed.current.value
                scores = await _scores(detector, files, request, pool, threads)
                carried = await asyncio.to_thread(_carried, reader, files)
            finally:
                waiting[0] -= 1
        metrics.scored(scores)
        note(request, scores, await asyncio.to_thread(records.facts, files, scores))
        scored_by = {"X-Model-Version": scores[0].model_version or ""}
        if len(scores) == 1 and scores[0].problem_detail:
            raise HTTPException(400, scores[0].problem_detail, scored_by)
        rows = [score.model_dump(exclude={"path"}) | facts for score, facts in zip(scores, carried, strict=True)]
        sentence = await asyncio.to_thread(_unlike, detector, scores)
        return JSONResponse(({"unlike": sentence} if sentence else {}) | {"predictions": rows}, headers=scored_by)

    async def in_use(request: Request) -> Response:
        return JSONResponse(description(deployed, follower))

    async def counted(request: Request) -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    routes = [
        Route("/invocations", invocations, methods=["POST"]),
        Route("/ping", _ping),
        Route("/health", _ping),
        Route("/version", in_use),
        Route("/metrics", counted),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(SameOrigin, hosts=hosts)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    return Observed(app, metrics, records.log, {route.path for route in routes})


def serve(
    deployed: Deployed[Detector],
    bound: socket.socket,
    *,
    threads: int = 1,
    limits: Limits | None = None,
    records: Records | None = None,
    follower: Follower[Detector] | None = None,
) -> None:
    """Serve a detector on a bound socket until it is interrupted; a follower replaces it meanwhile."""
    import uvicorn

    limits, records = limits or Limits(), records or Records()
    host = bound.getsockname()[0]
    # Elsewhere the machine's name is not known here.
    hosts = LOOPBACK if host in LOOPBACK else None
    config = uvicorn.Config(
        application(deployed, threads=threads, limits=limits, hosts=hosts, records=records, follower=follower),
        http=protocol(limits.header_seconds),
        timeout_graceful_shutdown=limits.stop_seconds,
        log_level="warning",
    )
    with ExitStack() as running:
        running.enter_context(records.log.running())
        bound.listen()  # from here on requests are answered, if only after uvicorn has started
        echo(f"serving at {address(bound)}/invocations; Ctrl-C ends it")
        records.log.write("started", uri=deployed.current.uri, follows=follower.alias if follower else None)
        if follower:
            running.enter_context(follower.running())
        if records.shadow:
            running.enter_context(records.shadow)
        uvicorn.Server(config).run(sockets=[bound])


async def _scores(
    detector: Detector, files: Images, request: Request, pool: ThreadPoolExecutor, threads: int
) -> list[Score]:
    """The scores in order.

    A request has at most as many images in the pool as there are threads, so that large requests and small ones take
    turns. Those of a client that has gone are not scored.
    """
    loop, scores = asyncio.get_running_loop(), dict[int, Score]()
    remaining = iter(enumerate(files))

    async def work() -> None:
        for k, data in remaining:
            if await request.is_disconnected():
                raise HTTPException(400, "the client has gone")
            scores[k] = await loop.run_in_executor(pool, _score, detector, k, data)

    await asyncio.gather(*(work() for _ in range(min(threads, len(files)))))
    return [scores[k] for k in range(len(files))]


def _score(detector: Detector, k: int, data: bytes | ImageError) -> Score:
    def read() -> bytes:
        if isinstance(data, ImageError):
            raise data
        return data

    return detector.score(f"image {k + 1}", read)


def _unlike(detector: Detector, scores: list[Score]) -> str | None:
    """What is said of all images of a request that are unlike what the detector has learned from."""
    known = [score.unfamiliar for score in scores if score.unfamiliar is not None]
    if not known or not (familiar := detector.metadata.familiar):
        return None
    return unlike(len(known), sum(known), familiar.left_out, familiar.refused)


def _carried(reader: CredentialsReader, files: Images) -> list[dict[str, Any]]:
    """The field of each image that carries Content Credentials; none of the others."""
    sent = [b"" if isinstance(data, ImageError) else data for data in files]
    read = reader.read_all(sent, seconds=_CREDENTIALS_SECONDS)
    return [{"content_credentials": facts.model_dump()} if facts else {} for facts in read]


async def _ping(request: Request) -> Response:
    return PlainTextResponse("\n")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """The answer to an error of our own, which Starlette raises again for the server's log."""
    return _error(500, "the model failed; the server's log says why")


def _error(status: int, reason: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error_code": _ERROR_CODES.get(status, "BAD_REQUEST"), "message": reason}, status, headers)
