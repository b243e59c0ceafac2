"""Evaluations of made-up scores."""

import pandas as pd

from fakefaces.evaluation.evaluate import Evaluator
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import ModelMetrics, OperatingPoint
from fakefaces.evaluation.predictions import ScoredImages

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
            "validation": model.validation.model_copy(update={"roc_auc": validation}),
            "test": model.test.model_copy(update={"overall": overall}),
            "operating_point": operating_point or model.operating_point,
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
