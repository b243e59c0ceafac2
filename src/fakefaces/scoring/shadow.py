"""The challenger's scores of a share of what was scored: a job of its own, in a folder of the output."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fakefaces.monitoring.shadow import in_share
from fakefaces.monitoring.shadow_log import SHADOW
from fakefaces.scoring import listing
from fakefaces.scoring.inputs import Inputs
from fakefaces.scoring.reading import Input
from fakefaces.scoring.receipt import Manifest, read_rows
from fakefaces.scoring.storage import Storage


@dataclass
class ShadowInputs(Inputs):
    """Of the images of a finished output those with a score that are in the share, by content."""

    scored: Storage = field(default_factory=lambda: Storage("."))
    parts: int = 0
    share: float = 1.0

    def images(self, output: Path | None = None) -> Iterator[Input]:
        """Yield the images in the order of the output."""
        for part in range(self.parts):
            rows = read_rows(self.scored, part)[0]
            chosen = zip(rows["sha256"].to_pylist(), rows["problem"].to_pylist(), strict=True)
            for image, (digest, problem) in zip(listing.read_inputs(self.scored, part), chosen, strict=True):
                if digest and problem is None and in_share(digest, self.share):
                    yield image


def shadow_inputs(storage: Storage, manifest: Manifest, inputs: Inputs, share: float) -> ShadowInputs:
    """What the challenger scores of a finished output."""
    return ShadowInputs(
        inputs.address,
        inputs.kind,
        inputs.column,
        inputs.files,
        inputs.prefix,
        scored=storage,
        parts=len(manifest.parts),
        share=share,
    )


def shadow_storage(storage: Storage) -> Storage:
    """Where the challenger's scores of an output go; readers of the output as one table leave it out."""
    return Storage(f"{storage.address}/{SHADOW}")
