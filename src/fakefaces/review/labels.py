"""Labels that people give: a journal in a sqlite file, to which several servers may write at a time.

Nothing is changed or removed in it. A label, its removal and an undoing are each an event; the label of a person is
what the last one says. An event is on the disk before it is answered, so that a killed process loses none.
"""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fakefaces.base.errors import FakefacesError
from fakefaces.review.queue import Photograph

LABELS = ("real", "fake")
_NAME = 80  # characters of a person's name
_PATIENCE = 10  # seconds, for another process that writes
_APPLICATION, _FORMAT = 0x66616B65, 2  # in the file's header
_SURE = "sure INTEGER CHECK (sure IN (0, 1))"  # since format 2; null: there is no label, or nobody was asked
_EVENTS = f"""
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photograph TEXT NOT NULL, -- sha256 of its bytes
    reviewer TEXT NOT NULL,
    label TEXT CHECK (label IN ('real', 'fake')), -- from now on; null: none
    at TEXT NOT NULL, -- ISO 8601, UTC
    undoes INTEGER REFERENCES events (id), -- null: it undoes none
    name TEXT NOT NULL, -- the photograph's file, where it came from
    p_fake REAL NOT NULL, -- what the model said then
    predicted TEXT NOT NULL,
    model TEXT NOT NULL,
    {_SURE}
)
"""
_COLUMNS = "id, photograph, reviewer, label, at, undoes, name, p_fake, predicted, model, sure"


@dataclass(frozen=True)
class Event:
    """One line of the journal; see the table's columns."""

    id: int
    photograph: str
    reviewer: str
    label: str | None
    at: str
    undoes: int | None
    name: str
    p_fake: float
    predicted: str
    model: str
    sure: bool | None


@dataclass(frozen=True)
class Given:
    """The label that a person gives a photograph now."""

    label: str  # real or fake
    sure: bool | None  # None: nobody asked
    at: str  # ISO 8601, UTC


class Labels:
    """The journal in a file, which is made if it is missing. Methods may be called from several threads."""

    def __init__(self, path: Path):
        """Open the journal.

        Raises:
            FakefacesError: it cannot be opened or made, or is none.
        """
        self.path = path
        self._lock = threading.RLock()
        self._last = 0
        self._current: dict[str, dict[str, Given]] = {}
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            self._create()

    def give(self, photograph: Photograph, reviewer: str, label: str | None, model: str, *, sure: bool = True) -> None:
        """Give a photograph a person's label, or take it away; nothing happens where it has that label, as sure."""
        certainty = sure if label else None
        with self._writing():
            before = self.given(photograph.key).get(reviewer)
            if (before.label if before else None) != label or (before and before.sure != certainty):
                said = (photograph.name, photograph.p_fake, photograph.predicted, model)
                self._append(photograph.key, reviewer, (label, certainty), None, said)

    def undo(self, reviewer: str) -> str | None:
        """Take back a person's last event that is not taken back yet, and return its photograph; None without one."""
        with self._writing():
            events = [event for event in self._events("reviewer = ?", reviewer) if event.undoes is None]
            undone = {event.undoes for event in self._events("reviewer = ?", reviewer)}
            effective = [event for event in events if event.id not in undone]
            if not effective:
                return None
            last = effective.pop()
            before = [(event.label, event.sure) for event in effective if event.photograph == last.photograph]
            said = (last.name, last.p_fake, last.predicted, last.model)
            self._append(last.photograph, reviewer, before[-1] if before else (None, None), last.id, said)
            return last.photograph

    def of(self, photograph: str) -> dict[str, str]:
        """The label of each person who has labelled a photograph, by name."""
        return {reviewer: given.label for reviewer, given in self.given(photograph).items()}

    def given(self, photograph: str) -> dict[str, Given]:
        """The label of each person who has labelled a photograph, with its time and how sure they are, by name."""
        with self._lock:
            self._read()
            return dict(self._current.get(photograph, {}))

    def all(self) -> dict[str, dict[str, str]]:
        """The labels of all photographs: label by name of a person, by photograph; empty where all were removed."""
        with self._lock:
            self._read()
            return {
                photograph: {reviewer: given.label for reviewer, given in labels.items()}
                for photograph, labels in self._current.items()
            }

    def since(self, event: int) -> tuple[set[str], int]:
        """The photographs whose labels have changed after an event, and the last event."""
        with self._errors(), self._lock:
            self._read()
            changed = {event.photograph for event in self._events("id > ?", event)} if event < self._last else set()
            return changed, self._last

    def history(self, photograph: str) -> list[Event]:
        """The events of one photograph, in their order."""
        with self._errors(), self._lock:
            return list(self._events("photograph = ?", photograph))

    def events(self) -> list[Event]:
        """The whole journal."""
        with self._errors(), self._lock:
            return list(self._events("id > ?", 0))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _create(self) -> None:
        with self._transaction():
            application, format = (
                self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if (application, format) == (_APPLICATION, _FORMAT):
                return
            if (application, format) == (_APPLICATION, 1):
                self._database.execute(f"ALTER TABLE events ADD COLUMN {_SURE}")
                self._database.execute(f"PRAGMA user_version = {_FORMAT}")
                return
            if application == _APPLICATION:
                raise FakefacesError(f"{self.path}: labels of a newer version of fakefaces; update it")
            if tables:
                raise FakefacesError(f"{self.path}: a database of another program; name another file with --labels")
            self._database.execute(_EVENTS)
            for column in ("photograph", "reviewer"):
                self._database.execute(f"CREATE INDEX events_by_{column} ON events ({column})")
            self._database.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._database.execute(f"PRAGMA user_version = {_FORMAT}")

    def _read(self) -> None:
        """Take over the events since the last one read, of other processes too."""
        with self._errors():
            for event in self._events("id > ?", self._last):
                labels = self._current.setdefault(event.photograph, {})
                labels.pop(event.reviewer, None)
                if event.label:
                    labels[event.reviewer] = Given(event.label, event.sure, event.at)
                self._last = event.id

    def _events(self, condition: str, value: object) -> Iterator[Event]:
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM events WHERE {condition} ORDER BY id", (value,))
        return (Event(*(*row[:-1], None if row[-1] is None else bool(row[-1]))) for row in rows)

    def _append(
        self,
        photograph: str,
        reviewer: str,
        given: tuple[str | None, bool | None],
        undoes: int | None,
        said: tuple[str, float, str, str],
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        label, sure = given
        marks = ", ".join("?" * 10)
        self._database.execute(
            f"INSERT INTO events ({_COLUMNS.removeprefix('id, ')}) VALUES ({marks})",
            (photograph, reviewer, label, now, undoes, *said, sure),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._errors(), self._lock, self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Keep other writers out from the first reading on; whatever is raised, nothing is written."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise FakefacesError(
                f"{self.path}: labels cannot be kept in this file ({error}); allow it to be written, free the disk, or "
                "name another one with --labels"
            ) from None


def reviewer_name(text: object) -> str:
    """A person's name without needless spaces, or a FakefacesError."""
    name = " ".join(str(text or "").split())
    if not name or len(name) > _NAME or not name.isprintable():
        raise FakefacesError(f"the reviewer needs a name, of 1 to {_NAME} letters that can be printed")
    return name


def agreed(labels: dict[str, str]) -> str | None:
    """The label that all who have labelled a photograph give it; None where there is none, or people disagree."""
    distinct = set(labels.values())
    return distinct.pop() if len(distinct) == 1 else None


def pairs(labels: Collection[dict[str, str]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """For each two people, in the order of their names, the labels of the photographs that both have labelled."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for given in labels:
        names = sorted(given)
        for k, first in enumerate(names):
            for second in names[k + 1 :]:
                found[first, second].append((given[first], given[second]))
    return dict(found)
