"""Which detector a job uses: its identity, and how a worker loads it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fakefaces.inference import detector
from fakefaces.inference.detector import GRAPH, METADATA, Detector
from fakefaces.scoring.listing import ModelIdentity


@dataclass(frozen=True)
class Model:
    """A detector's folder with its identity."""

    folder: Path
    identity: ModelIdentity

    def load(self) -> Detector:
        """Load it; a ModelError says why it cannot be."""
        return detector.load(self.folder, self.identity.version)


def identify(folder: Path, uri: str | None) -> Model:
    """Identify a detector.

    Args:
        folder: of the detector, as it was downloaded or trained.
        uri: the ``models:/`` URI that it was downloaded by; None for a folder.

    Raises:
        ModelError: it cannot be loaded.
    """
    loaded = detector.load(folder)
    digest = hashlib.sha256((folder / GRAPH).read_bytes() + (folder / METADATA).read_bytes()).hexdigest()
    metadata = loaded.metadata
    name = (uri or "").removeprefix("models:/").split("@")[0].split("/")[0]
    registered = bool(uri and loaded.version)
    identity = ModelIdentity(
        source=f"models:/{name}/{loaded.version}" if registered else uri or str(folder.resolve()),
        name=name if registered else metadata.model,
        version=loaded.version if registered else None,
        digest=digest,
        threshold=metadata.decision_threshold,
    )
    return Model(folder, identity)
