"""``params.yaml``: duplicates."""

from pydantic import Field

from fakefaces.base.schema import Schema


class Duplicates(Schema):
    """How near-duplicates, images of one photograph, are found."""

    min_inliers: int = Field(ge=8, description="Matching keypoints from which on two images share a photograph.")
