"""The data of ``dvc plots``: a table for each plot, with all models in it."""

import pandas as pd

from fakefaces.reporting.html.run_outputs import RunOutputs

BASELINES = {"random": "noise", "centre": "centre blob"}


def plot_tables(run: RunOutputs) -> dict[str, pd.DataFrame]:
    """The data of each plot: ``model`` and two columns more; the values are those of the page."""
    tables = {kind: _concat(run.curves(kind)) for kind in ("roc", "precision_recall")}
    bins = {
        name: [{"mean_p": b.mean_p, "fraction_fake": b.fraction_fake} for b in model.reliability]
        for name, model in run.metrics.items()
    }
    tables["reliability"] = _concat({name: pd.DataFrame(rows) for name, rows in bins.items()})
    tables["robustness"] = pd.DataFrame(
        {"model": name, "images": level.name, "roc_auc": level.roc_auc.value}
        for name, model in run.metrics.items()
        for level in model.robustness
    )
    slices = [
        {"model": name, "fakes": f"{kind} {value}".replace("_", " "), "roc_auc": metrics.roc_auc.value}
        for name, model in run.metrics.items()
        for kind, by_value in model.test.slices().items()
        for value, metrics in by_value.items()
    ]
    tables["kinds"] = pd.DataFrame(slices, columns=["model", "fakes", "roc_auc"])
    pointing = [
        {"model": "the model", "maps": name, "pointing": metrics.model.pointing.value}
        for name, metrics in run.localization.items()
    ]
    pointing += [
        {"model": title, "maps": name, "pointing": metrics.baselines[baseline].metrics.pointing.value}
        for baseline, title in BASELINES.items()
        for name, metrics in run.localization.items()
    ]
    tables["pointing"] = pd.DataFrame(pointing, columns=["model", "maps", "pointing"])
    return tables


def _concat(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(model=name) for name, table in tables.items()])
