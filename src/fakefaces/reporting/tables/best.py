"""The few metrics of the best model, as ``dvc metrics`` and ``dvc exp show`` print them."""

from collections.abc import Mapping

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.model_selection import select_candidate

Cell = str | float | None


def best_metrics(models: Mapping[str, ModelMetrics], metric: str) -> dict[str, Cell]:
    """The name of the model that is best on validation by ``metric``, and its metrics on test.

    Returns:
        ``model``, ``accuracy``, ``roc_auc``, ``matched_roc_auc``, ``paired_win_rate``, ``brier`` and ``threshold``, at
        which the accuracy is. What is undefined is None; all of it, where no model has the ``metric`` on both splits.
    """
    names = ("model", "accuracy", "roc_auc", "matched_roc_auc", "paired_win_rate", "brier", "threshold")
    try:
        best = select_candidate(models, metric).model
    except ModelError:
        return dict.fromkeys(names)
    test = models[best].test
    values = (
        best,
        test.overall.accuracy.value,
        test.overall.roc_auc.value,
        test.matched.roc_auc.value if test.matched else None,
        test.paired.win_rate.value if test.paired else None,
        test.overall.brier.value,
        test.threshold,
    )
    return dict(zip(names, values, strict=True))
