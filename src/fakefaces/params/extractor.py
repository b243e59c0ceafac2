"""What a network reads of an image: its pixels, or residual features at native resolution; harmonised or as it is."""

from typing import Annotated, Literal

from pydantic import Field

from fakefaces.base.schema import Schema

Extractor = Literal["pixels", "residuals"]

Side = Annotated[int, Field(ge=16, le=8192)]
Quality = Annotated[int, Field(ge=30, le=100)]


class Harmonise(Schema):
    """The sizes and encoders that every image is passed through; see :mod:`fakefaces.features.harmonisation`."""

    sides: tuple[Side, ...] = Field(min_length=1, description="Longer side in pixels: one of these for each image.")
    quality: tuple[Quality, ...] = Field(min_length=1, description="Of the JPEG compression: one of these.")
