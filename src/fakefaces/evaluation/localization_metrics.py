"""The record of how well a model's heatmaps locate the forgery: what ``reports/explanations.json`` holds by model."""

from fakefaces.base.schema import Schema
from fakefaces.evaluation.model_metrics import Estimate, Rounded


class Localization(Schema):
    """How well heatmaps locate the replaced parts.

    Attributes:
        pointing: share of heatmaps whose maximum lies in what was replaced (the pointing game).
        energy: share of the heat that lies in what was replaced.
    """

    pointing: Estimate
    energy: Estimate


class Baseline(Schema):
    """Heatmaps that know nothing of the image; ``gain`` is the model's metric minus the baseline's, paired."""

    metrics: Localization
    gain: Localization


class LocalizationMetrics(Schema):
    """How well one model's heatmaps locate the replaced parts of the test fakes.

    Attributes:
        n: fakes of which it is known what was replaced.
        groups: groups of images among them.
        area: mean share of the image that was replaced.
        empty: share of heatmaps without any heat.
        model: the model's heatmaps.
        baselines: by name: ``random`` (noise) and ``centre`` (a Gaussian in the middle of the image).
        truth: number of fakes by how it is known what was replaced.
    """

    n: int
    groups: int
    area: Rounded
    empty: Rounded
    model: Localization
    baselines: dict[str, Baseline]
    truth: dict[str, int] = {}
