"""A trained detector as it is kept: one folder with the network and all that scoring an image needs.

network.keras    from a view to p_fake, the backbone included; no pickle, no code
detector.json    the view, the threshold, the polarity, and where the weights came from
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.files import atomic_write, write_json
from fakefaces.data.faces import PARTS
from fakefaces.features.extract import given, read
from fakefaces.inference.metadata import DetectorMetadata, read_metadata
from fakefaces.models.runtime import load_network, save_network

_BATCH = 32


@dataclass(frozen=True)
class Detector:
    """A network with its metadata.

    Attributes:
        network: Keras model from a batch of views, as ``metadata.extractor`` says, to (batch, 1): p_fake; or to
            (batch, 5): p_fake, and for each of :data:`fakefaces.data.faces.PARTS` the probability that it was
            replaced.
        metadata: what stands beside it.
    """

    network: Any
    metadata: DetectorMetadata

    def read(self, data: bytes, name: str = "image") -> NDArray[Any]:
        """What the network is given of one image file.

        Raises:
            ImageError: the bytes are no image that can be taken.
        """
        return read(self.metadata.extractor, data, self.metadata.image_size, name, crop=self.metadata.crop)

    def p_fake(self, views: NDArray[Any]) -> NDArray[np.float64]:
        """Score views: float64 (n,), the probability of ``fake``; see :meth:`outputs`."""
        return self.outputs(views)[:, 0]

    def parts(self, outputs: NDArray[np.float64]) -> dict[str, float] | None:
        """The score of each part in one row of :meth:`outputs`; None where the network tells of none."""
        return dict(zip(PARTS, outputs[1:].tolist(), strict=True)) if len(outputs) > 1 else None

    def outputs(self, views: NDArray[Any]) -> NDArray[np.float64]:
        """All that the network says of views.

        Args:
            views: (n, ...), stacked from :meth:`read`.

        Returns:
            float64 (n, 1) or (n, 5), probabilities. Batches are filled up, to a power of two where there is
            but one and to the full size where there are several: a few sizes are a few graphs to be traced.
        """
        several = len(views) > _BATCH
        made = [self._batch(views[k : k + _BATCH], several) for k in range(0, len(views), _BATCH)]
        return np.concatenate(made) if made else np.empty((0, self.network.output_shape[-1]))

    def save(self, folder: Path) -> None:
        """Write the folder, whole or not at all; equal detectors give equal bytes."""
        with atomic_write(folder) as aside:
            aside.mkdir()
            save_network(self.network, aside / "network.keras")
            write_json(aside / "detector.json", self.metadata.model_dump())

    def _batch(self, views: NDArray[Any], full: bool) -> NDArray[np.float64]:
        n = len(views)
        size = _BATCH if full else 1 << (n - 1).bit_length()
        return np.asarray(self.network.predict_on_batch(given(views, size)), dtype=np.float64)[:n]


def load(folder: Path) -> Detector:
    """Read what :meth:`Detector.save` wrote.

    Raises:
        ModelError: the folder holds no detector, or one that this version cannot read.
    """
    metadata = read_metadata(folder)
    return Detector(load_network(folder / "network.keras"), metadata)
