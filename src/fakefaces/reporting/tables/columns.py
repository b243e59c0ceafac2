"""The tables that people read, in ``results.md`` and in the HTML page: columns of strings."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from fakefaces.evaluation.metrics import REFERENCE_METRICS
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.reporting.rendering import render
from fakefaces.reporting.tables.p_values import with_p_texts
from fakefaces.reporting.tables.results import COUNTS, REFERENCE_MAJORITY, REFERENCE_TEST_IMAGES
from fakefaces.reporting.tables.widths import split

Columns = dict[str, list[str]]  # title to cells


def results_markdown(
    table: pd.DataFrame, metrics: Mapping[str, Evaluation], comparisons: pd.DataFrame, *, drawn: bool = False
) -> str:
    """Render ``reports/results.md`` from the tables of :mod:`fakefaces.reporting.tables.results`.

    ``metrics`` are those of each model and shortcut rule, from which ``table`` was made; ``drawn`` says whether the
    images are drawn faces, which the page begins with.
    """
    first, models = table.iloc[0], {name: m for name, m in metrics.items() if isinstance(m, ModelMetrics)}
    context = {
        "first": first,
        "drawn": drawn,
        "model": next(iter(models.values())),
        "matched_n": _count(first["matched_n"]),
        "harmonised": [name for name, model in models.items() if model.harmonised],
        "paired_n": int(first["paired_n"]) if pd.notna(first["paired_n"]) else 0,
        "reference_n": REFERENCE_TEST_IMAGES,
        "reference_majority": REFERENCE_MAJORITY,
        "tables": result_tables(table, models, comparisons),
        "split": split,
        "zip": zip,
    }
    return render(Path(__file__).with_name("results.md"), context)


def result_tables(
    table: pd.DataFrame, models: Mapping[str, ModelMetrics], comparisons_table: pd.DataFrame
) -> dict[str, Columns]:
    """All tables of results, by what they show."""
    return {
        "overall": overall_metrics(table),
        "validity": validity_checks(table),
        "reference": reference_metrics(table[table["model"].isin(models)]),
        "robustness": robustness(models),
        "comparisons": comparisons(comparisons_table, next(iter(models.values())).test.bootstrap.n_resamples),
        "slices": slices(models),
        "seeds": seeds(models),
    }


def overall_metrics(table: pd.DataFrame) -> Columns:
    """The metrics on the test images, with intervals."""
    columns: dict[str, Iterable[str]] = {
        "model": table["model"],
        "weights": table["weights"],
        "ROC AUC": _with_intervals(table, "roc_auc"),
        "accuracy": _with_intervals(table, "accuracy"),
        f"accuracy at {_short(table['default_threshold'].iloc[0])}": _with_intervals(table, "default_accuracy"),
        "AP": table["average_precision"].map(_number),
        "balanced": table["balanced_accuracy"].map(_number),
    }
    counts = table[list(COUNTS)].iloc[0]
    base_rate = (counts["tp"] + counts["fn"]) / max(1, counts.sum())  # which precision depends on
    share = f"precision at {base_rate:.0%} fakes"
    for title, name in (("F1", "f1"), (share, "precision"), ("recall", "recall")):
        columns[title] = table[name].map(_number)
    return _strings(columns | {"TP FP FN TN": [" ".join(map(str, row)) for row in table[list(COUNTS)].to_numpy()]})


def validity_checks(table: pd.DataFrame) -> Columns:
    """Matched encodings, source pairs, calibration, the operating point, variance explained by shortcuts.

    A column that applies to no row is left out: pairs where no test fake has its source beside it, as of generated
    faces, and what is unfamiliar where no model has learned it.
    """
    columns: dict[str, Iterable[str]] = {
        "model": table["model"],
        "matched ROC AUC": _with_intervals(table, "matched_roc_auc"),
    }
    if table["paired_win_rate"].notna().any():
        columns["paired win rate"] = _with_intervals(table, "paired_win_rate")
    columns |= {
        "Brier": table["brier"].map(_number),
        "recall at the operating point": _with_intervals(table, "operating_recall"),
        "its false-positive rate": _with_intervals(table, "operating_fpr"),
        "unsure": table["operating_unsure"].map(_number),
    }
    if table["unfamiliar"].notna().any():
        columns["unfamiliar"] = table["unfamiliar"].map(_number)
    return _strings(columns | {"explained by shortcuts": table["variance_explained_by_shortcuts"].map(_number)})


def seeds(metrics: Mapping[str, ModelMetrics]) -> Columns:
    """Mean, spread and interval of the models with several seeds, beside the first one's; empty without such."""
    several = {name: (model.test.overall, model.over_seeds) for name, model in metrics.items() if model.over_seeds}
    if not several:
        return {}
    columns: dict[str, Iterable[str]] = {"model": several, "seeds": [str(over.n) for _, over in several.values()]}
    for name, title in (("roc_auc", "ROC AUC"), ("accuracy", "accuracy"), ("brier", "Brier")):
        columns[f"{title} of the first"] = [_number(first.estimate(name).value) for first, _ in several.values()]
        columns[f"{title}, mean ± spread"] = [f"{over.metrics[name]}" for _, over in several.values()]
    return _strings(columns)


def robustness(metrics: Mapping[str, ModelMetrics]) -> Columns:
    """ROC AUC at each level of each corruption."""
    columns = {"model": list(metrics)}
    rows = zip(*(model.robustness for model in metrics.values()), strict=True)
    return columns | {level[0].name: [_number(model.roc_auc.value) for model in level] for level in rows}


def comparisons(table: pd.DataFrame, n_resamples: int) -> Columns:
    """The difference of each pair of models, with p-values of so many resamples."""
    table = with_p_texts(table, n_resamples)
    columns: dict[str, Iterable[str]] = {"first": table["first"], "second": table["second"]}
    for name, title in (("accuracy", "accuracy"), ("roc_auc", "ROC AUC")):
        rows = table[[f"{name}_{suffix}" for suffix in ("difference", "low", "high")]].to_numpy(dtype=float)
        columns[f"{title}, first minus second"] = [_difference(*row) for row in rows]
        columns[f"p ({title})"] = table[f"{name}_p_text"]
    return _strings(columns)


def slices(metrics: Mapping[str, Evaluation]) -> Columns:
    """ROC AUC of each kind of fake against all reals; the models alone where no fake has a known kind."""
    columns = {"model": list(metrics)}
    first = next(iter(metrics.values()))
    for kind, by_name in first.test.slices().items():
        for name, metrics_of_slice in by_name.items():
            columns[f"{slice_title(kind, name)} ({metrics_of_slice.fakes})"] = [
                _number(model.test.slices()[kind][name].roc_auc.value) for model in metrics.values()
            ]
    return columns


def slice_title(kind: str, name: str) -> str:
    """What people call a slice, such as ``left eye`` or ``2 parts``."""
    return f"{name} part{'s' * (name != '1')}" if kind == "part_count" else name.replace("_", " ")


def reference_metrics(table: pd.DataFrame) -> Columns:
    """Our metrics by the reference's convention, beside the printed ones."""
    columns: dict[str, Iterable[str]] = {"model": table["model"]}
    for name in REFERENCE_METRICS:
        title = {"f1": "F1", "auc": '"AUC"'}.get(name, name)
        rows = table[[f"reference_{name}", f"printed_{name}"]].to_numpy(dtype=float)
        columns[f"{title}: ours / printed"] = [f"{_number(ours)} / {_number(printed)}" for ours, printed in rows]
    return _strings(columns)


def _strings(columns: Mapping[str, Iterable[str]]) -> Columns:
    return {title: [str(cell) for cell in cells] for title, cells in columns.items()}


def _number(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3f}"


def _short(value: float | None) -> str:
    return "the default threshold" if value is None or pd.isna(value) else f"{value:g}"


def _count(value: float | None) -> str:
    return "no" if value is None or pd.isna(value) else f"{int(value)}"


def _difference(value: float, low: float, high: float) -> str:
    return "–" if pd.isna(value) else f"{value:+.3f}" + ("" if pd.isna(low) else f" [{low:+.2f}, {high:+.2f}]")


def _with_intervals(table: pd.DataFrame, name: str) -> list[str]:
    rows = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [_number(value) + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]") for value, low, high in rows]
