"""``params.yaml``: report."""

from pydantic import Field

from fakefaces.base.schema import Count, Schema


class Report(Schema):
    """The size of the HTML report."""

    gallery: Count = Field(description="Test images in its galleries, at most.")
    pairs: Count = Field(description="Pairs of near-duplicates that it shows, at most.")
    max_bytes: int = Field(ge=2_000_000, description="Of the file; its images are compressed until they fit.")
