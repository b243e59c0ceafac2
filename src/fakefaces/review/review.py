"""What one server of the review page holds."""

import asyncio
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fakefaces.evaluation.base_rate import ErrorRates
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.review.arrivals import Arrivals
from fakefaces.review.labels import Labels
from fakefaces.review.previews import Previews
from fakefaces.review.queue import Queue


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
    session: str = field(default_factory=lambda: secrets.token_hex(8))  # a page notices by it that the server is new
    # Few pictures are made at a time, since each may take much memory; thumbnails do not keep the large ones waiting.
    thumbnails: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    pictures: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    exporting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @cached_property
    def previews(self) -> Previews:
        """The pictures of the queue's photographs."""
        return Previews(self.queue)
