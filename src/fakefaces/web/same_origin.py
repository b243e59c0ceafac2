"""Who may ask a server: a page of another site must not reach one on this machine through its visitor's browser.

Against DNS rebinding the Host has to be one of the server's own names, and against requests of other pages, web sockets
included, the Origin that browsers send has to be that Host.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SameOrigin:
    """ASGI middleware that answers 403 to requests, and closes sockets, of other hosts and other origins."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None = LOOPBACK):
        """Guard an app; ``hosts`` are its names without ports, or None where any name may lead to it."""
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket") or (reason := self._refusal(scope)) is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            answer = JSONResponse({"error_code": "PERMISSION_DENIED", "message": reason}, 403)
            await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self.hosts is not None and _name(f"//{host}") not in self.hosts:
            return f"the Host must be one of {', '.join(self.hosts)}"
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin.decode("latin-1")).netloc != host:
            return "requests of pages of other sites are refused"
        return None


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
