"""The tables that people read, from records in which each metric has a value of its own."""

import re

import pandas as pd

from fakefaces.evaluation.comparisons import Comparison
from fakefaces.evaluation.model_metrics import (
    AbstentionBand,
    Confusion,
    Estimate,
    MatchedMetrics,
    ModelMetrics,
    OperatingMetrics,
    OperatingPoint,
    SourcePairs,
)
from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.results import comparisons_table, results_table
from fakefaces.reporting.tables.widths import GITHUB, width
from tests.metrics import corrupted_metrics, model_metrics, slice_metrics

REFERENCE = ("accuracy", "f1", "precision", "recall", "auc")
NAMES = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "precision", "recall")


def evaluation(start: float) -> ModelMetrics:
    """An evaluation in which each metric has a value of its own, from ``start`` on."""
    base = model_metrics()

    def estimate(shift: float, interval: tuple[float, float] | None = None) -> Estimate:
        return Estimate(value=start + shift, interval=interval)

    shifts = {name: 0.01 * k for k, name in enumerate(NAMES)}
    bounds = {name: estimate(shift, (start + shift - 0.2, start + shift + 0.1)) for name, shift in shifts.items()}
    overall = base.test.overall.model_copy(
        update=bounds
        | {"n": 40, "groups": 20, "majority_rate": 0.525, "brier": estimate(0.07), "confusion": Confusion(1, 2, 3, 4)}
    )
    matched = MatchedMetrics.model_validate(dict(overall) | {"n": 30, "roc_auc": estimate(0.11), "encoding": "a"})
    paired = SourcePairs(n=10, groups=10, win_rate=estimate(0.12, (0.1, 0.9)), ties=0, unpaired=0)
    reference = base.test.reference.model_copy(
        update={name: start + 0.2 + 0.01 * k for k, name in enumerate(REFERENCE)}
    )
    test = base.test.model_copy(
        update={
            "overall": overall,
            "matched": matched,
            "paired": paired,
            "reference": reference,
            "difficulty": {"easy": slice_metrics(start, 5)},
            "part": {"left_eye": slice_metrics(None, 4)},
            "part_count": {"1": slice_metrics(start + 0.01, 3), "2": slice_metrics(start + 0.02, 2)},
        }
    )
    at_threshold = OperatingMetrics(
        n=40,
        reals=20,
        fakes=20,
        groups=20,
        accuracy=estimate(0.17),
        precision=estimate(0.18),
        recall=estimate(0.13, (0.2, 0.3)),
        fpr=estimate(0.14),
    )
    band = AbstentionBand(low=0.2, high=0.4, share=start + 0.15)
    point = OperatingPoint(threshold=0.33, max_fpr=0.1, test=at_threshold, abstention_band=band)
    return base.model_copy(
        update={
            "weights": "scratch",
            "test": test,
            "operating_point": point,
            "variance_explained_by_shortcuts": {"header": 0.9, "all": start + 0.16},
            "robustness": [corrupted_metrics(None, None, start), corrupted_metrics("blur", 2.0, start - 0.1)],
        }
    )


METRICS = {"custom_cnn": evaluation(0.5), "mine": evaluation(0.6)}


def test_each_metric_is_in_its_own_column_with_its_own_interval():
    table = columns.overall_metrics(results_table(METRICS))
    assert {title: cells[1] for title, cells in table.items()} == {
        "model": "mine",
        "weights": "scratch",
        "ROC AUC": "0.600 [0.40, 0.70]",
        "accuracy": "0.620 [0.42, 0.72]",
        "accuracy at 0.5": "0.500 [0.35, 0.65]",
        "AP": "0.610",
        "balanced": "0.630",
        "F1": "0.640",
        "precision at 40% fakes": "0.650",
        "recall": "0.660",
        "TP FP FN TN": "1 2 3 4",
    }


def test_validity_checks_are_of_the_right_images():
    table = columns.validity_checks(results_table(METRICS))
    assert {title: cells[0] for title, cells in table.items()} == {
        "model": "custom_cnn",
        "matched ROC AUC": "0.610",
        "paired win rate": "0.620 [0.10, 0.90]",
        "Brier": "0.570",
        "recall at the operating point": "0.630 [0.20, 0.30]",
        "its false-positive rate": "0.640",
        "unsure": "0.650",
        "unfamiliar": "–",
        "explained by shortcuts": "0.660",
    }


def test_our_metrics_come_before_the_printed_ones():
    table = columns.reference_metrics(results_table(METRICS))
    assert table["accuracy: ours / printed"] == ["0.700 / 0.561", "0.800 / –"]
    assert table['"AUC": ours / printed'][0] == "0.740 / 0.557"
    assert table["recall: ours / printed"][0] == "0.730 / 0.624"


def test_levels_and_slices_are_of_each_model_in_order():
    models = {name: METRICS[name] for name in ("mine", "custom_cnn")}
    assert columns.robustness(models) == {
        "model": ["mine", "custom_cnn"],
        "original": ["0.600", "0.500"],
        "blur 2": ["0.500", "0.400"],
    }
    assert columns.slices(models) == {
        "model": ["mine", "custom_cnn"],
        "easy (5)": ["0.600", "0.500"],
        "left eye (4)": ["–", "–"],
        "1 part (3)": ["0.610", "0.510"],
        "2 parts (2)": ["0.620", "0.520"],
    }


def test_differences_have_their_sign_their_interval_and_the_corrected_p():
    comparison = Comparison(
        first="a",
        second="b",
        n=4,
        groups=4,
        only_first_right=1,
        only_second_right=0,
        accuracy_difference=-0.25,
        accuracy_interval=[-0.5, 0.125],
        accuracy_p=0.01,
        accuracy_p_holm=0.02,
        roc_auc_difference=0.5,
        roc_auc_interval=None,
        roc_auc_p=0.03,
        roc_auc_p_holm=0.06,
    )
    table = comparisons_table([comparison])
    assert (table["accuracy_low"][0], table["accuracy_high"][0]) == (-0.5, 0.125)
    assert pd.isna(table["roc_auc_low"][0])
    assert columns.comparisons(table, 1000) == {
        "first": ["a"],
        "second": ["b"],
        "accuracy, first minus second": ["-0.250 [-0.50, +0.12]"],
        "p (accuracy)": ["0.020"],
        "ROC AUC, first minus second": ["+0.500"],
        "p (ROC AUC)": ["0.060"],
    }


def markdown_tables(text: str) -> list[dict[str, tuple[str, ...]]]:
    """The tables of a Markdown file: title to cells."""
    blocks = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    tables = [[line.strip("| ").split(" | ") for line in block.splitlines()] for block in blocks]
    return [{title: tuple(row[k] for row in rows) for k, title in enumerate(titles)} for titles, _, *rows in tables]


def test_all_tables_of_results_md_fit_githubs_column():
    results = results_table(METRICS | {"custom_cnn_augmented": METRICS["mine"]})
    models = METRICS | {"custom_cnn_augmented": METRICS["mine"]}
    compared = comparisons_table([])
    tables = markdown_tables(columns.results_markdown(results, models, compared))
    assert len(tables) > len(columns.result_tables(results, models, compared))
    assert all(width(table) <= GITHUB for table in tables)
    shown = [title for table in tables for title in table]
    assert {*columns.overall_metrics(results), *columns.validity_checks(results)} <= set(shown)
