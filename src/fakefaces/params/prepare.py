"""``params.yaml``: prepare."""

from typing import Literal

from pydantic import Field, model_validator

from fakefaces.base.schema import Schema, Slug
from fakefaces.params.extractor import Extractor, Harmonise

Content = Literal["pixels", "backbone features", "residual features"]

_MOBILENET_V2 = [f"block_{number}_expand_relu" for number in (5, 8, 11, 12)]


class FeatureSet(Schema):
    """What a model reads of an image: pixels, a frozen backbone's features, or residual features."""

    image_size: int = Field(ge=16, le=1024, description="Pixels; for residuals the largest side of a portrait.")
    extractor: Extractor = Field(default="pixels", description="residuals: traces of processing, at native resolution.")
    copies: int = Field(default=0, ge=0, description="Corrupted copies of each training image, for residuals.")
    strangers: int = Field(
        default=0, ge=0, description="Of each training image, for residuals, to learn what is unfamiliar from."
    )
    crop: int = Field(448, ge=64, le=1024, description="Side of the square that a backbone reads beside residuals.")
    layers: list[str] = Field(default=_MOBILENET_V2, description="Of the backbone, pooled beside residuals.")
    backbone: str | None = Field(default=None, description="A model of keras.applications.")
    weights: str = Field(default="imagenet", description="imagenet, none (random), or a Keras weights file's path.")
    allow_random_weights: bool = Field(default=False, description="Where ImageNet's cannot be downloaded.")
    harmonise: Harmonise | None = Field(
        default=None, description="Passes all images through the same sizes and encoders, so that none is a class."
    )
    trainable_from: str | None = Field(default=None, description="First layer of the backbone that is trained.")

    @property
    def content(self) -> Content:
        """What it consists of."""
        if self.extractor == "residuals":
            return "residual features"
        return "backbone features" if self.backbone else "pixels"

    @model_validator(mode="after")
    def _consistent(self) -> "FeatureSet":
        if self.extractor == "residuals" and self.trainable_from:
            raise ValueError("a backbone beside extractor: residuals stays frozen; leave trainable_from out")
        if self.trainable_from and not self.backbone:
            raise ValueError("trainable_from names a layer of a backbone, and there is none; give backbone")
        if self.extractor == "pixels" and self.copies:
            raise ValueError("copies are for extractor: residuals; pixels are augmented in training")
        if self.extractor == "pixels" and self.strangers:
            raise ValueError("strangers are for extractor: residuals")
        return self


class Prepare(Schema):
    """The feature sets by name; each is extracted once for all models that read it."""

    features: dict[Slug, FeatureSet]
