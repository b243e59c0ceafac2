"""What a server scores with, and the thread that replaces it where an alias leads to another version.

A request takes :attr:`Deployed.current` once and keeps it to its end, so a switch drops no request and mixes no answer.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Generic, TypeVar

from fakefaces.base.errors import FakefacesError

T = TypeVar("T")
_MAX_REST = 64  # polls for which a version that was refused is left alone before it is tried again


class Kind(StrEnum):
    """What a poll can find out."""

    SWITCHED = "switched"  # another version is in use
    REFUSED = "refused"  # the alias leads to a version that cannot be used; the one in use stays
    UNREACHABLE = "unreachable"  # where the alias leads cannot be asked; the one in use stays
    CURRENT = "current"  # the version in use is the alias's again, after one of the other two


@dataclass(frozen=True)
class Change:
    """What a poll found out, where that is something else than before."""

    kind: Kind
    uri: str  # of the version it is about; of the one in use where the store could not be asked
    before: str  # the URI of the version that was in use
    reason: str = ""  # in one sentence; empty where all is well

    def __str__(self) -> str:
        return f"{self.kind}: {self.uri}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class InUse(Generic[T]):
    """A value with its origin."""

    value: T
    uri: str  # such as ``models:/fake-faces/3``, or a folder
    since: str  # UTC, as ``2026-01-31T12:00:00Z``


class Deployed(Generic[T]):
    """The value in use. Threads may read it at any time: it is replaced as a whole and never changed."""

    def __init__(self, value: T, uri: str = ""):
        self.current = InUse(value, uri, now())
        self.trouble: Change | None = None  # why the version in use is not the alias's, or may not be
        self.switches = 0

    def replace(self, value: T, uri: str) -> None:
        """Use another value for all requests that begin from now on."""
        self.current = InUse(value, uri, now())
        self.switches += 1

    def state(self) -> dict[str, Any]:
        """What ``/version`` says of it."""
        trouble = self.trouble
        return {
            "uri": self.current.uri,
            "since": self.current.since,
            "switches": self.switches,
            "trouble": None
            if trouble is None
            else {"kind": trouble.kind, "uri": trouble.uri, "reason": trouble.reason},
        }


@dataclass
class Follower(Generic[T]):
    """Keeps a deployed value at what an alias leads to."""

    deployed: Deployed[T]
    alias: str  # its URI, for people
    resolve: Callable[[], str]  # the URI of the version that the alias leads to now; a FakefacesError where unknown
    load: Callable[[str], T]  # what a URI leads to, fetched and checked; a FakefacesError where it cannot be used
    interval: float  # seconds from one poll to the next
    notice: Callable[[Change], None]  # called from the follower's thread for each change
    _refused: str = ""  # the URI that was refused last
    _rest: int = 0  # polls for which it is left alone
    _refusals: int = 0  # in a row, of that URI

    @contextmanager
    def running(self) -> Iterator[None]:
        """Poll in a thread of its own until the end of the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,), name="follower", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()  # the thread is not waited for: it may be in the middle of a download

    def _run(self, stop: threading.Event) -> None:
        due = time.monotonic() + self.interval
        while not stop.wait(max(0.0, due - time.monotonic())):
            self.poll()
            # At fixed times: a poll that takes long leaves some out, and moves none.
            due += self.interval * max(1, math.ceil((time.monotonic() - due) / self.interval))

    def poll(self) -> None:
        """Look once where the alias leads, and use that if it can be used. Raises nothing."""
        before = self.deployed.current.uri
        try:
            uri = self.resolve()
        except Exception as error:  # whatever it is, the server serves on
            self._trouble(Change(Kind.UNREACHABLE, before, before, _reason(error)))
            return
        if uri == before:
            self._well(Change(Kind.CURRENT, uri, before))
            return
        if uri == self._refused and self._rest > 0:
            self._rest -= 1
            return
        try:
            value = self.load(uri)
        except Exception as error:
            self._refusals = self._refusals + 1 if uri == self._refused else 1
            self._refused, self._rest = uri, min(2**self._refusals - 1, _MAX_REST)
            self._trouble(Change(Kind.REFUSED, uri, before, _reason(error)))
            return
        self.deployed.replace(value, uri)
        self.deployed.trouble = None
        self._refused, self._rest, self._refusals = "", 0, 0
        self.notice(Change(Kind.SWITCHED, uri, before))

    def _trouble(self, change: Change) -> None:
        """Say it once, not with each poll."""
        if change != self.deployed.trouble:
            self.deployed.trouble = change
            self.notice(change)

    def _well(self, change: Change) -> None:
        self._refused, self._rest, self._refusals = "", 0, 0
        if self.deployed.trouble:
            self.deployed.trouble = None
            self.notice(change)


def description(deployed: Deployed[Any], follower: Follower[Any] | None) -> dict[str, Any]:
    """What a server's ``/version`` answers: the code, the version in use, and what it follows."""
    follows = {"alias": follower.alias, "seconds": follower.interval} if follower else None
    return {"fakefaces": version("fakefaces"), "model": deployed.state(), "follows": follows}


def now() -> str:
    """The time as ``2026-01-31T12:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:500]
    return text if isinstance(error, FakefacesError) else f"{type(error).__name__}: {text}"
