"""The tables behind ``dvc plots``, and the page that shows them."""

from types import SimpleNamespace

import pandas as pd

from fakefaces.reporting.html import plots_page
from fakefaces.reporting.html.dvc_plots import plot_tables
from tests.conftest import ROOT
from tests.metrics import localization_metrics
from tests.reporting.html.test_charts import METRICS


def epochs(*losses: float, fold: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"epoch": [float(k) for k in range(1, len(losses) + 1)], "val_loss": losses, "fold": fold})


def outputs(**histories: pd.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(
        models=list(METRICS),
        metrics=METRICS,
        localization={"a": localization_metrics(0.6)},
        curves=lambda kind: {name: pd.DataFrame({"x": [0.0]}) for name in METRICS},
        history=lambda name: histories.get(name, pd.DataFrame()),
    )


def rows(table: pd.DataFrame) -> list[list]:
    return table.to_numpy().tolist()


def test_the_tables_of_plots_hold_the_values_of_the_charts():
    tables = plot_tables(outputs())
    assert rows(tables["reliability"]) == [["a", 0.2, 0.25], ["b", 0.3, 0.25]]
    assert rows(tables["robustness"]) == [
        ["a", "original", 0.8],
        ["a", "jpeg 50", 0.6],
        ["b", "original", 0.9],
        ["b", "jpeg 50", 0.7],
    ]
    assert rows(tables["slices"])[:4] == [
        ["a", "hard", 0.55],
        ["a", "left eye", 0.65],
        ["a", "1 part", 0.75],
        ["a", "2 parts", 0.85],
    ]
    assert rows(tables["pointing"]) == [["a", "Grad-CAM", 0.6], ["a", "noise", 0.2], ["a", "centre blob", 0.3]]
    counts = METRICS["a"].test.overall.confusion
    assert rows(tables["confusion"])[:4] == [
        ["a", "fake", "fake", counts.tp],
        ["a", "real", "fake", counts.fp],
        ["a", "fake", "real", counts.fn],
        ["a", "real", "real", counts.tn],
    ]


def test_a_history_is_the_mean_of_its_folds_and_one_epoch_is_none():
    folds = pd.concat([epochs(0.5, 0.25), epochs(1.5, 0.75, 0.5, fold=1)])
    history = plot_tables(outputs(a=folds, b=epochs(0.5)))["history"]
    assert rows(history[["model", "epoch", "val_loss"]]) == [["a", 1, 1.0], ["a", 2, 0.5], ["a", 3, 0.5]]
    assert list(plot_tables(outputs())["history"]) == ["epoch", "val_loss", "model"]


def test_the_page_of_dvc_plots_has_its_library_inlined():
    page = plots_page.page_template(ROOT).read_text(encoding="utf-8")
    assert page == plots_page.template(), "write it again: python -m fakefaces.reporting.html.plots_page"
    assert [page.count(mark) for mark in ("{plot_divs}", "{refresh_tag}", "{scripts}")] == [1, 1, 0]
    assert f"html_template = {plots_page.page_template(ROOT).name}" in (ROOT / ".dvc" / "config").read_text()
