"""The registered model in MLflow: its versions, their aliases, and the champion history."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from fakefaces.base.errors import FakefacesError, TrackingError
from fakefaces.inference.detector import GRAPH
from fakefaces.inference.metadata import Operating
from fakefaces.registry.history import Action, Event, champion_stack, new_event, read_events
from fakefaces.tracking.descriptions import DIGEST as NOTE_DIGEST
from fakefaces.tracking.descriptions import NOTE, may_describe
from fakefaces.tracking.descriptions import digest as note_digest
from fakefaces.tracking.detectors import CHALLENGER, CHAMPION, with_operating_point
from fakefaces.tracking.digests import digest
from fakefaces.tracking.integrity import GRAPH_TAG
from fakefaces.tracking.registration import log_for_registration
from fakefaces.tracking.runs import find_run
from fakefaces.tracking.store import Store, all_pages, connect, exclusive_lock, mlflow_errors

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord
    from mlflow.entities.model_registry import ModelVersion


class ChampionChangedError(Exception):
    """Another process set another champion since the decision was made: decide again."""


@dataclass(frozen=True)
class Version:
    """A registered version.

    Its tags are ``model``, ``digest`` (DVC's of the detector's folder), ``served.digest`` (of the registered copy,
    whose metadata holds the operating point), ``graph.sha256`` (of its inference graph), ``test.digest``, metrics, the
    decision, and the history.
    """

    number: int
    uri: str  # ``models:/<name>/<number>``
    tags: dict[str, str]
    run_id: str  # of the run that trained it
    created: int = 0  # milliseconds since 1970
    aliases: list[str] = field(default_factory=list)
    model_id: str = ""  # of the logged model behind it; empty where there is none
    description: str = ""  # in Markdown


class Registry:
    """The versions of one registered model; a TrackingError is raised where the MLflow store cannot be used."""

    def __init__(self, name: str, *, create: bool = True):
        """``create`` is as of :func:`fakefaces.tracking.store.connect`."""
        self.name = name
        self.store = connect(create=create)
        self._client = self.store.client

    def champion(self) -> Version | None:
        """The version with the alias ``champion``."""
        return self.with_alias(CHAMPION)

    def with_alias(self, alias: str) -> Version | None:
        """The version with an alias; None if there is none."""
        return next((version for version in self.versions() if alias in version.aliases), None)

    def versions(self) -> list[Version]:
        """All versions, the newest first."""
        condition = f"name = '{self.name}'"
        models = self._client.search_registered_models(condition)
        aliases = models[0].aliases if models else {}
        results = all_pages(lambda token: self._client.search_model_versions(condition, 1000, page_token=token))
        versions = [self._version(version, aliases) for version in results]
        return sorted(versions, key=lambda version: -version.number)

    def version(self, number: int) -> Version:
        """The version with a number; a TrackingError lists the numbers if there is none."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            listed = ", ".join(map(str, sorted(versions))) or "none"
            raise TrackingError(f"{self.name}: there is no version {number}; there are: {listed}")
        return versions[number]

    def history(self) -> list[Event]:
        """The champion history, by time."""
        return read_events({version.number: version.tags for version in self.versions()})

    def registered(self, folder: Path, point: Operating | None) -> Version | None:
        """The first version that holds this detector with this operating point; None if there is none."""
        with with_operating_point(folder, point) as copy:
            served = digest(copy)
        oldest_first = reversed(self.versions())
        return next((version for version in oldest_first if version.tags.get("served.digest") == served), None)

    def register(self, path: str, md5: str, folder: Path, point: Operating | None, tags: Mapping[str, str]) -> Version:
        """Register a detector with its operating point, unless it is registered already.

        ``path`` and ``md5`` are those of the output, as in ``dvc.lock``; ``folder`` has its files. A TrackingError says
        if no finished run in the store wrote the output.
        """
        with exclusive_lock("registry"), with_operating_point(folder, point) as copy:
            if version := self.registered(folder, point):
                return version
            run = find_run(self.store, path, md5)
            if run is None:
                raise TrackingError(
                    f"{path}: no run in the MLflow store wrote these bytes (mlruns/ was removed, or the outputs come "
                    "from DVC's cache); log them again with: fakefaces doctor --fix"
                )
            digests = {"digest": md5, "served.digest": digest(copy)}
            if (copy / GRAPH).is_file():
                digests[GRAPH_TAG] = graph_digest(copy / GRAPH)
            uri = log_for_registration(self.store, run, copy, digests)
            import mlflow

            with redirect_stderr(StringIO()), mlflow_errors():  # MLflow's two lines; the caller reports the version
                return self._version(mlflow.register_model(uri, self.name, tags=dict(tags) | digests), aliases={})

    def annotate(self, version: Version, description: str, tags: Mapping[str, str]) -> None:
        """Set a version's description, unless a person has written another one, and tags."""
        number = str(version.number)
        if has_own_description(version.description, version.tags):
            earlier, digest = version.tags.get(NOTE_DIGEST, ""), note_digest(description)
            both = digest if earlier in ("", digest) else f"{earlier} {digest}"  # it may be killed between the steps
            self._client.set_model_version_tag(self.name, number, NOTE_DIGEST, both)
            self._client.update_model_version(self.name, number, description=description)
            if both != digest:
                self._client.set_model_version_tag(self.name, number, NOTE_DIGEST, digest)
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, number, key, value)

    def tag_graph(self, version: Version, graph: Path) -> None:
        """Record the digest of a version's inference graph."""
        self._client.set_model_version_tag(self.name, str(version.number), GRAPH_TAG, graph_digest(graph))

    def set_challenger(self, version: Version) -> None:
        """Set the alias ``challenger``."""
        self._set_alias(CHALLENGER, version.number)

    def set_champion(self, version: Version, expected: Version | None, reason: str) -> None:
        """Set the alias ``champion``, if the champion is still ``expected``, and record the reason in the history."""
        with exclusive_lock("registry"):
            history, current = self._repaired_history(), self._require_champion(expected)
            if current != version.number:
                self._set_alias(CHAMPION, version.number)
                self._record(Action.CHAMPION, version.number, current, reason, history)

    def record_refusal(self, version: Version, champion: Version | None, reason: str) -> None:
        """Record that a version did not become champion; once for each champion, or none, and reason.

        A ChampionChangedError where the champion is another one than it was compared with.
        """
        with exclusive_lock("registry"):
            history = self._repaired_history()
            before = self._require_champion(champion)
            events = [event for event in history if event.version == version.number]
            refusal = (Action.REFUSED, before, reason)
            if not events or (events[-1].action, events[-1].before, events[-1].reason) != refusal:
                self._record(Action.REFUSED, version.number, before, reason, history)

    def _require_champion(self, expected: Version | None) -> int | None:
        """The number of the champion; a ChampionChangedError if it is not ``expected`` any more."""
        champion = self.champion()
        current = champion.number if champion else None
        if current != (expected.number if expected else None):
            raise ChampionChangedError
        return current

    def previous_champion(self) -> Version:
        """The version that a rollback would make champion; a TrackingError says if there is none."""
        versions, champion = {version.number: version for version in self.versions()}, self.champion()
        current = champion.number if champion else None
        earlier = [number for number in champion_stack(self.history()) if number in versions and number != current]
        if not earlier:
            raise TrackingError(f"{self.name}: no champion before this one to roll back to; see: fakefaces registry")
        return versions[earlier[-1]]

    def roll_back(self) -> tuple[Version, Version | None]:
        """Make the previous champion champion again; return it, and the champion until then."""
        with exclusive_lock("registry"):
            history, champion, previous = self._repaired_history(), self.champion(), self.previous_champion()
            current = champion.number if champion else None
            self._set_alias(CHAMPION, previous.number)
            self._record(Action.ROLLBACK, previous.number, current, f"rolled back from version {current}", history)
            return previous, champion

    def repair_history(self) -> None:
        """Add the event that is missing if a promotion was killed between setting the alias and recording it."""
        with exclusive_lock("registry"):
            self._repaired_history()

    def _repaired_history(self) -> list[Event]:
        history, champion = self.history(), self.champion()
        champions = champion_stack(history)
        last = champions[-1] if champions else None
        if champion and champion.number != last:
            decision = champion.tags.get("decision.outcome"), champion.tags.get("decision.against")
            if decision == (CHAMPION, str(last or "none")):
                action, reason = Action.CHAMPION, champion.tags["decision.reason"]
            else:
                action, reason = Action.FOUND, "the alias was set by other means"
            history.append(self._record(action, champion.number, last, reason, history))
        return history

    def _record(self, action: Action, version: int, before: int | None, reason: str, history: list[Event]) -> Event:
        event = new_event(action, version, before, reason, history[-1] if history else None)
        self._client.set_model_version_tag(self.name, str(version), event.key, event.value)
        return event

    def _set_alias(self, alias: str, number: int) -> None:
        self._client.set_registered_model_alias(self.name, alias, str(number))

    def _version(self, version: "ModelVersion", aliases: Mapping[str, str]) -> Version:
        uri = f"models:/{self.name}/{version.version}"
        names = sorted(alias for alias, number in aliases.items() if int(number) == int(version.version))
        created, source = int(version.creation_timestamp or 0), version.source or ""
        model_id = source.removeprefix("models:/") if source.startswith("models:/m-") else ""
        tags = dict(version.tags or {})
        number, text = int(version.version), version.description or ""
        return Version(number, uri, tags, version.run_id or "", created, names, model_id, text)


def has_own_description(description: str, tags: Mapping[str, str]) -> bool:
    """Whether a version's description is missing or ours; earlier releases wrote the decision alone."""
    earlier = description.startswith(tuple(f"{tags.get('model')} is {outcome}: " for outcome in (CHAMPION, CHALLENGER)))
    return may_describe({NOTE: description, NOTE_DIGEST: tags.get(NOTE_DIGEST, "")}) or earlier


def graph_digest(graph: Path) -> str:
    """The sha256 of an inference graph."""
    return hashlib.sha256(graph.read_bytes()).hexdigest()


def resolve_run(store: Store, name: str, registered: str) -> "RunRecord":
    """The run of an id or its beginning, or behind a version's number or alias of the model ``registered``."""
    if (name.isdigit() and len(name) < 6) or not re.fullmatch(r"[0-9a-f]{4,32}", name):
        versions = Registry(registered, create=False).versions()
        for version in versions:
            if name in (str(version.number), *version.aliases) and version.run_id:
                return store.client.get_run(version.run_id)
        aliases = ", ".join(alias for version in versions for alias in version.aliases)
        known = f"; aliases: {aliases}" if aliases else ""
        raise FakefacesError(f"{name}: no such run, version or alias of {registered}{known}")
    runs = [run for run in store.search_runs("") if run.info.run_id.startswith(name)]
    if len(runs) != 1:
        raise FakefacesError(f"{name}: {len(runs) or 'no'} runs of this store begin so; list them: fakefaces runs")
    return runs[0]
