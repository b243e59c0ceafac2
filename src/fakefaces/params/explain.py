"""``params.yaml``: explain."""

from pydantic import Field

from fakefaces.base.schema import Count, Schema


class Explain(Schema):
    """How heat maps are evaluated, and how much of a network is drawn."""

    random_maps: Count = Field(description="Random heat maps whose mean score is the baseline.")
    layers: Count = Field(description="Convolutional layers that are drawn of a network, at most.")
    maps: Count = Field(description="Feature maps that are drawn of a layer, at most.")
