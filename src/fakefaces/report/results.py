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
        Columns ``model``, ``weights``, ``protocol``, ``n``, the figures on the test images (fake positive),
        the confusion counts, the same by the reference's convention (``reference_...``, real positive), and
        what the reference's slides print (``printed_...``).
    """
    rows = []
    for model, found in metrics.items():
        test, theirs = found["test"], found["reference_convention"]
        printed = vars(PRINTED[model]) if model in PRINTED else {}
        rows.append(
            {"model": model, "weights": found["weights"], "protocol": found["protocol"], "n": test["n"]}
            | {name: test[name] for name in _OURS}
            | {name: test["confusion"][name] for name in _COUNTS}
            | {f"reference_{name}": theirs[name] for name in _THEIRS}
            | {f"printed_{name}": printed.get(name) for name in _THEIRS}
        )
    return pd.DataFrame(rows)


def results_markdown(table: pd.DataFrame, majority_rate: float) -> str:
    """The table for people, in Markdown."""
    first = table.iloc[0]
    ours = _markdown(
        ["model", "weights", "ROC AUC", "AP", "accuracy", "balanced", "F1", "precision", "recall", "TP FP FN TN"],
        [
            [row["model"], row["weights"], *(_figure(row[name]) for name in _OURS), _counts(row)]
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
{majority_rate:.4f} of them. Fake is the positive class, and ROC AUC and AP (average precision) are those of the scores.

{ours}
## Beside the reference

By the reference's convention: real is the positive class, and "AUC" is that of the hard predictions, which is
balanced accuracy. The printed figures are from {TEST_IMAGES} other test images, of which {MAJORITY:.4f} are real.

{theirs}"""


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _figure(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3f}"


def _counts(row: pd.Series) -> str:
    return " ".join(str(row[name]) for name in _COUNTS)
