"""What stands beside a detector's network: what it reads, what its score means, and where the verdict turns."""

from pathlib import Path
from typing import Any

from pydantic import model_validator

from fakefaces.base.errors import ModelError, ParamsError
from fakefaces.base.files import read_json
from fakefaces.base.schema import Schema, parse
from fakefaces.params.extractor import Extractor


class Operating(Schema):
    """Where the verdict turns, chosen on validation: see :mod:`fakefaces.evaluation.operating_point`.

    An image is called fake from ``threshold`` on, and the verdict is unsure from ``low`` to below ``high``.
    """

    threshold: float  # of p_fake
    low: float | None  # None: no image is surely real
    high: float | None  # None: no image is surely fake

    def unsure(self, p_fake: float) -> bool:
        """Whether a person should look at the image."""
        return (self.low is None or p_fake >= self.low) and (self.high is None or p_fake < self.high)


class DetectorMetadata(Schema):
    """What stands beside the network."""

    model: str
    kind: str
    extractor: Extractor = "pixels"  # what the network is given of an image; see fakefaces.features.extract
    image_size: int
    crop: int = 0  # side of the face that is read at native resolution beside it; 0: none
    weights: str  # "trained from scratch", or where the backbone's came from
    threshold: float  # of p_fake, which the figures are computed at
    operating: Operating | None = None  # what a registered detector decides by; None: not registered
    positive: str = "fake"  # what a high score means
    parameters: int
    format: int = 2

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, value: Any) -> Any:
        """Read what stood beside a network before: ``reads: forensic`` was the extractor's name."""
        if isinstance(value, dict) and "reads" in value:
            value = {**value, "format": 2}
            value["extractor"] = {"forensic": "residuals"}.get(name := value.pop("reads"), name)
        return value

    def label(self, p_fake: float) -> str:
        """``fake`` from the operating threshold on, where there is one, else from ``threshold`` on."""
        threshold = self.operating.threshold if self.operating else self.threshold
        return "fake" if p_fake >= threshold else "real"

    def unsure(self, p_fake: float) -> bool | None:
        """Whether the verdict is unsure; None where nothing was chosen on validation."""
        return self.operating.unsure(p_fake) if self.operating else None


def read_metadata(folder: Path) -> DetectorMetadata:
    """The metadata alone, without TensorFlow.

    Raises:
        ModelError: the folder holds no metadata that this version can read.
    """
    path = folder / "detector.json"
    try:
        return parse(DetectorMetadata, read_json(path), str(path))
    except (OSError, ValueError, ParamsError) as error:
        raise ModelError(f"{folder}: not a detector ({' '.join(str(error).split())[:200]})") from None
