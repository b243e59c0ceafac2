"""The history of a registered model: what happened to which version, when, by whom and why.

Each event is one tag on the version that it is about, under a key of its own: it is written in one step, no other
process can overwrite it, and MLflow's page of the version shows it.
"""

import getpass
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_KEY = "history."
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"  # sorts by time; MLflow allows no plus in a key

CROWNED, REFUSED, BACK, FOUND = "champion", "refused", "rollback", "found"


@dataclass(frozen=True)
class Event:
    """One entry.

    Attributes:
        at: UTC, to the microsecond, as ``2026-01-31T12:00:00.000000Z``.
        action: ``champion``: became it; ``refused``: did not; ``rollback``: became it again;
            ``found``: it was, though no entry said so: the alias was moved by other means.
        version: that it happened to.
        before: the champion until then; None if there was none.
        reason: in one sentence.
        by: user and host.
    """

    at: str
    action: str
    version: int
    before: int | None
    reason: str
    by: str

    @property
    def key(self) -> str:
        """The tag's key."""
        return _KEY + self.at

    @property
    def value(self) -> str:
        """The tag's value."""
        rest = {"action": self.action, "before": self.before, "by": self.by, "reason": self.reason}
        return json.dumps(rest, ensure_ascii=False)


def event(action: str, version: int, before: int | None, reason: str, last: Event | None) -> Event:
    """An event of now; later than ``last`` even where a clock was set back."""
    now = datetime.now(UTC)
    if last is not None:
        now = max(now, datetime.strptime(last.at, _FORM).replace(tzinfo=UTC) + timedelta(microseconds=1))
    return Event(now.strftime(_FORM), action, version, before, reason, f"{_user()}@{socket.gethostname()}")


def events(tags: Mapping[int, Mapping[str, str]]) -> list[Event]:
    """All events by time.

    Args:
        tags: of each version.
    """
    found = [
        Event(key.removeprefix(_KEY), version=version, **json.loads(value))
        for version, own in tags.items()
        for key, value in own.items()
        if key.startswith(_KEY)
    ]
    return sorted(found, key=lambda one: (one.at, one.version))


def reign(history: Iterable[Event]) -> list[int]:
    """The champions that a rollback would go back through: the present one last.

    A rollback takes the last one away; so two in a row go back two champions, not there and back.
    """
    champions: list[int] = []
    for one in history:
        if one.action in (CROWNED, FOUND):
            champions.append(one.version)
        elif one.action == BACK:
            while champions and champions[-1] != one.version:
                champions.pop()
            champions = champions or [one.version]
    return champions


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"
