"""``params.yaml``: augment."""

from typing import Any

from pydantic import Field

from fakefaces.base.schema import Count, Schema


class Transform(Schema):
    """One albumentations transform."""

    name: str = Field(description="A class of albumentations.")
    arguments: dict[str, Any] = Field(default={}, description="Its keyword arguments.")


class Augment(Schema):
    """The augmentation of training images, and the figure that shows it."""

    transforms: list[Transform] = Field(description="Applied in this order.")
    examples: Count = Field(description="Rows of the figure: images.")
    copies: Count = Field(description="Columns beside the original: augmented copies.")
