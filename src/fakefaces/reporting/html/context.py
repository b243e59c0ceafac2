"""From what a run left behind to what stands in the page."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml

from fakefaces.base.errors import DataError
from fakefaces.data.faces import FAKE
from fakefaces.reporting.html import charts, gallery, pictures
from fakefaces.reporting.html.run_outputs import Gathered
from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.reference import MAJORITY, TEST_IMAGES

_PAIR_SIDE = 144
_SHOWN_EACH = 4  # sample images of each difficulty
_OWN_SHARE = 0.62  # of the page's bytes that photographs of the galleries may take

Step = Callable[[str], None]


def content(run: Gathered, step: Step) -> dict[str, Any]:
    """Everything that the template needs.

    Args:
        run: a run's outputs.
        step: told what is being made.
    """
    step("charts")
    found: dict[str, Any] = {"run": run, "facts": facts(run), "tables": tables(run), "charts": all_charts(run)}
    step("pictures")
    found |= {"pictures": drawn(run), "samples": samples(run), "pairs": pairs(run)}
    step("galleries")
    return found | {"data": script_data(run, found["charts"])}


def facts(run: Gathered) -> dict[str, Any]:
    """What was run, on which data."""
    images, splits = run.images, run.images["split"].value_counts()
    fakes = images[images["label"] == FAKE]
    sizes = images.groupby(["width", "height"]).size().sort_values(ascending=False)
    params = run.params.model_dump(by_alias=True)
    first = run.results.iloc[0]
    return {
        "images": len(images),
        "reals": len(images) - len(fakes),
        "fakes": len(fakes),
        "groups": images["group"].nunique(),
        "difficulties": fakes["difficulty"].replace("", "unnamed").value_counts(sort=False).to_dict(),
        "splits": {name: int(splits.get(name, 0)) for name in ("train", "validation", "test")},
        "rounds": run.metrics[run.models[0]]["rounds"],
        "protocol": run.params.split.protocol,
        "size": " × ".join(map(str, sizes.index[0])) + ("" if len(sizes) == 1 else " and others"),
        "digest": run.digest,
        "test_n": int(first["n"]),
        "test_groups": int(first["groups"]),
        "majority": float(first["majority_rate"]),
        "params": yaml.safe_dump(params, sort_keys=False, allow_unicode=True, width=100),
        "max_fpr": run.params.evaluate.max_fpr,
        "reference_n": TEST_IMAGES,
        "reference_majority": MAJORITY,
        "shares": len(run.pairs),
        "trials": len(run.trials),
        "pruned": sum(trial["pruned"] for trial in run.trials),
    }


def tables(run: Gathered) -> dict[str, columns.Columns]:
    """The tables of the page of results, and the audit's."""
    results, ours = run.results, run.results[run.results["model"].isin(run.models)]
    audit = run.validation.get("shortcuts", [])
    return {
        "ours": {title: cells for title, cells in columns.ours(results).items() if not title.startswith("TP ")},
        "rests": columns.rests(results),
        "theirs": columns.theirs(ours),
        "robustness": columns.robustness(run.metrics, run.models),
        "comparisons": columns.comparisons(run.comparisons),
        "slices": columns.slices(run.metrics, run.models),
        "explanations": _explanations(run.explanations),
        "audit": {
            key.replace("_", " "): [_shown(row.get(key)) for row in audit] for key in (audit[0] if audit else {})
        },
    }


def all_charts(run: Gathered) -> dict[str, Any]:
    """The Vega-Lite specifications by the id of their place in the page."""
    models, metrics = run.models, run.metrics
    made: dict[str, Any] = {
        "roc": charts.roc(run.points("roc")),
        "precision_recall": charts.precision_recall(run.points("precision_recall")),
        "reliability": charts.reliability(metrics, models),
        "robustness": charts.robustness(metrics, models),
        "compared": charts.compared(),
    }
    made |= {kind: charts.slices(metrics, models, kind) for kind in ("difficulty", "part", "part_count")}
    if run.explanations:
        made |= {figure: charts.explanations(run.explanations, figure) for figure in ("pointing", "energy")}
    epochs = {name: run.history(name) for name in models}
    made["history"] = {name: charts.history(table) for name, table in epochs.items() if len(table)}
    return {name: spec for name, spec in made.items() if spec}


def drawn(run: Gathered) -> dict[str, Any]:
    """The pictures that stages drew: augmentations, and by model feature maps and filters."""
    found: dict[str, Any] = {}
    augmentations = run.layout.reports / "augmentations.png"
    if augmentations.is_file():
        found["augmentations"] = pictures.file_uri(augmentations, widest=1000)
    for kind in ("feature_maps", "filters"):
        paths = {name: run.layout.heatmaps / f"{name}_{kind}.png" for name in run.models}
        found[kind] = {name: pictures.file_uri(path, widest=700) for name, path in paths.items() if path.is_file()}
    return found


def samples(run: Gathered) -> dict[str, list[dict[str, str]]]:
    """A few training images of each kind: real, easy, mid, hard, or fakes that are not named by difficulty."""
    table = run.images[run.images["split"] == "train"]
    kinds = table["difficulty"].replace("", "fake").where(table["label"] == FAKE, "real")
    found = {}
    for kind in ("real", "easy", "mid", "hard", "fake"):
        names = list(table.loc[kinds == kind, "image"].head(_SHOWN_EACH))
        shown = pictures.photographs(run.layout.data, names, threads=run.params.threads)
        uris = [pictures.data_uri(pictures.shrunk(one, _PAIR_SIDE)) for one in shown]
        if names:
            found[kind] = [{"name": name, "uri": uri} for name, uri in zip(names, uris, strict=True)]
    return found


def pairs(run: Gathered) -> list[dict[str, Any]]:
    """The surest pairs of one photograph, each with its difference."""
    label = run.images.set_index("image")["label"]
    table = run.pairs.sort_values(["inliers", "a", "b"], ascending=[False, True, True])
    table = table[table["a"].isin(label.index) & table["b"].isin(label.index)].head(run.params.report.pairs)
    found = []
    for a, b, inliers in table[["a", "b", "inliers"]].itertuples(index=False):
        settings = {"min_inliers": run.params.duplicates.min_inliers, "seed": run.params.seed}
        try:
            pair = pictures.lay(run.layout.data, a, b, side=_PAIR_SIDE, **settings)
        except DataError:
            continue
        names = [(name, "fake" if label[name] == FAKE else "real") for name in (a, b)]
        uris = [pictures.data_uri(one) for one in (pair.first, pair.second, pair.difference)]
        found.append({"names": names, "inliers": int(inliers), "uris": uris})
    return found


def script_data(run: Gathered, specs: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script needs: the test images, the comparisons and the charts."""
    thresholds = {name: run.metrics[name]["threshold"] for name in run.models}
    rows = gallery.chosen(run.tested, run.tested[run.best], thresholds[run.best], run.params.report.gallery)
    shown = run.tested.iloc[rows].reset_index(drop=True)
    heat = {name: maps[rows] for name, maps in run.heat.items()}
    entries = gallery.entries(shown, run.models, heat, run.truth)
    photographs = pictures.photographs(run.layout.data, list(shown["image"]), threads=run.params.threads)
    uris = pictures.fitting(photographs, int(run.params.report.max_bytes * _OWN_SHARE))
    everything = run.tested[["image", "label"]].to_dict("records")
    return {
        "models": run.models,
        "best": run.best,
        "thresholds": [thresholds[name] for name in run.models],
        "heat": {name: list(maps.shape[1:]) for name, maps in heat.items()},
        "images": [entry | {"uri": uri} for entry, uri in zip(entries, uris, strict=True)],
        "all": {
            "image": [row["image"] for row in everything],
            "label": [int(row["label"]) for row in everything],
            "scores": [np.round(run.tested[name], 4).tolist() for name in run.models],
        },
        "comparisons": _compared(run.comparisons),
        "charts": dict(specs),
    }


def _compared(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict("records")
    return [{str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows]


def _explanations(record: Mapping[str, Mapping[str, Any]]) -> columns.Columns:
    rows = []
    for name, found in record.items():
        row = {"model": name, "fakes": str(found["n"]), "replaced": f"{found['area']:.1%} of the picture"}
        row["judged by"] = ", ".join(f"{key} {count}" for key, count in found["truth"].items())
        for figure, title in (("pointing", "points at it"), ("energy", "heat inside")):
            row[title] = _with_ends(found, figure)
            for key, shown in (("random", "noise"), ("centre", "middle")):
                row[f"{title}: more than {shown}"] = _with_ends(found["baselines"][key]["gain"], figure, sign="+")
        row["without any heat"] = f"{found['empty']:.0%}"
        rows.append(row)
    return {title: [row[title] for row in rows] for title in rows[0]} if rows else {}


def _with_ends(found: Mapping[str, Any], figure: str, sign: str = "") -> str:
    ends = found["intervals"][figure]
    shown = f"{found[figure]:{sign}.3f}"
    return shown + (f" [{ends[0]:{sign}.2f}, {ends[1]:{sign}.2f}]" if ends else "")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    return "–" if value is None else str(value)
