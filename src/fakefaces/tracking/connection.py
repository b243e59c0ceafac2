"""The connection of a run to its store, which may be lost while a stage works: the work goes on without it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from types import TracebackType
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from fakefaces.base.errors import StoreSettingError, TrackingError
from fakefaces.base.progress import echo

P = ParamSpec("P")


class Connection(AbstractContextManager["Connection"]):
    """A block that speaks to the store: its first TrackingError is told and kept, and not raised.

    An address that names no store is an error all the same.
    ``lost`` is that error; with ``may_be_lost=False`` it is raised, as where logging is all that is done. A block that
    follows raises nothing either, so what it sets has to be set before. What was lost stays lost: a store that comes
    back would hold a run with gaps.
    """

    def __init__(self, *, may_be_lost: bool = True):
        self.lost: TrackingError | None = None
        self._may_be_lost = may_be_lost

    def lose(self, error: TrackingError | None) -> None:
        """Take over what another process, which logged to the same run, has told; None: nothing."""
        self.lost = self.lost or error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep a TrackingError, if the store may be lost."""
        if not isinstance(error, TrackingError) or isinstance(error, StoreSettingError) or not self._may_be_lost:
            return False
        if self.lost is None:
            self.lost = error
            echo(f"WARNING {error}\nthe work goes on, and is logged later")
        return True


class _Connected(Protocol):
    """What has a connection, such as a run."""

    @property
    def connection(self) -> Connection:
        """To the store."""


R = TypeVar("R", bound=_Connected)


def unless_lost(log: Callable[Concatenate[R, P], None]) -> Callable[Concatenate[R, P], None]:
    """Make a function that logs to a run, its first argument, do nothing once the store is lost."""

    @wraps(log)
    def call(run: R, /, *arguments: P.args, **options: P.kwargs) -> None:
        if run.connection.lost is None:
            with run.connection:
                log(run, *arguments, **options)

    return call
