"""The MLflow registry: versions with their figures, and the two aliases that point at them."""

from dataclasses import dataclass
from typing import Any

from fakefaces.base.errors import TrackingError
from fakefaces.tracking import store
from fakefaces.tracking.detectors import CHALLENGER, CHAMPION, logged_model
from fakefaces.tracking.runs import find_run


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        number: as MLflow counts.
        uri: ``models:/<name>/<number>``.
        tags: ``model``, ``digest``, ``test.digest`` and the figures it was registered with.
        run_id: of the run that trained it.
    """

    number: int
    uri: str
    tags: dict[str, str]
    run_id: str


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

    def register(self, path: str, digest: str, tags: dict[str, str]) -> Version:
        """Register the detector with this digest, or find the version that it already is.

        Args:
            path: of the output, as in ``dvc.lock``.
            digest: DVC's of it.
            tags: kept with the version.

        Raises:
            TrackingError: no finished run in the store made it.
        """
        for found in self._client.search_model_versions(f"name = '{self.name}'"):
            if found.tags.get("digest") == digest:
                return self._version(found)
        run = find_run(self._mlflow, path, digest)
        if run is None:
            raise TrackingError(
                f"{path}: no run in the MLflow store made these bytes (a wiped mlruns/, or outputs from "
                "DVC's cache); log them again with: dvc repro --force --single-item " + f"train@{path.split('/')[-1]}"
            )
        uri = f"models:/{logged_model(run)}"
        made = self._mlflow.register_model(uri, self.name, tags=tags | {"digest": digest})
        return self._version(made)

    def point(self, alias: str, version: Version) -> None:
        """Move an alias to a version."""
        self._client.set_registered_model_alias(self.name, alias, str(version.number))

    def note(self, version: Version, description: str, tags: dict[str, str]) -> None:
        """Write a decision on a version."""
        self._client.update_model_version(self.name, str(version.number), description=description)
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, str(version.number), key, value)

    def challenge(self, version: Version) -> None:
        """Point ``challenger`` at a version."""
        self.point(CHALLENGER, version)

    def crown(self, version: Version) -> None:
        """Point ``champion`` at a version."""
        self.point(CHAMPION, version)

    def _version(self, found: Any) -> Version:
        number = int(found.version)
        return Version(number, f"models:/{self.name}/{number}", dict(found.tags or {}), found.run_id or "")
