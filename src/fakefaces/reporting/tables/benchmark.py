"""The tables of a benchmark: columns of strings, for a terminal and for ``benchmark.md``."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from fakefaces.evaluation.comparisons import Comparison
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.model_metrics import Evaluation
from fakefaces.reporting.rendering import render
from fakefaces.reporting.tables.columns import Columns, comparisons, overall_metrics, slices, validity_checks
from fakefaces.reporting.tables.results import comparisons_table, results_table
from fakefaces.reporting.tables.widths import split


def benchmark_tables(
    rows: Mapping[str, Evaluation], recall: Mapping[str, Mapping[str, Estimate]], pairs: Iterable[Comparison]
) -> dict[str, Columns]:
    """The tables by name: ``overall``, ``validity``, ``recall``, ``comparisons``, ``slices``.

    Args:
        rows: the evaluations by name.
        recall: by row and by false-positive rate, such as ``"0.05"``.
        pairs: comparisons of two rows.
    """
    table = results_table(rows)
    n_resamples = next(iter(rows.values())).test.bootstrap.n_resamples
    rates = next(iter(recall.values()))
    at_rates = {f"recall at FPR {float(rate):.0%}": [f"{by[rate]}" for by in recall.values()] for rate in rates}
    return {
        "overall": {title: cells for title, cells in overall_metrics(table).items() if title != "weights"},
        "validity": validity_checks(table),
        "recall": {"model": list(recall)} | at_rates,
        "comparisons": comparisons(comparisons_table(pairs), n_resamples),
        "slices": slices(rows),
    }


def benchmark_markdown(tables: Mapping[str, Columns], first: Evaluation, coverage: str, warnings: Iterable[str]) -> str:
    """Render ``benchmark.md`` from the tables, the first row's evaluation, and what is to be said of the coverage."""
    test = first.test
    context = {
        "tables": tables,
        "first": {"protocol": first.protocol, **{name: getattr(test.overall, name) for name in _FACTS}},
        "matched_n": "no" if test.matched is None else test.matched.n,
        "paired_n": "no" if test.paired is None else test.paired.n,
        "coverage": coverage,
        "warnings": list(warnings),
        "split": split,
        "zip": zip,
    }
    return render(Path(__file__).with_name("benchmark.md"), context)


_FACTS = ("n", "groups", "majority_rate")


def summary_columns(tables: Mapping[str, Columns]) -> Columns:
    """What a terminal shows of each row, the most important columns first."""
    overall, validity, recall = tables["overall"], tables["validity"], tables["recall"]
    accuracy = next(title for title in overall if title.startswith("accuracy at "))
    # a metric that applies to no row, such as that of pairs where there are none, is no column
    validating = {title: validity[title] for title in ("matched ROC AUC", "paired win rate") if title in validity}
    chosen = {"model": overall["model"], "ROC AUC": overall["ROC AUC"]} | validating | {accuracy: overall[accuracy]}
    rest = {title: cells for title, cells in validity.items() if title not in chosen}
    return chosen | {title: cells for title, cells in recall.items() if title != "model"} | rest
