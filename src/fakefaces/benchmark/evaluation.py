"""Predictions evaluated on a set: the rows of the report, beside those of the shortcut rules."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.progress import progress, waiting_for
from fakefaces.benchmark.benchmark_set import BenchmarkSet
from fakefaces.evaluation.comparisons import Comparison, compare_all
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.evaluate import Evaluator
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import Evaluation
from fakefaces.evaluation.predictions import ScoredImages, TestPredictions
from fakefaces.evaluation.recall_at_fpr import recall_at_fpr

RECALL_AT = (0.01, 0.05, 0.1)  # false-positive rates
_EXAMPLES = 3  # images that a message names


@dataclass(frozen=True)
class Benchmark:
    """The evaluation of predictions and of shortcut rules, all on the same test images."""

    rows: dict[str, Evaluation]  # the predictions by name, then the rules
    recall_at_fpr: dict[str, dict[str, Estimate]]  # by row and by false-positive rate, such as ``"0.05"``
    comparisons: list[Comparison]  # of each two rows
    predictions: list[str]  # the names of the rows that are no rules
    n: int  # test images that were evaluated
    n_test: int  # test images of the set
    missing: list[str]  # test images without a score of each of the predictions, sorted

    def coverage(self) -> str:
        """Which of the test images were evaluated, in a sentence."""
        if not self.missing:
            return f"all {self.n_test} test images have a score"
        more = len(self.missing) - _EXAMPLES
        named = ", ".join(self.missing[:_EXAMPLES]) + (f" and {more} more" if more > 0 else "")
        return (
            f"PARTIAL: {self.n} of {self.n_test} test images have a score ({self.n / self.n_test:.1%}); all rows are "
            f"of these alone, and not comparable with rows of the whole set. Missing: {named}"
        )

    def warnings(self) -> list[str]:
        """What a reader of the rows should know."""
        notes = []
        for name in self.predictions:
            interval = self.rows[name].test.overall.roc_auc.interval
            if interval and interval[1] < 0.5:
                notes.append(
                    f"{name}: its ROC AUC is significantly below 0.5; if it scores reals high, give 1 minus each score"
                )
        return notes

    def record(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "n": self.n,
            "n_test": self.n_test,
            "missing": self.missing,
            "rows": {
                name: evaluation.model_dump(mode="json", exclude_defaults=True)
                | {
                    "recall_at_fpr": {
                        rate: value.model_dump(mode="json") for rate, value in self.recall_at_fpr[name].items()
                    }
                }
                for name, evaluation in self.rows.items()
            },
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
        }


def evaluate_predictions(benchmark: BenchmarkSet, predictions: Mapping[str, pd.DataFrame]) -> Benchmark:
    """Evaluate predictions on the test images that all of them have scored, and the shortcut rules on the same.

    Where validation images are scored, the operating point is chosen on them, as for our own models; otherwise an image
    is called fake from the set's threshold on.

    Args:
        benchmark: the set.
        predictions: by name, tables of :class:`fakefaces.benchmark.predictions.Predictions`.

    Raises:
        DataError: no test image has a score of each of them.
    """
    settings = benchmark.settings
    resampling = Resampling(settings.n_resamples, settings.seed)
    images = benchmark.images.drop(columns="split", errors="ignore")
    rules = {
        str(name): ScoredImages.join(images, scores) for name, scores in benchmark.rules.groupby("rule", sort=False)
    }
    scored = {name: ScoredImages.join(images, scores) for name, scores in predictions.items()}
    covered = set.intersection(*(set(one.test["image"]) for one in scored.values()))
    tested = benchmark.images_of("test")
    if not covered:
        raise DataError("no test image has a score of each of the predictions: there is nothing to compare")
    evaluator = Evaluator(
        max_fpr=settings.max_fpr,
        max_fnr=settings.max_fnr,
        resampling=resampling,
        protocol=settings.protocol,
        n_splits=settings.n_splits,
    )
    scored, rules = ({name: _within(one, covered) for name, one in part.items()} for part in (scored, rules))
    rule_scores = {name: one.test.set_index("image")["p_fake"] for name, one in rules.items()}
    rows: dict[str, Evaluation] = {}
    with progress("evaluating", len(scored) + len(rules)) as step:
        for name, one in scored.items():
            rows[name] = evaluator.evaluate(one, weights="unknown", threshold=settings.threshold, rules=rule_scores)
            step(1, name)
        for name, one in rules.items():
            rows[f"rule_{name}"] = evaluator.evaluate(one, weights=f"sees only: {name}", threshold=settings.threshold)
            step(1, name)
    tests = {
        name: TestPredictions.from_table(one.test)
        for name, one in zip(rows, [*scored.values(), *rules.values()], strict=True)
    }
    with waiting_for("the comparisons of each two rows"):
        thresholds = {name: row.decision_threshold for name, row in rows.items()}
        comparisons = compare_all(tests, thresholds, resampling)
        recall = {name: recall_at_fpr(test, RECALL_AT, resampling) for name, test in tests.items()}
    return Benchmark(
        rows=rows,
        recall_at_fpr={name: {f"{rate:g}": value for rate, value in by.items()} for name, by in recall.items()},
        comparisons=comparisons,
        predictions=list(scored),
        n=len(covered),
        n_test=len(tested),
        missing=sorted(tested - covered),
    )


def _within(scored: ScoredImages, images: set[str]) -> ScoredImages:
    return replace(scored, test=scored.test[scored.test["image"].isin(images)].reset_index(drop=True))
