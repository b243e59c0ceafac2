"""``params.yaml``: split."""

from typing import Literal

from pydantic import Field

from fakefaces.base.schema import Schema, Share


class Split(Schema):
    """How the images are divided into train, validation and test."""

    protocol: Literal["reference", "grouped", "folds"] = Field(
        description="grouped: near-duplicates stay together; folds: grouped and cross-validated; reference: stratified "
        "at random, as in the reference project."
    )
    test_size: Share = Field(description="Share of all images that is tested; not used by folds.")
    validation_size: Share = Field(description="Share of the images that are not tested which validates.")
    n_splits: int = Field(ge=3, description="Folds of the protocol folds.")
