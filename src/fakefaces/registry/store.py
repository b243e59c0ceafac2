"""The MLflow registry: versions, the two aliases that point at them, and the history of both."""

from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from fakefaces.base.errors import TrackingError
from fakefaces.inference.metadata import Operating
from fakefaces.registry.history import BACK, CROWNED, FOUND, REFUSED, Event, event, events, reign
from fakefaces.tracking import store
from fakefaces.tracking.detectors import CHALLENGER, CHAMPION, keep_for_serving, with_operating
from fakefaces.tracking.digests import digest
from fakefaces.tracking.runs import find_run


class Overtaken(Exception):  # noqa: N818 - not an error: decide again
    """Another process moved the champion since it was looked at."""


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        number: as MLflow counts.
        uri: ``models:/<name>/<number>``.
        tags: ``model``, ``digest`` (of the network's folder, as DVC has it), ``served.digest`` (of what is
            registered: the network with its operating point), ``test.digest``, figures, the decision, and the
            history.
        run_id: of the run that trained it.
        created: milliseconds since 1970.
        aliases: that point at it.
    """

    number: int
    uri: str
    tags: dict[str, str]
    run_id: str
    created: int = 0
    aliases: list[str] = field(default_factory=list)


class Registry:
    """The versions of one registered model.

    Args:
        name: of the registered model.
    """

    def __init__(self, name: str):
        self.name = name
        self._mlflow = store.connect()
        self._client = self._mlflow.MlflowClient()

    def champion(self) -> Version | None:
        """The version that the alias ``champion`` points at."""
        return self.at(CHAMPION)

    def at(self, alias: str) -> Version | None:
        """The version that an alias points at; None if there is none."""
        from mlflow.exceptions import MlflowException

        try:
            return self._version(self._client.get_model_version_by_alias(self.name, alias))
        except MlflowException:
            return None

    def versions(self) -> list[Version]:
        """All versions, the newest first."""
        aliases = self._aliases()
        found = [self._version(one, aliases) for one in self._search()]
        return sorted(found, key=lambda version: -version.number)

    def version(self, number: int) -> Version:
        """One version.

        Raises:
            TrackingError: there is no such one.
        """
        known = {version.number: version for version in self.versions()}
        if number not in known:
            listed = ", ".join(map(str, sorted(known))) or "none"
            raise TrackingError(f"{self.name}: there is no version {number}; there are: {listed}")
        return known[number]

    def history(self) -> list[Event]:
        """What happened, in order of time."""
        return events({version.number: version.tags for version in self.versions()})

    def registered(self, folder: Path, operating: Operating | None) -> Version | None:
        """The version that holds this detector with this operating point; None if there is none."""
        with with_operating(folder, operating) as served:
            wanted = digest(served)
        return next((one for one in reversed(self.versions()) if one.tags.get("served.digest") == wanted), None)

    def register(
        self, path: str, made: str, folder: Path, operating: Operating | None, tags: Mapping[str, str]
    ) -> Version:
        """Register a detector with its operating point, or find the version that it already is.

        Args:
            path: of the output that it is, as in ``dvc.lock``.
            made: DVC's digest of it.
            folder: where its files are.
            operating: where its verdict turns.
            tags: kept with the version.

        Raises:
            TrackingError: no finished run in the store made it.
        """
        with store.exclusively("registry"), with_operating(folder, operating) as served:
            known = self.registered(folder, operating)
            if known:
                return known
            run = find_run(self._mlflow, path, made)
            if run is None:
                raise TrackingError(
                    f"{path}: no run in the MLflow store made these bytes (a wiped mlruns/, or outputs from "
                    "DVC's cache); log them again with: fakefaces doctor --fix"
                )
            own = {"digest": made, "served.digest": digest(served)}
            uri = keep_for_serving(self._mlflow, run, served, own)
            with redirect_stderr(StringIO()):  # MLflow's two lines; the caller says what was registered
                made_now = self._mlflow.register_model(uri, self.name, tags=dict(tags) | own)
            return self._version(made_now)

    def note(self, version: Version, description: str, tags: Mapping[str, str]) -> None:
        """Write a description and tags on a version."""
        self._client.update_model_version(self.name, str(version.number), description=description)
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, str(version.number), key, value)

    def challenge(self, version: Version) -> None:
        """Point ``challenger`` at a version."""
        self._point(CHALLENGER, version.number)

    def crown(self, version: Version, expected: Version | None, reason: str) -> None:
        """Point ``champion`` at a version, if the champion is still the one that it was held against.

        Raises:
            Overtaken: it is another one by now.
        """
        with store.exclusively("registry"):
            history, present = self._settled(), self.champion()
            now, then = (one.number if one else None for one in (present, expected))
            if now != then:
                raise Overtaken
            if now != version.number:
                self._point(CHAMPION, version.number)
                self._record(CROWNED, version.number, now, reason, history)

    def refuse(self, version: Version, against: Version, reason: str) -> None:
        """Write down that a version did not take the champion's place; once for each champion."""
        with store.exclusively("registry"):
            history = self._settled()
            own = [one for one in history if one.version == version.number]
            if own and (own[-1].action, own[-1].before, own[-1].reason) == (REFUSED, against.number, reason):
                return
            self._record(REFUSED, version.number, against.number, reason, history)

    def before(self) -> Version:
        """The version that a rollback would make champion.

        Raises:
            TrackingError: there was no champion before this one.
        """
        known = {version.number: version for version in self.versions()}
        champions = [number for number in reign(self.history()) if number in known]
        present = self.champion()
        earlier = [number for number in champions if present is None or number != present.number]
        if not earlier:
            raise TrackingError(f"{self.name}: no champion before this one to go back to; see: fakefaces registry")
        return known[earlier[-1]]

    def roll_back(self) -> tuple[Version, Version | None]:
        """Make the former champion champion again.

        Returns:
            The champion now, and the one until then.

        Raises:
            TrackingError: there was no champion before this one.
        """
        with store.exclusively("registry"):
            history, present, former = self._settled(), self.champion(), self.before()
            number = present.number if present else None
            self._point(CHAMPION, former.number)
            self._record(BACK, former.number, number, f"rolled back from version {number}", history)
            return former, present

    def settle(self) -> None:
        """Complete the history where a promotion was killed between the alias and its entry."""
        with store.exclusively("registry"):
            self._settled()

    def _settled(self) -> list[Event]:
        """The history, with an entry for a champion that it does not know of: see :class:`Event`."""
        history, present = self.history(), self.champion()
        champions = reign(history)
        last = champions[-1] if champions else None
        if present and present.number != last:
            decided = present.tags.get("decision.outcome"), present.tags.get("decision.against")
            if decided == (CHAMPION, str(last or "none")):
                action, reason = CROWNED, present.tags["decision.reason"]
            else:
                action, reason = FOUND, "the alias pointed here, without an entry"
            history.append(self._record(action, present.number, last, reason, history))
        return history

    def _record(self, action: str, version: int, before: int | None, reason: str, history: list[Event]) -> Event:
        made = event(action, version, before, reason, history[-1] if history else None)
        self._client.set_model_version_tag(self.name, str(version), made.key, made.value)
        return made

    def _point(self, alias: str, number: int) -> None:
        self._client.set_registered_model_alias(self.name, alias, str(number))

    def _search(self) -> list[Any]:
        found, token = [], None
        while True:
            page = self._client.search_model_versions(f"name = '{self.name}'", max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def _aliases(self) -> dict[int, list[str]]:
        from mlflow.exceptions import MlflowException

        try:
            known = self._client.get_registered_model(self.name).aliases
        except MlflowException:
            return {}
        by_number: dict[int, list[str]] = {}
        for alias, number in sorted(known.items()):
            by_number.setdefault(int(number), []).append(alias)
        return by_number

    def _version(self, found: Any, aliases: Mapping[int, list[str]] | None = None) -> Version:
        number = int(found.version)
        return Version(
            number,
            f"models:/{self.name}/{number}",
            dict(found.tags or {}),
            found.run_id or "",
            int(found.creation_timestamp or 0),
            (aliases or {}).get(number, []),
        )
