"""The results table: all metrics of each model and rule, beside the reference's."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

import pandas as pd

from fakefaces.evaluation.comparisons import Comparison
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.metrics import REFERENCE_METRICS
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.evaluation.subset_metrics import OverSeeds

METRICS = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "precision", "recall")
COUNTS = ("tp", "fp", "fn", "tn")

# As printed on the slides "Fake Faces Detection Project": 2,041 photographs, split 1,634 / 202 / 205. The positive
# class is *real*, and the printed "AUC" is that of the hard predictions, which is balanced accuracy.
PRINTED = {
    "simple_cnn": {"accuracy": 0.5317, "f1": 0.6943, "precision": 0.5317, "recall": 1.0, "auc": 0.5},
    "vgg16": {"accuracy": 0.53},
    "efficientnetb4": {"accuracy": 0.5317, "f1": 0.6943, "precision": 0.5317, "recall": 1.0, "auc": 0.5},
    "custom_cnn": {"accuracy": 0.560976, "f1": 0.601770, "precision": 0.581197, "recall": 0.623853, "auc": 0.556718},
    "custom_cnn_augmented": {
        "accuracy": 0.585366,
        "f1": 0.632035,
        "precision": 0.598361,
        "recall": 0.669725,
        "auc": 0.579654,
    },
}
REFERENCE_TEST_IMAGES = 205
REFERENCE_MAJORITY = 109 / 205  # real images among them

Cell = str | int | float | None


def rule_name(rule: str) -> str:
    """What a shortcut rule is called among the models."""
    return f"rule_{rule}"


def results_table(metrics: Mapping[str, Evaluation]) -> pd.DataFrame:
    """One row for each model, and for each rule by its :func:`rule_name`.

    Bounds of 95 % intervals are in ``..._low`` and ``..._high``. ``matched_...``: on the test images in the reals'
    commonest encoding. ``default_accuracy``: at ``train.threshold``; all counts are at the operating point.
    ``paired_...``: of fakes beside their own source. ``operating_...``: at the threshold for a stated false-positive
    rate. ``reference_...``: by the reference's convention, real is positive. ``printed_...``: as on its slides.
    ``seeds`` and ``seeds_...``, where a model has several: mean, standard deviation and 95 % interval over seeds and
    photographs.
    """
    return pd.DataFrame([_row(name, evaluation) for name, evaluation in metrics.items()])


def comparisons_table(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """One row for each pair of models, without the reasons, and each interval in two columns."""
    columns = ["first", "second", "n", "groups", "only_first_right", "only_second_right"]
    for metric in ("accuracy", "roc_auc"):
        columns += [f"{metric}_{suffix}" for suffix in ("difference", "low", "high", "p", "p_holm")]
    rows = []
    for comparison in comparisons:
        row = asdict(comparison)
        for metric in ("accuracy", "roc_auc"):
            row[f"{metric}_low"], row[f"{metric}_high"] = row[f"{metric}_interval"] or (None, None)
        rows.append(row)
    return pd.DataFrame(rows, columns=columns)


def _row(name: str, evaluation: Evaluation) -> dict[str, Cell]:
    test, point = evaluation.test, evaluation.operating_point
    overall, matched, paired, at_point = test.overall, test.matched, test.paired, point.test
    band = point.abstention_band
    row: dict[str, Cell] = {"model": name, "weights": evaluation.weights, "protocol": evaluation.protocol}
    row |= {"n": overall.n, "groups": overall.groups, "majority_rate": overall.majority_rate}
    for metric in METRICS:
        row |= _with_bounds(metric, overall.estimate(metric))
    row |= {"default_threshold": test.default.default_threshold if test.default else None}
    row |= _with_bounds("default_accuracy", test.default.accuracy if test.default else None)
    row |= asdict(overall.confusion) | {"brier": overall.brier.value}
    row |= {"matched_n": matched.n if matched else None}
    row |= _with_bounds("matched_roc_auc", matched.roc_auc if matched else None)
    row |= {"paired_n": paired.n if paired else None}
    row |= _with_bounds("paired_win_rate", paired.win_rate if paired else None)
    row |= {"operating_threshold": point.threshold}
    row |= _with_bounds("operating_recall", at_point.recall if at_point else None)
    row |= _with_bounds("operating_fpr", at_point.fpr if at_point else None)
    row |= {"operating_unsure": band.share if band else None, "unfamiliar": evaluation.unfamiliar}
    row |= {"variance_explained_by_shortcuts": evaluation.variance_explained_by_shortcuts.get("all")}
    reference, printed = test.reference.model_dump(), PRINTED.get(name, {})
    row |= {f"reference_{metric}": reference[metric] for metric in REFERENCE_METRICS}
    row |= {f"printed_{metric}": printed.get(metric) for metric in REFERENCE_METRICS}
    return row | (_over_seeds(evaluation.over_seeds) if isinstance(evaluation, ModelMetrics) else {})


def _over_seeds(over_seeds: OverSeeds | None) -> dict[str, Cell]:
    """Columns that only a run with several seeds of a model has."""
    if over_seeds is None:
        return {}
    row: dict[str, Cell] = {"seeds": over_seeds.n}
    for name, metric in over_seeds.metrics.items():
        low, high = metric.interval or (None, None)
        row |= {f"seeds_{name}_mean": metric.mean, f"seeds_{name}_spread": metric.spread}
        row |= {f"seeds_{name}_low": low, f"seeds_{name}_high": high}
    return row


def _with_bounds(name: str, estimate: Estimate | None) -> dict[str, Cell]:
    value = estimate.value if estimate else None
    low, high = (estimate.interval if estimate else None) or (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
