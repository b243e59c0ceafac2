"""How a server's command finds the version that an alias leads to, and what it checks before it uses one."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fakefaces.cli.arguments import fetched
from fakefaces.inference.detector import Detector

D = TypeVar("D", bound=Detector)


def is_alias(source: Path | str) -> bool:
    """Whether what :func:`fakefaces.cli.model_names.model_source` names may lead elsewhere tomorrow."""
    return isinstance(source, str) and "@" in source


class Alias:
    """Where an alias leads: asked of MLflow only where its store has changed since, if it is one sqlite file."""

    def __init__(self, uri: str):
        """Look at ``uri``, such as ``models:/fake-faces@champion``."""
        self.uri = uri
        self._state: list[int | str] | None = None
        self._known = ""

    def __call__(self) -> str:
        """The URI of the version, such as ``models:/fake-faces/3``; a TrackingError where it cannot be told."""
        from fakefaces.tracking.integrity import registered_tags
        from fakefaces.tracking.remembered import store_state
        from fakefaces.tracking.store import connect

        state = store_state()
        if state is None or state != self._state:
            self._known = registered_tags(connect(create=False).client, self.uri)[0]
            self._state = state
        return self._known


def checked(uri: str, load: Callable[[Path, str], D]) -> D:
    """Fetch and load a registered version, and check it on the examples that it keeps.

    ``load`` takes the detector's folder and the version. A FakefacesError says why it cannot be used.
    """
    from fakefaces.base.progress import echo
    from fakefaces.inference.kept_examples import check_kept_examples

    folder = fetched(uri)
    detector = load(folder, uri.rsplit("/", 1)[1])
    n = check_kept_examples(detector, folder.parents[1])
    echo(f"{uri}: loaded, and " + (f"checked on {n} images of its evaluation" if n else "it keeps no examples"))
    return detector
