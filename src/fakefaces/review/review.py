"""What one server of the review page holds."""

import asyncio
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fakefaces.evaluation.base_rate import ErrorRates
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.review.arrivals import Arrivals
from fakefaces.review.labels import Labels
from fakefaces.review.previews import Previews
from fakefaces.review.queue import Photograph, Queue
from fakefaces.web.deployed import Deployed, Follower


@dataclass
class Review:
    """Photographs, labels, and what goes with them."""

    queue: Queue
    arrivals: Arrivals
    labels: Labels
    metadata: DetectorMetadata  # the champion's
    exports: Path  # folder of the exported corrections
    reviewer: str  # who labels, until the page is told another name
    rates: ErrorRates | None = None  # the champion's; None where they are not known
    deployed: Deployed[Any] = field(default_factory=lambda: Deployed(None))  # the champion, which may be replaced
    follower: Follower[Any] | None = None  # what replaces it
    version: str | None = None  # of the champion
    models: dict[str | None, str] = field(default_factory=dict)  # names of models by the versions that have scored
    session: str = field(default_factory=lambda: secrets.token_hex(8))  # a page notices by it that the server is new
    # Few pictures are made at a time, since each may take much memory; thumbnails do not keep the large ones waiting.
    thumbnails: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    pictures: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    exporting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def use(self, metadata: DetectorMetadata, version: str | None, rates: ErrorRates | None) -> None:
        """Show another champion; photographs that are scored already keep their scores."""
        self.metadata, self.version, self.rates = metadata, version, rates
        self.models[version] = metadata.model

    def model_of(self, photograph: Photograph) -> str:
        """The name of the model that scored a photograph."""
        return self.models.get(photograph.version, self.metadata.model)

    @cached_property
    def previews(self) -> Previews:
        """The pictures of the queue's photographs."""
        return Previews(self.queue)
