"""The data of ``dvc plots``: a table for each plot, with all models in it."""

import pandas as pd

from fakefaces.reporting.html.charts import BASELINES
from fakefaces.reporting.html.run_outputs import RunOutputs


def plot_tables(run: RunOutputs) -> dict[str, pd.DataFrame]:
    """The data of each plot: ``model`` and two columns more; the values are those of the page."""
    models = run.metrics.items()
    tables = {kind: _concat(run.curves(kind)) for kind in ("roc", "precision_recall")}
    fields = ["mean_p", "fraction_fake"]
    bins = {name: pd.DataFrame(b.model_dump() for b in model.reliability)[fields] for name, model in models}
    tables["reliability"] = _concat(bins)
    levels = [(name, level.name, level.roc_auc.value) for name, model in models for level in model.robustness]
    tables["robustness"] = pd.DataFrame(levels, columns=["model", "images", "roc_auc"])
    slices = [
        (name, f"{kind} {value}".replace("_", " "), metrics.roc_auc.value)
        for name, model in models
        for kind, by_value in model.test.slices().items()
        for value, metrics in by_value.items()
    ]
    tables["kinds"] = pd.DataFrame(slices, columns=["model", "fakes", "roc_auc"])
    maps = [("the model", name, metrics.model) for name, metrics in run.localization.items()]
    for baseline, title in BASELINES.items():
        maps += [(title, name, metrics.baselines[baseline].metrics) for name, metrics in run.localization.items()]
    pointing = [(title, name, metrics.pointing.value) for title, name, metrics in maps]
    tables["pointing"] = pd.DataFrame(pointing, columns=["model", "maps", "pointing"])
    return tables


def _concat(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(model=name) for name, table in tables.items()])
