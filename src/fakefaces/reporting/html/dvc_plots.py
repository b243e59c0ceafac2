"""The points of the plots that ``dvc plots`` shows: all models in one table, so that they meet in one picture."""

import pandas as pd

from fakefaces.reporting.html.run_outputs import Gathered


def points(run: Gathered) -> dict[str, pd.DataFrame]:
    """A table a plot, each with ``model`` and two columns more; the same figures as in the page."""
    metrics, models = run.metrics, run.models
    found = {kind: _joined(run.points(kind)) for kind in ("roc", "precision_recall")}
    bins = {name: pd.DataFrame(metrics[name]["reliability"]) for name in models}
    found["reliability"] = _joined({name: table[["mean_p", "fraction_fake"]] for name, table in bins.items()})
    found["robustness"] = pd.DataFrame(
        {
            "model": name,
            "images": "untouched" if row["transform"] is None else f"{row['transform']} {row['level']:g}",
            "roc_auc": row["roc_auc"],
        }
        for name in models
        for row in metrics[name]["robustness"]
    )
    kinds = [
        {"model": name, "fakes": f"{kind} {one}".replace("_", " "), "roc_auc": record["roc_auc"]}
        for name in models
        for kind in ("difficulty", "part", "part_count")
        for one, record in metrics[name]["test"][kind].items()
    ]
    found["kinds"] = pd.DataFrame(kinds, columns=["model", "fakes", "roc_auc"])
    looking = [
        {"model": "the model", "maps": name, "pointing": record["pointing"]}
        for name, record in run.explanations.items()
    ]
    for which, title in (("random", "noise"), ("centre", "a blob in the middle")):
        looking += [
            {"model": title, "maps": name, "pointing": record["baselines"][which]["pointing"]}
            for name, record in run.explanations.items()
        ]
    found["pointing"] = pd.DataFrame(looking, columns=["model", "maps", "pointing"])
    return found


def _joined(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(model=name) for name, table in tables.items()])
