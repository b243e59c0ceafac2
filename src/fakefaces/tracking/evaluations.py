"""What a model's evaluation logs: its metrics, and the files that they were computed from."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from fakefaces.base.paths import Layout
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.tracking.runs import Run

TRAINING_IMAGES = "seen.txt"  # lists the images that the model was trained or selected on


def training_images(images: Path) -> list[str]:
    """The sorted sha256 of the training and validation images of all folds, of the table ``outputs/images.csv``."""
    splits = cv_splits(read_split(images))
    return sorted({sha256 for split in splits for part in (split.train, split.validation) for sha256 in part["sha256"]})


def log_evaluation(run: Run, layout: Layout, name: str, metrics: ModelMetrics, seed: int) -> None:
    """Log a model's metrics, its digests, and the evaluated files; ``seed`` is the confidence intervals'."""
    run.params({"model": name, "seed": seed, "weights": metrics.weights, "threshold": metrics.threshold})
    run.params({"protocol": metrics.protocol, "n_splits": metrics.n_splits})
    run.tag("model.digest", metrics.model_digest)
    run.tag("test.digest", metrics.test_digest)
    run.params({"drawn": layout.drawn})
    run.metrics(metrics_by_name(metrics))
    for path in (layout.metrics(name), layout.scores(name), layout.corrupted_scores(name), layout.predictions):
        run.artifact(path)
    run.text("\n".join(training_images(layout.images)) + "\n", TRAINING_IMAGES)
    for path in (layout.reports / "results.md", layout.reports / "comparisons.csv"):
        run.artifact(path)
    run.log_outputs(layout.relative(layout.metrics(name)))


def metrics_by_name(metrics: ModelMetrics) -> dict[str, float]:
    """All metrics and counts under the names that they have in MLflow, such as ``test_roc_auc``.

    A metric with an interval has its bounds beside it: ``test_roc_auc_low``, ``test_roc_auc_high``.
    """
    test = metrics.test
    sections: dict[str, BaseModel | None] = {
        "validation": metrics.validation,
        "test": test.overall,
        "test_matched": test.matched,
        "test_paired": test.paired,
        "test_reference": test.reference,
        "operating": metrics.operating_point.test,
    }
    sections |= {f"test_{row.transform}_{row.level:g}": row for row in metrics.robustness if row.transform}
    values = {f"{section}_{key}": value for section, record in sections.items() for key, value in _numbers(record)}
    if metrics.operating_point.threshold is not None:
        values["operating_threshold"] = metrics.operating_point.threshold
    if metrics.unfamiliar is not None:
        values["test_unfamiliar"] = metrics.unfamiliar
    if metrics.over_seeds is not None:
        values["seeds"] = metrics.over_seeds.n
        for name, metric in metrics.over_seeds.metrics.items():
            low, high = metric.interval or (None, None)
            parts = {"mean": metric.mean, "spread": metric.spread, "low": low, "high": high}
            values |= {f"test_{name}_seeds_{part}": value for part, value in parts.items() if value is not None}
    explained = metrics.variance_explained_by_shortcuts
    return values | {f"explained_{rule}": share for rule, share in explained.items() if share is not None}


def _numbers(record: BaseModel | None) -> Iterator[tuple[str, float]]:
    """The metrics and counts of a record by the names of its fields, and the bounds of their intervals."""
    for key, value in record or ():
        number = value.value if isinstance(value, Estimate) else value
        if isinstance(number, float | int):
            yield key, number
        if isinstance(value, Estimate) and value.interval:
            yield from zip((f"{key}_low", f"{key}_high"), value.interval, strict=True)
