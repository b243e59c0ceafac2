"""``params.yaml``: validate."""

from typing import Literal

from pydantic import Field, model_validator

from fakefaces.base.schema import Count, Schema, Share


class Validate(Schema):
    """What an image and a split must satisfy; checked with Great Expectations."""

    formats: list[Literal["JPEG", "PNG", "WEBP", "BMP", "TIFF"]] = Field(min_length=1)
    min_side: Count = Field(description="Pixels.")
    max_side: Count = Field(description="Pixels.")
    max_bytes: Count = Field(description="Of a file.")
    min_class_share: Share = Field(description="Of each split, for either class.")
    min_readable_share: float = Field(gt=0, le=1, description="Of all images.")

    @model_validator(mode="after")
    def _ordered(self) -> "Validate":
        if self.min_side > self.max_side:
            raise ValueError(f"min_side ({self.min_side}) is greater than max_side ({self.max_side})")
        return self
