"""The columns of the tables that people read, as strings: for the page of results in Markdown and the one in HTML."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fakefaces.reporting.tables.results import COUNTS, THEIRS

Metrics = Mapping[str, Mapping[str, Any]]
Columns = dict[str, list[str]]  # a column's title to its cells


def ours(table: pd.DataFrame) -> Columns:
    """The figures on the test images, with intervals."""
    columns: dict[str, Iterable[str]] = {
        "model": table["model"],
        "weights": table["weights"],
        "ROC AUC": _with_intervals(table, "roc_auc"),
        "accuracy": _with_intervals(table, "accuracy"),
        "AP": table["average_precision"].map(_figure),
        "balanced": table["balanced_accuracy"].map(_figure),
    }
    columns |= {name: table[name.lower()].map(_figure) for name in ("F1", "precision", "recall")}
    return _strings(columns | {"TP FP FN TN": [" ".join(map(str, row)) for row in table[list(COUNTS)].to_numpy()]})


def rests(table: pd.DataFrame) -> Columns:
    """What they rest on: matched encodings, pairs, calibration, the operating point, shortcuts."""
    return _strings(
        {
            "model": table["model"],
            "matched ROC AUC": _with_intervals(table, "matched_roc_auc"),
            "paired win rate": _with_intervals(table, "paired_win_rate"),
            "Brier": table["brier"].map(_figure),
            "recall at the operating point": _with_intervals(table, "operating_recall"),
            "its false-positive rate": _with_intervals(table, "operating_fpr"),
            "unsure": table["operating_unsure"].map(_figure),
            "explained": table["explained"].map(_figure),
        }
    )


def robustness(metrics: Metrics, models: Iterable[str]) -> Columns:
    """ROC AUC at each level of each transform."""
    named = {name: metrics[name]["robustness"] for name in models}
    columns: dict[str, list[str]] = {"model": list(named)}
    for place, row in enumerate(next(iter(named.values()))):
        title = "untouched" if row["transform"] is None else f"{row['transform']} {row['level']:g}"
        columns[title] = [_figure(found[place]["roc_auc"]) for found in named.values()]
    return _strings(columns)


def comparisons(table: pd.DataFrame) -> Columns:
    """The difference of each pair of models."""
    columns: dict[str, Iterable[str]] = {"first": table["first"], "second": table["second"]}
    for name, title in (("accuracy", "accuracy"), ("roc_auc", "ROC AUC")):
        ends = table[[f"{name}_{what}" for what in ("difference", "low", "high")]].to_numpy(dtype=float)
        columns[f"{title}, first minus second"] = [_difference(*row) for row in ends]
        columns[f"p ({title})"] = table[f"{name}_p_holm"].map(_figure)
    return _strings(columns)


def slices(metrics: Metrics, models: list[str]) -> Columns:
    """ROC AUC of each kind of fake against all reals; the models alone where no fake tells its kind."""
    columns: dict[str, list[str]] = {"model": models}
    for kind in ("difficulty", "part", "part_count"):
        for name, found in metrics[models[0]]["test"][kind].items():
            title = f"{name} part{'s' * (name != '1')}" if kind == "part_count" else name.replace("_", " ")
            columns[f"{title} ({found['fakes']})"] = [
                _figure(metrics[model]["test"][kind][name]["roc_auc"]) for model in models
            ]
    return _strings(columns)


def theirs(table: pd.DataFrame) -> Columns:
    """Ours by the reference's convention, beside the printed figures."""
    columns: dict[str, Iterable[str]] = {"model": table["model"]}
    for name in THEIRS:
        title = {"f1": "F1", "auc": '"AUC"'}.get(name, name)
        pairs = table[[f"reference_{name}", f"printed_{name}"]].to_numpy(dtype=float)
        columns[f"{title}: ours / printed"] = [f"{_figure(ours)} / {_figure(theirs)}" for ours, theirs in pairs]
    return _strings(columns)


def _strings(columns: Mapping[str, Iterable[str]]) -> Columns:
    return {title: [str(cell) for cell in cells] for title, cells in columns.items()}


def _figure(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3f}"


def _difference(value: float, low: float, high: float) -> str:
    return "–" if pd.isna(value) else f"{value:+.3f}" + ("" if pd.isna(low) else f" [{low:+.2f}, {high:+.2f}]")


def _with_intervals(table: pd.DataFrame, name: str) -> list[str]:
    ends = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [_figure(value) + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]") for value, low, high in ends]
