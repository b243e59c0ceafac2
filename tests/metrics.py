"""Records of metrics with stated values."""

from collections.abc import Mapping

import pandas as pd

from fakefaces.evaluation.decision_metrics import OperatingPoint
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.evaluate import Evaluator
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.localization_metrics import Baseline, Localization, LocalizationMetrics
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.evaluation.subset_metrics import CorruptedMetrics, ScoreDrift, SliceMetrics

EVALUATOR = Evaluator(max_fpr=0.1, max_fnr=0.1, resampling=Resampling(100, seed=1), protocol="grouped", n_splits=1)


def model_metrics(
    validation: float | None = 0.7,
    test: float | None = 0.6,
    *,
    parameters: int = 10,
    model_digest: str = "model",
    test_digest: str = "these images",
    threshold: float = 0.5,
    protocol: str = "grouped",
    operating_point: OperatingPoint | None = None,
) -> ModelMetrics:
    """The evaluation of a model with a stated ROC AUC on validation and on test."""
    labels = [k % 2 for k in range(40)]
    table = pd.DataFrame({"image": [f"{k}.jpg" for k in range(40)], "label": labels, "p_fake": 0.5, "group": range(40)})
    evaluation = EVALUATOR.evaluate(ScoredImages(table, table), weights="random", threshold=threshold)
    model = evaluation.of_model(parameters=parameters, model_digest=model_digest, test_digest=test_digest)
    roc_auc = model.test.overall.roc_auc.model_copy(update={"value": test})
    overall = model.test.overall.model_copy(update={"roc_auc": roc_auc})
    return model.model_copy(
        update={
            "protocol": protocol,
            "threshold": threshold,
            "validation": model.validation.model_copy(update={"roc_auc": validation}),
            "test": model.test.model_copy(update={"overall": overall}),
            "operating_point": operating_point or model.operating_point.model_copy(update={"threshold": threshold}),
        }
    )


def with_metrics(model: ModelMetrics, validation: dict[str, float], test: dict[str, float]) -> ModelMetrics:
    """The evaluation with other values of some metrics."""
    overall = model.test.overall
    estimates = {name: overall.estimate(name).model_copy(update={"value": value}) for name, value in test.items()}
    return model.model_copy(
        update={
            "validation": model.validation.model_copy(update=validation),
            "test": model.test.model_copy(update={"overall": overall.model_copy(update=estimates)}),
        }
    )


def slice_metrics(roc_auc: float | None, fakes: int = 4, interval: tuple[float, float] | None = None) -> SliceMetrics:
    """Metrics of a slice with a stated ROC AUC."""
    estimate = Estimate(value=roc_auc, interval=interval)
    return SliceMetrics(
        n=fakes + 20, reals=20, fakes=fakes, groups=9, roc_auc=estimate, balanced_accuracy=estimate, recall=estimate
    )


def corrupted_metrics(
    transform: str | None, level: float | None, roc_auc: float | None, interval: tuple[float, float] | None = None
) -> CorruptedMetrics:
    """Metrics of corrupted images with a stated ROC AUC."""
    estimate = Estimate(value=roc_auc, interval=interval)
    drift = ScoreDrift(mean=None, reals=None, fakes=None, absolute=None, verdicts=None)
    counts = {"n": 40, "reals": 20, "fakes": 20, "groups": 40}
    return CorruptedMetrics(
        transform=transform, level=level, roc_auc=estimate, accuracy=estimate, recall=estimate, drift=drift, **counts
    )


def localization_metrics(
    pointing: float, *, empty: float = 0.0, gains: Mapping[str, tuple[float, float] | None] | None = None
) -> LocalizationMetrics:
    """Localization metrics with a stated pointing game: half as much energy, and baselines of 0.2 and 0.3.

    Args:
        pointing: share of heatmaps that point at the forgery; intervals are 0.1 to either side.
        empty: share of heatmaps without heat.
        gains: interval of the gain over each baseline, ``random`` and ``centre``.
    """

    def localization(value: float) -> Localization:
        return Localization(
            pointing=Estimate(value=value, interval=(value - 0.1, value + 0.1)),
            energy=Estimate(value=value / 2, interval=(value / 2 - 0.1, value / 2 + 0.1)),
        )

    baselines = {}
    for name, value in (("random", 0.2), ("centre", 0.3)):
        gain = Estimate(value=pointing - value, interval=(gains or {}).get(name))
        baselines[name] = Baseline(metrics=localization(value), gain=Localization(pointing=gain, energy=gain))
    return LocalizationMetrics(n=4, groups=4, area=0.1, empty=empty, model=localization(pointing), baselines=baselines)
