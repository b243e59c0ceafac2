"""The socket that a server of ours listens on, and how long a client may take to say what it wants."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from uvicorn.protocols.http.h11_impl import H11Protocol

from fakefaces.base.errors import FakefacesError


@contextmanager
def listener(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket that does not listen yet; port 0 is any free one. A FakefacesError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise FakefacesError(f"{host}:{port}: {error.strerror}; take another port with --port") from None
        yield bound


def address(bound: socket.socket) -> str:
    """The URL of a bound socket, without a slash at its end."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def protocol(seconds: float) -> type[H11Protocol]:
    """Uvicorn's protocol, with a time limit for the headers of requests: by itself it waits for them without end."""

    class HeaderTimeout(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start()

        def data_received(self, data: bytes) -> None:
            if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
                self._start()
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:  # the header is complete
                self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _start(self) -> None:
            self._deadline = self.loop.call_later(seconds, self.transport.close)

        def _stop(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return HeaderTimeout
