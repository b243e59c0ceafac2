"""The champion history of a registered model: which version became champion or did not, when, by whom and why.

Each event is one tag of its version, under a key of its own: it is written in one step, and no other process can
overwrite it.
"""

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import TypeAdapter

from fakefaces.tracking import provenance

_KEY = "history."
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # sorts by time; MLflow allows no plus in a key


class Action(StrEnum):
    """What can happen to a version; the values are those of the tags."""

    CHAMPION = "champion"  # became champion
    REFUSED = "refused"  # did not become champion
    ROLLBACK = "rollback"  # became champion again
    FOUND = "found"  # was champion, though no event says so: the alias was set by other means


@dataclass(frozen=True)
class Event:
    """What happened to a version."""

    at: str  # UTC, to the microsecond, as ``2026-01-31T12:00:00.000000Z``
    action: Action
    version: int
    before: int | None  # the champion until then; None if there was none
    reason: str  # in one sentence
    by: str  # user and host

    @property
    def key(self) -> str:
        """The tag's key."""
        return _KEY + self.at

    @property
    def value(self) -> str:
        """The tag's value."""
        values = {"action": self.action, "before": self.before, "by": self.by, "reason": self.reason}
        return json.dumps(values, ensure_ascii=False)


def new_event(action: Action, version: int, before: int | None, reason: str, last: Event | None) -> Event:
    """An event of now; later than the last one even if the clock was set back."""
    now = datetime.now(UTC)
    if last:
        now = max(now, datetime.strptime(last.at, _FORMAT).replace(tzinfo=UTC) + timedelta(microseconds=1))
    by = f"{provenance.user()}@{socket.gethostname()}"
    return Event(now.strftime(_FORMAT), action, version, before, reason, by)


def read_events(tags: Mapping[int, Mapping[str, str]]) -> list[Event]:
    """All events by time, from the tags of each version."""
    adapter = TypeAdapter(Event)
    events = [
        adapter.validate_python({"at": key.removeprefix(_KEY), "version": version} | json.loads(value))
        for version, tags_of_version in tags.items()
        for key, value in tags_of_version.items()
        if key.startswith(_KEY)
    ]
    return sorted(events, key=lambda event: (event.at, event.version))


def champion_stack(history: Iterable[Event]) -> list[int]:
    """The champions that rollbacks lead back through, the current one last.

    A rollback removes the last one, so two rollbacks lead two champions back, and not there and back.
    """
    champions: list[int] = []
    for event in history:
        if event.action in (Action.CHAMPION, Action.FOUND):
            champions.append(event.version)
        elif event.action == Action.ROLLBACK:
            while champions and champions[-1] != event.version:
                champions.pop()
            champions = champions or [event.version]
    return champions


def taken_back(history: Iterable[Event], version: int) -> Event | None:
    """The rollback that replaced a version, unless that has become champion again since; None without one."""
    found = None
    for event in history:
        if event.action == Action.ROLLBACK and event.before == version:
            found = event
        elif event.version == version and event.action != Action.REFUSED:
            found = None
    return found
