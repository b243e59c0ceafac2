"""A server whose only client is its own page: what other pages have a browser ask for is refused."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnPage:
    """ASGI middleware that answers 403 to requests of other pages, but for a link to the page itself.

    Against forged requests one that changes something has to name its Origin, as browsers do, which
    :class:`fakefaces.web.same_origin.SameOrigin` compares. Browsers that send ``Sec-Fetch-Site`` say of all requests
    whether another site made them, of those for pictures too.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not _own(scope["method"], Headers(scope=scope)):
            answer = JSONResponse({"problem": "only the server's own page may ask for this"}, 403)
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _own(method: str, headers: Headers) -> bool:
    if method not in ("GET", "HEAD"):
        return "origin" in headers and headers.get("sec-fetch-site", "same-origin") == "same-origin"
    follows_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return follows_link or headers.get("sec-fetch-site", "none") in ("none", "same-origin")
