"""Detector metadata: what the network reads, what its score means, and the thresholds of its decisions."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fakefaces.base.errors import ModelError, ParamsError
from fakefaces.base.files import read_regular
from fakefaces.base.schema import Count, Schema, parse
from fakefaces.data.images import MIN_SIDE
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.familiar import Familiar
from fakefaces.params.extractor import Extractor, Harmonise

GRAPH, METADATA = "network.onnx", "detector.json"  # files of a detector's folder
_MAX_BYTES = 2**20


class Operating(Schema):
    """The operating point, chosen on validation: see :mod:`fakefaces.evaluation.operating_point`.

    An image is called fake if ``p_fake >= threshold``. It is in the abstention band, where a person should look, if
    ``low <= p_fake < high``.
    """

    threshold: float = Field(ge=0, le=2)
    low: float | None  # None: the band has no lower end
    high: float | None  # None: the band has no upper end
    # log10 likelihood ratio = slope x log10 odds + intercept, within its limits: see LikelihoodRatio in evaluation
    lr_slope: float | None = None  # None: validation did not calibrate it
    lr_intercept: float | None = None
    lr_low: float | None = None
    lr_high: float | None = None
    part_left_eye: float | None = None  # score from which on this part is suspected; None: it never is
    part_right_eye: float | None = None
    part_nose: float | None = None
    part_mouth: float | None = None

    def unsure(self, p_fake: float) -> bool:
        """Whether the score is in the abstention band."""
        return (self.low is None or p_fake >= self.low) and (self.high is None or p_fake < self.high)

    def log10_lr(self, p_fake: float) -> float | None:
        """The log10 likelihood ratio of a score, within the limits that the validation images support."""
        if self.lr_slope is None or self.lr_intercept is None or self.lr_low is None or self.lr_high is None:
            return None
        p = min(max(p_fake, 1e-6), 1 - 1e-6)
        return min(max(self.lr_slope * math.log10(p / (1 - p)) + self.lr_intercept, self.lr_low), self.lr_high)

    @model_serializer(mode="wrap")
    def _without_what_earlier_releases_lack(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        later = (name for name in type(self).model_fields if name.startswith(("lr_", "part_")))
        return _dropped(serialize(self), *later)


def _dropped(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The values without those of ``keys`` that are empty, so that a detector of an earlier release keeps its bytes."""
    return {key: value for key, value in values.items() if key not in keys or value not in (None, False)}


_DRAWN = "trained on drawn faces (the embedded sample), it knows no photograph: what it says of one means nothing"


class DetectorMetadata(Schema):
    """The metadata of a network."""

    model: str
    kind: str
    extractor: Extractor = "pixels"
    image_size: int = Field(ge=1, le=8192)
    crop: int = Field(default=0, ge=0, le=8192)
    harmonise: Harmonise | None = None  # sizes and encoders that every image is passed through first
    region_sizes: bool = False  # whether the sizes of the face's regions are read besides
    min_side: Count = MIN_SIDE  # pixels; smaller images were not accepted in training, and are not scored
    needs_face: bool = False  # whether it was trained on photographs of faces, so that it scores no others
    weights: str  # "trained from scratch", or the origin of the backbone's
    threshold: float = Field(ge=0, le=2)  # of p_fake, from which on an image is called fake without operating point
    drawn: bool = False  # whether it was trained on drawn faces, so that its labels of photographs mean nothing
    operating: Operating | None = None  # of a registered detector
    familiar: Familiar | None = None  # None where the network has no output for it
    positive: str = "fake"  # the class whose probability the score is
    parameters: int
    format: int = Field(default=2, ge=1, le=2)

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, value: Any) -> Any:
        """Read format 1, in which the extractor ``residuals`` was called ``reads: forensic``."""
        if isinstance(value, dict) and "reads" in value:
            value = {**value, "format": 2}
            value["extractor"] = {"forensic": "residuals"}.get(name := value.pop("reads"), name)
        return value

    @model_serializer(mode="wrap")
    def _without_what_earlier_releases_lack(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _dropped(serialize(self), "harmonise", "region_sizes", "familiar")

    @property
    def caution(self) -> str | None:
        """A sentence that goes with every verdict; None where there is none."""
        return _DRAWN if self.drawn else None

    @property
    def spec(self) -> FeatureSpec:
        """What the network reads of an image."""
        return FeatureSpec(self.extractor, self.image_size, self.crop, self.harmonise, self.region_sizes)

    @property
    def decision_threshold(self) -> float:
        """The threshold that decides: the operating one if there is one, else ``threshold``."""
        return self.operating.threshold if self.operating else self.threshold

    def label(self, p_fake: float) -> Literal["fake", "real"]:
        """``fake`` or ``real``, by :attr:`decision_threshold`."""
        return "fake" if p_fake >= self.decision_threshold else "real"

    def unsure(self, p_fake: float) -> bool | None:
        """Whether the score is in the abstention band; None without an operating point."""
        return self.operating.unsure(p_fake) if self.operating else None

    def suspected_parts(self, scores: Mapping[str, float]) -> tuple[str, ...]:
        """The parts whose scores reach their own thresholds, the most suspected first; none without thresholds."""
        thresholds = {part: getattr(self.operating, f"part_{part}", None) for part in scores}
        suspected = (part for part, least in thresholds.items() if least is not None and scores[part] >= least)
        return tuple(sorted(suspected, key=lambda part: -scores[part]))

    def log10_lr(self, p_fake: float) -> float | None:
        """The log10 likelihood ratio of the score; None where it is not calibrated."""
        return self.operating.log10_lr(p_fake) if self.operating else None


def read_metadata(folder: Path) -> DetectorMetadata:
    """Read the metadata of a detector's folder, without TensorFlow, or raise a ModelError."""
    path = folder / METADATA
    try:
        data = read_regular(path, _MAX_BYTES)
        if len(data) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES:,} bytes")
        return parse(DetectorMetadata, json.loads(data), str(path))
    except (OSError, ValueError, ParamsError, RecursionError) as error:
        raise ModelError(f"{folder}: not a detector ({' '.join(str(error).split())[:200]})") from None
