"""``params.yaml``: evaluate."""

from pydantic import Field

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
