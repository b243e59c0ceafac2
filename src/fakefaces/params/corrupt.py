"""``params.yaml``: corrupt."""

from typing import Annotated

from pydantic import Field

from fakefaces.base.schema import Count, Schema

Quality = Annotated[int, Field(ge=1, le=100)]


class Corrupt(Schema):
    """The corruptions of test images that robustness is measured on."""

    images: Count = Field(description="Test images that are corrupted, at most.")
    quality: Quality = Field(description="JPEG quality that every corrupted image is encoded at in the end.")
    jpeg: list[Quality] = Field(description="JPEG qualities.")
    blur: list[Annotated[float, Field(gt=0)]] = Field(description="Standard deviations of a Gaussian, pixels.")
    resize: list[Annotated[float, Field(gt=0, le=2)]] = Field(description="Scale factors.")
    noise: list[Annotated[float, Field(gt=0)]] = Field(description="Standard deviations of a Gaussian, of 255.")
