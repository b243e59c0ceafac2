"""What one server of the review page holds."""

import asyncio
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.review.arrivals import Arrivals
from fakefaces.review.labels import Labels
from fakefaces.review.previews import Previews
from fakefaces.review.queue import Queue

_PICTURES = 4  # that are made at a time; the other requests wait without a thread


@dataclass
class Review:
    """Photographs, labels, and what goes with them."""

    queue: Queue
    arrivals: Arrivals
    labels: Labels
    metadata: DetectorMetadata  # the champion's
    exports: Path  # folder of the exported corrections
    reviewer: str  # who labels, until the page is told another name
    session: str = field(default_factory=lambda: secrets.token_hex(8))  # a page notices by it that the server is new
    pictures: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PICTURES))
    exporting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @cached_property
    def previews(self) -> Previews:
        """The pictures of the queue's photographs."""
        return Previews(self.queue)
