"""From the outputs of a run to the context of the page's template."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import numpy as np
import yaml

from fakefaces.base.errors import DataError
from fakefaces.data.faces import FAKE
from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.reporting.html import charts, pictures
from fakefaces.reporting.html.charts import BASELINES
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.results import REFERENCE_MAJORITY, REFERENCE_TEST_IMAGES

_PAIR_SIDE = 144
_SAMPLES_PER_KIND = 4  # sample images of each difficulty
_GALLERY_SHARE = 0.62  # of the page's bytes that photographs of the galleries may take

Step = Callable[[str], None]


def page_context(run: RunOutputs, step: Step) -> dict[str, Any]:
    """Everything that the page's template needs; ``step`` is called with the name of each step as it begins."""
    step("charts")
    context: dict[str, Any] = {"run": run, "facts": facts(run), "tables": tables(run), "charts": all_charts(run)}
    step("pictures")
    context |= {"pictures": stage_pictures(run), "samples": samples(run), "pairs": pairs(run)}
    step("galleries")
    return context | {"data": script_data(run, context["charts"])}


def facts(run: RunOutputs) -> dict[str, Any]:
    """The data, the split and the parameters of the run."""
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
        "n_splits": run.metrics[run.models[0]].n_splits,
        "protocol": run.params.split.protocol,
        "size": " × ".join(map(str, sizes.index[0])) + ("" if len(sizes) == 1 else " and others"),
        "digest": run.data_digest,
        "test_n": int(first["n"]),
        "test_groups": int(first["groups"]),
        "majority_rate": float(first["majority_rate"]),
        "params": yaml.safe_dump(params, sort_keys=False, allow_unicode=True, width=100),
        "max_fpr": run.params.evaluate.max_fpr,
        "reference_n": REFERENCE_TEST_IMAGES,
        "reference_majority": REFERENCE_MAJORITY,
        "duplicate_pairs": len(run.duplicate_pairs),
        "trials": len(run.trials),
        "pruned": sum(trial.pruned for trial in run.trials),
    }


def tables(run: RunOutputs) -> dict[str, columns.Columns]:
    """The tables of the results, and of the shortcut audit."""
    audit = run.validation.get("shortcuts", [])
    results = columns.result_tables(run.results, run.metrics, run.comparisons)
    del results["overall"]["TP FP FN TN"]  # the page has confusion matrices
    return results | {
        "localization": _localization(run.localization),
        "audit": {key.replace("_", " "): [_cell(row.get(key)) for row in audit] for key in (audit[0] if audit else {})},
    }


def all_charts(run: RunOutputs) -> dict[str, Any]:
    """The Vega-Lite specifications by the id of their place in the page."""
    specs: dict[str, Any] = {
        "roc": charts.roc(run.curves("roc")),
        "precision_recall": charts.precision_recall(run.curves("precision_recall")),
        "reliability": charts.reliability(run.metrics),
        "robustness": charts.robustness(run.metrics),
        "compared": charts.score_scatter(),
    }
    specs |= {kind: charts.slices(run.metrics, kind) for kind in ("difficulty", "part", "part_count")}
    if run.localization:
        specs |= {metric: charts.localization(run.localization, metric) for metric in ("pointing", "energy")}
    epochs = {name: run.history(name) for name in run.models}
    specs["history"] = {name: charts.history(table) for name, table in epochs.items() if len(table)}
    return {name: spec for name, spec in specs.items() if spec}


def stage_pictures(run: RunOutputs) -> dict[str, Any]:
    """The pictures that stages drew: augmentations, and by model feature maps and filters."""
    augmentations = run.layout.reports / "augmentations.png"
    uris: dict[str, Any] = {"augmentations": pictures.file_uri(augmentations, 1000) if augmentations.is_file() else ""}
    for kind in ("feature_maps", "filters"):
        paths = {name: run.layout.heatmaps / f"{name}_{kind}.png" for name in run.models}
        uris[kind] = {name: pictures.file_uri(path, 700) for name, path in paths.items() if path.is_file()}
    return uris


def samples(run: RunOutputs) -> dict[str, list[dict[str, str]]]:
    """A few training images of each kind: real, easy, mid, hard, or fakes that are not named by difficulty."""
    table = run.images[run.images["split"] == "train"]
    kinds = table["difficulty"].replace("", "fake").where(table["label"] == FAKE, "real")
    samples_by_kind = {}
    for kind in ("real", "easy", "mid", "hard", "fake"):
        names = list(table.loc[kinds == kind, "image"].head(_SAMPLES_PER_KIND))
        photographs = pictures.photographs(run.layout.data, names, threads=run.params.threads)
        uris = [pictures.data_uri(pictures.shrink(photograph, _PAIR_SIDE)) for photograph in photographs]
        samples_by_kind[kind] = [{"name": name, "uri": uri} for name, uri in zip(names, uris, strict=True)]
    return {kind: images for kind, images in samples_by_kind.items() if images}


def pairs(run: RunOutputs) -> list[dict[str, Any]]:
    """The pairs with the most inliers, each with its difference image."""
    label = run.images.set_index("image")["label"]
    table = run.duplicate_pairs.sort_values(["inliers", "a", "b"], ascending=[False, True, True])
    table = table[table["a"].isin(label.index) & table["b"].isin(label.index)].head(run.params.report.pairs)
    settings = {"min_inliers": run.params.duplicates.min_inliers, "seed": run.params.seed}
    aligned = []
    for a, b, inliers in table[["a", "b", "inliers"]].itertuples(index=False):
        try:
            images = pictures.align(run.layout.data, a, b, side=_PAIR_SIDE, **settings)
        except DataError:
            continue
        names = [(name, "fake" if label[name] == FAKE else "real") for name in (a, b)]
        aligned.append({"names": names, "inliers": int(inliers), "uris": list(map(pictures.data_uri, images))})
    return aligned


def script_data(run: RunOutputs, specs: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script needs: the test images, the comparisons and the charts."""
    thresholds = {name: model.decision_threshold for name, model in run.metrics.items()}
    rows = pictures.select(run.predictions, run.predictions[run.best], thresholds[run.best], run.params.report.gallery)
    shown = run.predictions.iloc[rows].reset_index(drop=True)
    heat = {name: maps[rows] for name, maps in run.heatmaps.items()}
    entries = pictures.entries(shown, run.models, heat, run.truth)
    photographs = pictures.photographs(run.layout.data, list(shown["image"]), threads=run.params.threads)
    uris = pictures.uris_within(photographs, int(run.params.report.max_bytes * _GALLERY_SHARE))
    return {
        "models": run.models,
        "best": run.best,
        "thresholds": [thresholds[name] for name in run.models],
        "heat": {name: list(maps.shape[1:]) for name, maps in heat.items()},
        "images": [entry | {"uri": uri} for entry, uri in zip(entries, uris, strict=True)],
        "all": {
            "image": run.predictions["image"].tolist(),
            "label": run.predictions["label"].tolist(),
            "scores": [np.round(run.predictions[name], 4).tolist() for name in run.models],
        },
        "comparisons": run.comparisons.astype(object).where(run.comparisons.notna(), None).to_dict("records"),
        "charts": dict(specs),
    }


def _localization(metrics: Mapping[str, LocalizationMetrics]) -> columns.Columns:
    rows = []
    for name, model in metrics.items():
        origins = ", ".join(f"{origin} {count}" for origin, count in model.truth.items())
        row = {
            "model": name,
            "fakes": str(model.n),
            "replaced": f"{model.area:.1%} of the image",
            "known from": origins,
        }
        for title, of in (("pointing game", attrgetter("pointing")), ("heat inside", attrgetter("energy"))):
            row[title] = format(of(model.model))
            for baseline, label in BASELINES.items():
                row[f"{title}: minus {label}"] = format(of(model.baselines[baseline].gain), "+")
        row["empty maps"] = f"{model.empty:.0%}"
        rows.append(row)
    return {title: [row[title] for row in rows] for title in rows[0]} if rows else {}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return "[" + ", ".join(_cell(item) for item in value) + "]"
    return "–" if value is None else str(value)
