"""``params.yaml``: evaluate."""

from typing import Annotated

from pydantic import Field, field_validator

from fakefaces.base.schema import Schema, Share


class Evaluate(Schema):
    """How metrics, their confidence intervals and operating points are computed."""

    n_resamples: int = Field(ge=100, description="Of the bootstrap.")
    max_fpr: Share = Field(description="False positive rate that the operating threshold may have on validation.")
    max_fnr: Share | None = Field(
        None,
        description="The abstention band reaches down to this false negative rate on validation; null: it need not.",
    )
    source_inliers: int = Field(ge=8, description="Matching keypoints from which on a real is a fake's source.")
    slices: list[Annotated[str, Field(min_length=1)]] = Field(
        [],
        description="Further columns of imported tables of labels, such as camera or age: false alarms and misses are "
        "counted by their groups.",
    )

    @field_validator("slices")
    @classmethod
    def _different(cls, names: list[str]) -> list[str]:
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"'{repeated[0]}' is named twice")
        return names
