"""A trained detector as it is kept: one folder with the network and all that scoring an image needs.

network.keras    from a view to p_fake, the backbone included; no pickle, no code
detector.json    the view, the threshold, the polarity, and where the weights came from
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError, ParamsError
from fakefaces.base.files import read_json, write_json, written_aside
from fakefaces.base.params import Reads
from fakefaces.base.strict import Strict, parse
from fakefaces.data.faces import PARTS
from fakefaces.runtime import load_network, save_network
from fakefaces.views.reading import given, read

_BATCH = 32


class Operating(Strict):
    """Where the verdict turns, chosen on validation: see :mod:`fakefaces.evaluation.operating`.

    An image is called fake from ``threshold`` on, and the verdict is unsure from ``low`` to below ``high``.
    """

    threshold: float  # of p_fake
    low: float | None  # None: no image is surely real
    high: float | None  # None: no image is surely fake

    def unsure(self, p_fake: float) -> bool:
        """Whether a person should look at the image."""
        return (self.low is None or p_fake >= self.low) and (self.high is None or p_fake < self.high)


class Card(Strict):
    """What stands beside the network."""

    model: str
    kind: str
    reads: Reads = "pixels"  # what the network is given of an image; see views.reading
    image_size: int
    crop: int = 0  # side of the face that is read at native resolution beside it; 0: none
    weights: str  # "trained from scratch", or where the backbone's came from
    threshold: float  # of p_fake, which the figures are computed at
    operating: Operating | None = None  # what a registered detector decides by; None: not registered
    positive: str = "fake"  # what a high score means
    parameters: int
    format: int = 1

    def label(self, p_fake: float) -> str:
        """``fake`` from the operating threshold on, where there is one, else from ``threshold`` on."""
        threshold = self.operating.threshold if self.operating else self.threshold
        return "fake" if p_fake >= threshold else "real"

    def unsure(self, p_fake: float) -> bool | None:
        """Whether the verdict is unsure; None where nothing was chosen on validation."""
        return self.operating.unsure(p_fake) if self.operating else None


@dataclass(frozen=True)
class Detector:
    """A network with its card.

    Attributes:
        network: Keras model from a batch of views, as ``card.reads`` says, to (batch, 1): p_fake; or to
            (batch, 5): p_fake, and for each of :data:`fakefaces.data.faces.PARTS` the probability that it was
            replaced.
        card: what stands beside it.
    """

    network: Any
    card: Card

    def read(self, data: bytes, name: str = "image") -> NDArray[Any]:
        """What the network is given of one image file.

        Raises:
            ImageError: the bytes are no image that can be taken.
        """
        return read(self.card.reads, data, self.card.image_size, name, crop=self.card.crop)

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
        with written_aside(folder) as aside:
            aside.mkdir()
            save_network(self.network, aside / "network.keras")
            write_json(aside / "detector.json", self.card.model_dump())

    def _batch(self, views: NDArray[Any], full: bool) -> NDArray[np.float64]:
        n = len(views)
        size = _BATCH if full else 1 << (n - 1).bit_length()
        return np.asarray(self.network.predict_on_batch(given(views, size)), dtype=np.float64)[:n]


def load(folder: Path) -> Detector:
    """Read what :meth:`Detector.save` wrote.

    Raises:
        ModelError: the folder holds no detector, or one that this version cannot read.
    """
    card = read_card(folder)
    return Detector(load_network(folder / "network.keras"), card)


def read_card(folder: Path) -> Card:
    """The card alone, without TensorFlow.

    Raises:
        ModelError: the folder holds no card that this version can read.
    """
    path = folder / "detector.json"
    try:
        return parse(Card, read_json(path), str(path))
    except (OSError, ValueError, ParamsError) as error:
        raise ModelError(f"{folder}: not a detector ({' '.join(str(error).split())[:200]})") from None
