"""The results table: our figures, and beside them the reference's and ours by its convention."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fakefaces.report.reference import MAJORITY, PRINTED, TEST_IMAGES

_OURS = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "precision", "recall")
_THEIRS = ("accuracy", "f1", "precision", "recall", "auc")
_COUNTS = ("tp", "fp", "fn", "tn")


def results_table(metrics: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row a model.

    Args:
        metrics: what stands in ``reports/metrics/<model>.json``, by model.

    Returns:
        Columns ``model``, ``weights``, ``protocol``, ``n``, ``majority_rate``; the figures on the test images
        (fake positive) with the ends of their 95 % intervals (``..._low``, ``..._high``); the confusion counts;
        ``matched_n`` and ``matched_roc_auc``, on the test images that share the reals' commonest encoding; the
        figures by the reference's convention (``reference_...``, real positive), and what the reference's
        slides print (``printed_...``).
    """
    return pd.DataFrame([_row(model, found) for model, found in metrics.items()])


def results_markdown(table: pd.DataFrame) -> str:
    """The table for people, in Markdown."""
    first = table.iloc[0]
    ours = _markdown(
        ["model", "weights", "ROC AUC", "accuracy", "AP", "balanced", "F1", "precision", "recall", "TP FP FN TN"],
        [
            [row["model"], row["weights"], _with_interval(row, "roc_auc"), _with_interval(row, "accuracy")]
            + [_figure(row[name]) for name in _OURS if name not in ("roc_auc", "accuracy")]
            + [" ".join(str(row[name]) for name in _COUNTS)]
            for _, row in table.iterrows()
        ],
    )
    theirs = _markdown(
        ["model", *(f"{name}: ours / printed" for name in ("accuracy", "F1", "precision", "recall", '"AUC"'))],
        [
            [row["model"]]
            + [f"{_figure(row[f'reference_{name}'])} / {_figure(row[f'printed_{name}'])}" for name in _THEIRS]
            for _, row in table.iterrows()
        ],
    )
    return f"""# Results

{first["n"]} test images, protocol `{first["protocol"]}`; naming the larger class always is right for
{first["majority_rate"]:.4f} of them. Fake is the positive class; ROC AUC and AP (average precision) are those of the
scores. In brackets: 95 % intervals, from resampling groups of images that share a photograph.

{ours}
## Beside the reference

By the reference's convention: real is the positive class, and "AUC" is that of the hard predictions, which is
balanced accuracy. The printed figures are from {TEST_IMAGES} other test images, of which {MAJORITY:.4f} are real.

{theirs}"""


def _row(model: str, found: Mapping[str, Any]) -> dict[str, Any]:
    test = found["test"]
    overall, matched, theirs = test["overall"], test["matched"], test["reference"]
    printed = vars(PRINTED[model]) if model in PRINTED else {}
    row = {"model": model, "weights": found["weights"], "protocol": found["protocol"]}
    row |= {"n": overall["n"], "majority_rate": overall["majority_rate"]}
    for name in _OURS:
        low, high = overall["intervals"].get(name) or (None, None)
        row |= {name: overall[name], f"{name}_low": low, f"{name}_high": high}
    row |= {name: overall["confusion"][name] for name in _COUNTS}
    row |= {"matched_n": matched["n"], "matched_roc_auc": matched["roc_auc"]}
    row |= {f"reference_{name}": theirs[name] for name in _THEIRS}
    return row | {f"printed_{name}": printed.get(name) for name in _THEIRS}


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _figure(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3f}"


def _with_interval(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return _figure(row[name]) + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]")
