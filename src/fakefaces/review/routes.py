"""What the review page asks its server: the page itself, what is new, pictures, labels, and the export.

What its middleware lets through comes from the page: see :mod:`fakefaces.review.server`.
"""

import asyncio
import json
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fakefaces.base.errors import FakefacesError
from fakefaces.evaluation.base_rate import precision_at
from fakefaces.evaluation.unlike import unlike
from fakefaces.review.agreement import agreement
from fakefaces.review.answers import event_of, labels_for, row_of
from fakefaces.review.arrivals import UploadError
from fakefaces.review.export import export
from fakefaces.review.labels import LABELS, pairs, reviewer_name
from fakefaces.review.previews import SIDES, THUMBNAIL
from fakefaces.review.queue import Photograph
from fakefaces.review.review import Review
from fakefaces.web.deployed import description

_ROWS = 2000  # of one answer; a page asks again until it has all
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MAX_BODY = 2**16  # bytes of a request but an upload


async def _page(request: Request) -> Response:
    return _asset("index.html")


async def _file(request: Request) -> Response:
    return _asset(request.path_params["name"])


def _asset(name: str) -> Response:
    try:
        data = _assets()[name]
    except KeyError:
        raise HTTPException(404, "there is no such file") from None
    return Response(data, media_type=_TYPES[name[name.rindex(".") :]])


@cache
def _assets() -> dict[str, bytes]:
    """The files of the page, by name."""
    folder = files("fakefaces.review") / "page"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(tuple(_TYPES))}


async def _settings(request: Request) -> Response:
    """The champion, and who labels."""
    review = _review(request)
    metadata, point = review.metadata, review.metadata.operating
    return JSONResponse(
        {
            "model": metadata.model,
            "uri": review.deployed.current.uri,
            "caution": metadata.caution,
            "threshold": metadata.decision_threshold,
            "band": None if point is None else [point.low or 0, 1 if point.high is None else point.high],
            "reviewer": review.reviewer,
            "sides": SIDES,
            "rates": None if review.rates is None else vars(review.rates),
        }
    )


async def _version(request: Request) -> Response:
    """The code, the champion in use, and what it follows."""
    review = _review(request)
    return JSONResponse(description(review.deployed, review.follower))


async def _health(request: Request) -> Response:
    return Response("\n", media_type="text/plain")


async def _precision(request: Request) -> Response:
    """How many of the photographs called fake are fake, where one in so many is."""
    rates, one_in = _review(request).rates, _count(request, "one_in")
    if rates is None:
        raise HTTPException(404, "the error rates of this detector are not known here")
    if one_in < 2:
        raise HTTPException(400, "one_in: at least 2")
    precision = precision_at(rates, 1 / one_in)
    return JSONResponse({"value": precision.value, "interval": precision.interval, "reason": precision.reason})


async def _changes(request: Request) -> Response:
    """What the page does not have yet: photographs and refused files from a position on, labels since an event."""
    review, reviewer = _review(request), reviewer_name(request.query_params.get("reviewer", ""))
    first, refused, event = (_count(request, name) for name in ("photographs", "refused", "event"))
    return JSONResponse(await asyncio.to_thread(_news, review, reviewer, first, refused, event))


def _news(review: Review, reviewer: str, first: int, refused: int, event: int) -> dict[str, Any]:
    # Before the photographs, so that a label which is given meanwhile is sent twice, not never.
    changed, last = review.labels.since(event)
    photographs = review.queue.since(first, _ROWS)
    return {
        "session": review.session,
        "uri": review.deployed.current.uri,
        "photographs": [row_of(photograph) for photograph in photographs],
        "labels": {
            key: labels_for(review.labels.given(key), reviewer)
            for key in (changed | {photograph.key for photograph in photographs})
            if review.queue.get(key)
        },
        "event": last,
        "refused": review.queue.refused[refused:],
        "n_refused": review.queue.n_refused,
        "unlike": _unlike(review),
        "scored": len(review.queue),
        "waiting": review.arrivals.waiting,
    }


def _unlike(review: Review) -> str | None:
    """What is said of the photographs that the champion scored, where they are unlike what it has learned from."""
    counts, version, familiar = review.queue.familiarity, review.version, review.metadata.familiar
    if familiar is None:
        return None
    unfamiliar = counts[version, True]
    return unlike(counts[version, False] + unfamiliar, unfamiliar, familiar.left_out, familiar.refused)


async def _picture(request: Request) -> Response:
    """A picture of a photograph, with its heatmap over it if that is asked for."""
    review, photograph = _review(request), _photograph(request, request.path_params["key"])
    side = _count(request, "side")
    if side not in SIDES:
        raise HTTPException(400, f"side: one of {', '.join(map(str, SIDES))}")
    heatmap = request.query_params.get("heatmap") == "1"
    async with review.thumbnails if side == THUMBNAIL else review.pictures:
        if await request.is_disconnected():  # scrolled past
            return Response(status_code=204)
        jpeg = await asyncio.to_thread(review.previews.picture, photograph, heatmap=heatmap, side=side)
    return Response(jpeg, media_type="image/jpeg")


async def _history(request: Request) -> Response:
    """Who has labelled a photograph when; of others only once the person has labelled it too.

    Agreement means something between people who did not know of each other's labels.
    """
    review, reviewer = _review(request), reviewer_name(request.query_params.get("reviewer", ""))
    key = _photograph(request, request.path_params["key"]).key
    events = await asyncio.to_thread(review.labels.history, key)
    given = await asyncio.to_thread(review.labels.of, key)
    undone = {event.undoes for event in events}
    shown = [event for event in events if reviewer in given or event.reviewer == reviewer]
    return JSONResponse({"events": [event_of(event, undone) for event in shown], "hidden": len(events) - len(shown)})


async def _label(request: Request) -> Response:
    """Give a photograph a label, or take it away."""
    review, body = _review(request), await _body(request)
    reviewer, label = reviewer_name(body.get("reviewer")), body.get("label")
    if label is not None and label not in LABELS:
        raise HTTPException(400, "label: real, fake or null")
    sure = body.get("sure", True)
    if not isinstance(sure, bool):
        raise HTTPException(400, "sure: true or false")
    photograph = _photograph(request, str(body.get("photograph")))
    await asyncio.to_thread(review.labels.give, photograph, reviewer, label, review.model_of(photograph), sure=sure)
    return JSONResponse(labels_for(await asyncio.to_thread(review.labels.given, photograph.key), reviewer))


async def _undo(request: Request) -> Response:
    """Take back the last label of a person."""
    review, reviewer = _review(request), reviewer_name((await _body(request)).get("reviewer"))
    key = await asyncio.to_thread(review.labels.undo, reviewer)
    given = await asyncio.to_thread(review.labels.given, key) if key else {}
    return JSONResponse({"photograph": key, "labels": labels_for(given, reviewer)})


async def _agreement(request: Request) -> Response:
    """Agreement of each two people, those with the most photographs first."""
    labels = await asyncio.to_thread(_review(request).labels.all)
    found = [
        {"people": people, **vars(await asyncio.to_thread(agreement, given))}
        for people, given in pairs(labels.values()).items()
    ]
    return JSONResponse(sorted(found, key=lambda pair: -pair["n"]))


async def _export(request: Request) -> Response:
    """Write the corrections."""
    review = _review(request)
    async with review.exporting:
        done = await asyncio.to_thread(export, review.queue, review.labels, review.exports)
    return JSONResponse(vars(done) | {"table": str(done.table)})


async def _upload(request: Request) -> Response:
    """Take a photograph, which is scored later."""
    await _review(request).arrivals.receive(request.query_params.get("name", ""), request.stream())
    return JSONResponse({}, 202)


def _review(request: Request) -> Review:
    review: Review = request.app.state.review
    return review


def _photograph(request: Request, key: str) -> Photograph:
    photograph = _review(request).queue.get(key)
    if photograph is None:
        raise HTTPException(404, "there is no such photograph in the queue")
    return photograph


def _count(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise HTTPException(400, f"{name}: a number")
    return int(text)


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MAX_BODY:
            raise HTTPException(413, f"more than {_MAX_BODY:,} bytes")
    try:
        value = json.loads(bytes(data))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return value


def _problem(message: str, status: int) -> JSONResponse:
    return JSONResponse({"problem": message}, status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.detail, error.status_code)


async def _user_error(request: Request, error: Exception) -> Response:
    return _problem(str(error), error.status if isinstance(error, UploadError) else 409)


async def _system_error(request: Request, error: Exception) -> Response:
    """A full disk, a folder that may not be written."""
    assert isinstance(error, OSError)
    return _problem(f"{error.filename or 'a file'}: {error.strerror or error}", 507)


async def _broken_off(request: Request, error: Exception) -> Response:
    return _problem("the connection ended before the request did", 400)


async def _failed(request: Request, error: Exception) -> Response:
    """The answer to an error of our own, which Starlette raises again for the server's log."""
    return _problem("the page's server failed; its log in the terminal says why", 500)


ROUTES = [
    Route("/", _page),
    Route("/page/{name}", _file),
    Route("/settings", _settings),
    Route("/version", _version),
    Route("/health", _health),
    Route("/precision", _precision),
    Route("/changes", _changes),
    Route("/picture/{key}", _picture),
    Route("/history/{key}", _history),
    Route("/agreement", _agreement),
    Route("/labels", _label, methods=["POST"]),
    Route("/undo", _undo, methods=["POST"]),
    Route("/export", _export, methods=["POST"]),
    Route("/files", _upload, methods=["POST"]),
]
ERRORS = {
    HTTPException: _refused,
    FakefacesError: _user_error,
    OSError: _system_error,
    ClientDisconnect: _broken_off,
    Exception: _failed,
}
