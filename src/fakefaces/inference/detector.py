"""A trained detector: a folder with all that scoring an image needs.

It holds network.keras, from features to p_fake, the backbone included, without pickle or code; and detector.json, the
metadata.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.files import atomic_write, write_json
from fakefaces.data.batches import predict_in_batches
from fakefaces.data.faces import PARTS
from fakefaces.features.extract import extract_bytes
from fakefaces.inference.metadata import DetectorMetadata, read_metadata
from fakefaces.models.runtime import load_network, save_network


@dataclass(frozen=True)
class Detector:
    """A network with its metadata.

    The network is a Keras model from features, as ``metadata.spec`` describes them, to probabilities (batch, 1): fake;
    or (batch, 5): fake, and that each of :data:`fakefaces.data.faces.PARTS` was replaced.
    """

    network: Any
    metadata: DetectorMetadata

    def read(self, data: bytes, name: str = "image") -> NDArray[Any]:
        """The features of one image file, which an ImageError calls ``name``."""
        return extract_bytes(self.metadata.spec, data, name)

    def p_fake(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """The probability of ``fake`` of images: float64 (n,); see :meth:`outputs`."""
        return self.outputs(features)[:, 0]

    def parts(self, outputs: NDArray[np.float64]) -> dict[str, float] | None:
        """The score of each part in one row of :meth:`outputs`; None if the network does not score parts."""
        return dict(zip(PARTS, outputs[1:].tolist(), strict=True)) if len(outputs) > 1 else None

    def outputs(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """All outputs for features (n, ...), stacked from :meth:`read`: float64 (n, 1) or (n, 5), probabilities."""
        if not len(features):
            return np.empty((0, self.network.output_shape[-1]))
        return np.asarray(predict_in_batches(self.network.predict_on_batch, features), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the folder atomically; equal detectors give equal bytes."""
        with atomic_write(folder) as aside:
            aside.mkdir()
            save_network(self.network, aside / "network.keras")
            write_json(aside / "detector.json", self.metadata.model_dump())


def load(folder: Path) -> Detector:
    """Read a folder that :meth:`Detector.save` wrote, or raise a ModelError."""
    metadata = read_metadata(folder)  # first, because its errors are the clearer ones
    return Detector(load_network(folder / "network.keras"), metadata)
