"""The results for people, in Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fakefaces.report.reference import MAJORITY, TEST_IMAGES
from fakefaces.report.results import COUNTS, THEIRS, rule_name

Metrics = Mapping[str, Mapping[str, Any]]


def results_markdown(table: pd.DataFrame, metrics: Metrics, comparisons: pd.DataFrame) -> str:
    """The page of results.

    Args:
        table: of :func:`fakefaces.report.results.results_table`.
        metrics: what it was made of.
        comparisons: of :func:`fakefaces.report.results.comparisons_table`.
    """
    first = table.iloc[0]
    models = list(table.loc[~table["model"].str.startswith(rule_name("")), "model"])
    max_fpr = metrics[models[0]]["operating"]["max_fpr"]
    return f"""# Results

{first["n"]} test images of {first["groups"]} photographs, protocol `{first["protocol"]}`{_rounds(metrics[models[0]])};
naming the larger class always is right for {first["majority_rate"]:.4f} of them. Fake is the positive class; ROC AUC
and AP (average precision) are those of the scores. In brackets: 95 % intervals, from resampling groups of images that
share a photograph. The rows `rule_...` see no face: only the header, a 16 x 16 thumbnail, mean and spread of the
colours, or EXIF.

{_ours(table)}
## What they rest on

Matched: on the {_whole(first["matched_n"])} test images that share the encoding most reals have. Paired: how often a
fake outscores the very photograph that it was made from, over {_whole(first["paired_n"])} pairs. The operating point is
chosen on validation so that at most {max_fpr:.0%} of the reals are called fake; unsure is the share of test images in
the band around it. Explained is the share of the score's variance (R², on logits) that the four rules together explain.

{_rests(table)}
## Robustness

ROC AUC on {metrics[models[0]]["robustness"][0]["n"]} test images put through one transform and then through one and the
same JPEG encoder, the model not retrained.

{_robustness(metrics, models)}
## Which differences are there

Paired, on the same test images: McNemar's mid-p for accuracy, the paired group bootstrap for ROC AUC, both after Holm's
correction for the number of pairs.

{_comparisons(comparisons)}
## By difficulty and part

ROC AUC of the fakes of each kind against all reals.

{_slices(metrics, models)}
## Beside the reference

By the reference's convention: real is the positive class, and "AUC" is that of the hard predictions, which is
balanced accuracy. The printed figures are from {TEST_IMAGES} other test images, of which {MAJORITY:.4f} are real.

{_theirs(table[table["model"].isin(models)])}"""


def _rounds(found: Mapping[str, Any]) -> str:
    if found["rounds"] == 1:
        return ""
    return f" (each image scored by the one of {found['rounds']} networks that knows nothing of its photograph)"


def _ours(table: pd.DataFrame) -> str:
    columns: dict[str, Iterable[str]] = {
        "model": table["model"],
        "weights": table["weights"],
        "ROC AUC": _with_intervals(table, "roc_auc"),
        "accuracy": _with_intervals(table, "accuracy"),
        "AP": table["average_precision"].map(_figure),
        "balanced": table["balanced_accuracy"].map(_figure),
    }
    columns |= {name: table[name.lower()].map(_figure) for name in ("F1", "precision", "recall")}
    return _markdown(columns | {"TP FP FN TN": [" ".join(map(str, row)) for row in table[list(COUNTS)].to_numpy()]})


def _rests(table: pd.DataFrame) -> str:
    return _markdown(
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


def _robustness(metrics: Metrics, models: Iterable[str]) -> str:
    named = {name: metrics[name]["robustness"] for name in models}
    columns: dict[str, list[str]] = {"model": list(named)}
    for place, row in enumerate(next(iter(named.values()))):
        title = "untouched" if row["transform"] is None else f"{row['transform']} {row['level']:g}"
        columns[title] = [_figure(found[place]["roc_auc"]) for found in named.values()]
    return _markdown(columns)


def _comparisons(table: pd.DataFrame) -> str:
    columns: dict[str, Iterable[str]] = {"first": table["first"], "second": table["second"]}
    for name, title in (("accuracy", "accuracy"), ("roc_auc", "ROC AUC")):
        ends = table[[f"{name}_{what}" for what in ("difference", "low", "high")]].to_numpy(dtype=float)
        columns[f"{title}, first minus second"] = [_difference(*row) for row in ends]
        columns[f"p ({title})"] = table[f"{name}_p_holm"].map(_figure)
    return _markdown(columns)


def _slices(metrics: Metrics, models: list[str]) -> str:
    columns: dict[str, list[str]] = {"model": models}
    for kind in ("difficulty", "part", "part_count"):
        for name, found in metrics[models[0]]["test"][kind].items():
            title = f"{name} part{'s' * (name != '1')}" if kind == "part_count" else name.replace("_", " ")
            columns[f"{title} ({found['fakes']})"] = [
                _figure(metrics[model]["test"][kind][name]["roc_auc"]) for model in models
            ]
    return _markdown(columns) if len(columns) > 1 else "No fake is named by its difficulty or parts.\n"


def _theirs(table: pd.DataFrame) -> str:
    columns: dict[str, Iterable[str]] = {"model": table["model"]}
    for name in THEIRS:
        title = {"f1": "F1", "auc": '"AUC"'}.get(name, name)
        pairs = table[[f"reference_{name}", f"printed_{name}"]].to_numpy(dtype=float)
        columns[f"{title}: ours / printed"] = [f"{_figure(ours)} / {_figure(theirs)}" for ours, theirs in pairs]
    return _markdown(columns)


def _markdown(columns: Mapping[str, Iterable[str]]) -> str:
    rows = [list(columns), ["---"] * len(columns), *map(list, zip(*columns.values(), strict=True))]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def _whole(value: float | None) -> str:
    return "no" if value is None or pd.isna(value) else f"{int(value)}"


def _figure(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3f}"


def _difference(value: float, low: float, high: float) -> str:
    return "–" if pd.isna(value) else f"{value:+.3f}" + ("" if pd.isna(low) else f" [{low:+.2f}, {high:+.2f}]")


def _with_intervals(table: pd.DataFrame, name: str) -> list[str]:
    ends = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [_figure(value) + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]") for value, low, high in ends]
