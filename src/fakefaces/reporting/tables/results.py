"""The results table: our figures, what they rest on, and beside them the reference's and ours by its convention."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fakefaces.reporting.tables.reference import PRINTED

OURS = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "precision", "recall")
THEIRS = ("accuracy", "f1", "precision", "recall", "auc")
COUNTS = ("tp", "fp", "fn", "tn")


def rule_name(rule: str) -> str:
    """What a shortcut rule is called among the models."""
    return f"rule_{rule}"


def results_table(metrics: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row a model or rule.

    Args:
        metrics: what stands in ``reports/metrics/<model>.json``, by model.

    Returns:
        Columns ``model``, ``weights``, ``protocol``, ``n``, ``groups``, ``majority_rate``; the figures on the test
        images (fake positive) with the ends of their 95 % intervals (``..._low``, ``..._high``); the confusion
        counts; ``matched_...``, on the test images that share the reals' commonest encoding; ``paired_...``, how
        often a fake outscores its own source; ``operating_...``, at the threshold for a stated false-positive rate;
        ``explained``, the share of the score's variance that the rules explain; the figures by the reference's
        convention (``reference_...``, real positive), and what the reference's slides print (``printed_...``).
    """
    return pd.DataFrame([_row(model, found) for model, found in metrics.items()])


def comparisons_table(comparisons: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a pair of models, the intervals in two columns each, without the reasons."""
    rows = []
    for found in comparisons:
        row = {key: value for key, value in found.items() if key != "reasons" and not key.endswith("_interval")}
        for name in ("accuracy", "roc_auc"):
            row[f"{name}_low"], row[f"{name}_high"] = found[f"{name}_interval"] or (None, None)
        rows.append(row)
    columns = ["first", "second", "n", "groups", "only_first_right", "only_second_right"]
    for name in ("accuracy", "roc_auc"):
        columns += [f"{name}_{what}" for what in ("difference", "low", "high", "p", "p_holm")]
    return pd.DataFrame(rows, columns=columns)


def _row(model: str, found: Mapping[str, Any]) -> dict[str, Any]:
    test = found["test"]
    overall, matched, theirs = test["overall"], test["matched"], test["reference"]
    printed = vars(PRINTED[model]) if model in PRINTED else {}
    paired, operating = test["paired"], found["operating"]
    row = {"model": model, "weights": found["weights"], "protocol": found["protocol"]}
    row |= {"n": overall["n"], "groups": overall["groups"], "majority_rate": overall["majority_rate"]}
    for name in OURS:
        row |= _ends(name, overall, name)
    row |= {name: overall["confusion"][name] for name in COUNTS}
    row |= {"brier": overall["brier"], "matched_n": matched["n"]} | _ends("matched_roc_auc", matched, "roc_auc")
    row |= {"paired_n": paired["n"]} | _ends("paired_win_rate", paired, "win_rate")
    at = operating.get("test", {})
    row |= {"operating_threshold": operating["threshold"]} | _ends("operating_recall", at, "recall")
    row |= _ends("operating_fpr", at, "fpr") | {"operating_unsure": operating.get("unsure", {}).get("share")}
    row |= {"explained": found["explained"].get("all")}
    row |= {f"reference_{name}": theirs[name] for name in THEIRS}
    return row | {f"printed_{name}": printed.get(name) for name in THEIRS}


def _ends(name: str, record: Mapping[str, Any], figure: str) -> dict[str, float | None]:
    low, high = record.get("intervals", {}).get(figure) or (None, None)
    return {name: record.get(figure), f"{name}_low": low, f"{name}_high": high}
