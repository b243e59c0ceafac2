"""The server of the review page: it listens on this machine only and loads nothing from elsewhere.

The page holds the rows of the whole queue and decides by itself what it shows, so that no key waits for the server;
this sends it what is new, keeps the labels, and makes the pictures.
"""

import asyncio
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakefaces.base.progress import echo
from fakefaces.review import routes
from fakefaces.review.review import Review
from fakefaces.web.connections import address, protocol
from fakefaces.web.own_page import OwnPage
from fakefaces.web.same_origin import SameOrigin

HOST = "127.0.0.1"
_HEADER_SECONDS, _STOP_SECONDS = 10, 2
_HEADERS = {
    # Nothing but the files of the page itself; the pictures that its scripts have fetched are blobs.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cache-Control": "no-store",  # a browser must not keep photographs longer than the page
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def application(review: Review) -> Starlette:
    """The page's ASGI app."""

    @asynccontextmanager
    async def scoring(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(review.arrivals.score())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = Starlette(
        routes=routes.ROUTES,
        middleware=[Middleware(_SafeHeaders), Middleware(SameOrigin), Middleware(OwnPage)],
        exception_handlers=routes.ERRORS,
        lifespan=scoring,
    )
    app.state.review = review
    return app


def serve(review: Review, bound: socket.socket, *, show: bool) -> None:
    """Serve the page on a bound socket until it is interrupted; ``show`` opens it in a browser."""
    import uvicorn

    config = uvicorn.Config(
        application(review),
        http=protocol(_HEADER_SECONDS),
        ws="none",
        timeout_graceful_shutdown=_STOP_SECONDS,
        log_level="warning",
    )
    bound.listen()  # from here on requests are answered, if only after uvicorn has started
    echo(f"the review page is on {address(bound)}; stop it with Ctrl-C")
    if show:
        threading.Thread(target=webbrowser.open, args=(address(bound),), daemon=True).start()
    with review.follower.running() if review.follower else nullcontext():
        uvicorn.Server(config).run(sockets=[bound])


class _SafeHeaders:
    """ASGI middleware that adds the headers to every answer."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)
