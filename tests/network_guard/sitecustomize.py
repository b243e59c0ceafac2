"""On PYTHONPATH of the processes that tests start: notes every connection that would leave the machine."""

import os
import socket

_connect = socket.socket.connect
_lookup = socket.getaddrinfo


def _note(what: object) -> None:
    with open(os.environ["NETWORK_LOG"], "a") as log:  # noqa: PTH123 - early in every process
        log.write(f"{what}\n")


def _guarded(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        _note(address)
    return _connect(self, address)


def _guarded_lookup(host, *args, **kwargs):
    if host not in (None, "127.0.0.1", "::1", "localhost", socket.gethostname()):
        _note(host)
    return _lookup(host, *args, **kwargs)


if os.environ.get("NETWORK_LOG"):
    socket.socket.connect = _guarded
    socket.getaddrinfo = _guarded_lookup
