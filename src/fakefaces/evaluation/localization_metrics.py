"""The record of how well a model's heatmaps locate the forgery: what ``reports/explanations.json`` holds by model."""

from fakefaces.base.schema import Schema
from fakefaces.evaluation.estimates import Estimate, Rounded

SIDE = 64  # pixels of a ground truth mask


class Localization(Schema):
    """How well heatmaps locate the replaced parts."""

    pointing: Estimate  # share of heatmaps whose maximum lies in what was replaced (the pointing game)
    energy: Estimate  # share of the heat that lies in what was replaced


class Baseline(Schema):
    """Heatmaps that know nothing of the image; ``gain`` is the model's metric minus the baseline's, paired."""

    metrics: Localization
    gain: Localization


class LocalizationMetrics(Schema):
    """How well one model's heatmaps locate the replaced parts of the test fakes."""

    n: int  # fakes of which it is known what was replaced
    groups: int  # groups of images among them
    area: Rounded  # mean share of the image that was replaced
    empty: Rounded  # share of heatmaps without any heat
    model: Localization  # the model's heatmaps
    baselines: dict[str, Baseline]  # by name: ``random``, ``centre`` and ``average``
    truth: dict[str, int] = {}  # number of fakes by how it is known what was replaced
