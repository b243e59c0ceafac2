"""The tables behind ``dvc plots``, whose titles and templates are in ``dvc.yaml``."""

import pandas as pd

from fakefaces.reporting.html.charts import BASELINES
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.tables.columns import slice_title


def plot_tables(run: RunOutputs) -> dict[str, pd.DataFrame]:
    """The data of each plot by its name: ``model`` and the columns of its axes; the values are those of the page.

    Rows without a value are left out, and so are plots without a row, but for their columns.
    """
    return {
        "roc": _concat(run.curves("roc")),
        "precision_recall": _concat(run.curves("precision_recall")),
        "confusion": _confusion(run),
        "reliability": _reliability(run),
        "robustness": _robustness(run),
        "slices": _slices(run),
        "pointing": _pointing(run),
        "history": _history(run),
    }


def _confusion(run: RunOutputs) -> pd.DataFrame:
    rows = []
    for name, model in run.metrics.items():
        counts = model.test.overall.confusion
        rows += [(name, "fake", "fake", counts.tp), (name, "real", "fake", counts.fp)]
        rows += [(name, "fake", "real", counts.fn), (name, "real", "real", counts.tn)]
    return pd.DataFrame(rows, columns=["model", "actual", "predicted", "images"])


def _reliability(run: RunOutputs) -> pd.DataFrame:
    rows = [
        (name, point.mean_p, point.fraction_fake) for name, model in run.metrics.items() for point in model.reliability
    ]
    return pd.DataFrame(rows, columns=["model", "mean_p", "fraction_fake"])


def _robustness(run: RunOutputs) -> pd.DataFrame:
    levels = [(name, level) for name, model in run.metrics.items() for level in model.robustness]
    rows = [(name, level.name, level.roc_auc.value) for name, level in levels]
    return pd.DataFrame(rows, columns=["model", "images", "roc_auc"]).dropna()


def _slices(run: RunOutputs) -> pd.DataFrame:
    rows = [
        (name, slice_title(kind, value), metrics.roc_auc.value)
        for name, model in run.metrics.items()
        for kind, by_value in model.test.slices().items()
        for value, metrics in by_value.items()
    ]
    return pd.DataFrame(rows, columns=["model", "fakes", "roc_auc"]).dropna()


def _pointing(run: RunOutputs) -> pd.DataFrame:
    rows = [(name, "Grad-CAM", metrics.model.pointing.value) for name, metrics in run.localization.items()]
    for baseline, title in BASELINES.items():
        known = {name: m.baselines[baseline] for name, m in run.localization.items() if baseline in m.baselines}
        rows += [(name, title, of_baseline.metrics.pointing.value) for name, of_baseline in known.items()]
    return pd.DataFrame(rows, columns=["model", "heat_map", "pointing"]).dropna()


def _history(run: RunOutputs) -> pd.DataFrame:
    """Of several folds the mean of those that trained so long; a fit in closed form has no epochs."""
    histories = {name: run.history(name) for name in run.models}
    tables = {
        name: epochs.groupby("epoch")[["val_loss"]].mean().reset_index()
        for name, epochs in histories.items()
        if len(epochs) and epochs["epoch"].nunique() > 1
    }
    return _concat(tables) if tables else pd.DataFrame(columns=["epoch", "val_loss", "model"])


def _concat(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(model=name) for name, table in tables.items()])
