"""Charts as Vega-Lite specifications, for the page and, as PNGs, for MLflow.

Colours of axes and text are left to the page, which sets them for its light or dark mode.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.evaluation.model_metrics import Estimate, ModelMetrics
from fakefaces.reporting.html.dvc_plots import BASELINES
from fakefaces.reporting.tables.columns import slice_title

Spec = dict[str, Any]
Metrics = Mapping[str, ModelMetrics]

# Distinguishable with all common kinds of colour blindness (Okabe and Ito 2008), legible on light and dark.
PALETTE = ("#2b83c6", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c6bb1", "#999999", "#b2df8a", "#a6761d")
_HEIGHT = 280
_TICKS = {"labelFlush": False, "labelOverlap": True, "tickCount": 6}
_DIAGONAL = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}


def roc(points: Mapping[str, pd.DataFrame]) -> Spec:
    """ROC curves, from ``fpr`` and ``tpr`` by model."""
    about = "ROC curves: true-positive rate (fakes) against false-positive rate (reals), a line for each model."
    return _curves(points, ("fpr", "false-positive rate"), ("tpr", "true-positive rate"), about, diagonal=True)


def precision_recall(points: Mapping[str, pd.DataFrame]) -> Spec:
    """Precision-recall curves, from ``recall`` and ``precision`` by model."""
    about = "Precision-recall curves, a line for each model."
    return _curves(points, ("recall", "recall"), ("precision", "precision"), about, diagonal=False)


def reliability(metrics: Metrics) -> Spec:
    """Reliability diagrams, from the bins of each model."""
    points = {name: pd.DataFrame(b.model_dump() for b in model.reliability) for name, model in metrics.items()}
    about = "Reliability: share of fakes against mean score, in ten bins of equal size, a line for each model."
    return _curves(
        points, ("mean_p", "mean score"), ("fraction_fake", "share of fakes"), about, diagonal=True, points=True
    )


def history(epochs: pd.DataFrame) -> list[Spec]:
    """Loss and accuracy by epoch for train and validation, of one model: two charts."""
    specs = []
    folds = ["fold"] if "fold" in epochs else []
    for metric in ("loss", "accuracy"):
        table = epochs.rename(columns={metric: "train", f"val_{metric}": "validation"})
        long = table.melt(["epoch", *folds], ["train", "validation"], "images", "value").dropna()
        encoding: Spec = {
            "x": _axis("epoch", "epoch", domain=None)
            | {"axis": {"tickMinStep": 1, "format": "d", "labelFlush": False}},
            "y": _axis("value", metric, domain=None),
            "color": _colour("images", ["train", "validation"]),
            "tooltip": [_tip("images", "images"), _tip("epoch", "epoch", "d"), _tip("value", metric)],
        }
        if folds:
            encoding["detail"] = {"field": "fold", "type": "nominal"}
        about = f"{metric} by epoch, for the training and the validation images."
        specs.append(
            _spec(about, _rows(long)) | {"mark": {"type": "line", "point": {"size": 30}}, "encoding": encoding}
        )
    return specs


def slices(metrics: Metrics, kind: str) -> Spec | None:
    """ROC AUC with intervals of each slice of one kind: difficulty, part or part count; None where there is none."""
    rows = [
        _row(metrics_of_slice.roc_auc, model=name, slice=f"{slice_title(kind, value)} ({metrics_of_slice.fakes})")
        for name, model in metrics.items()
        for value, metrics_of_slice in model.test.slices()[kind].items()
    ]
    if not rows:
        return None
    order = list(dict.fromkeys(str(row["slice"]) for row in rows))
    about = f"ROC AUC by {kind.replace('_', ' ')} with 95 % intervals, a dot for each model."
    return _dots(rows, list(metrics), ("slice", order), ("value", "ROC AUC"), about, rule=0.5)


def robustness(metrics: Metrics) -> Spec:
    """ROC AUC on the images after each corruption."""
    rows = [
        _row(level.roc_auc, model=name, level=level.name)
        for name, model in metrics.items()
        for level in model.robustness
    ]
    order = list(dict.fromkeys(str(row["level"]) for row in rows))
    about = "ROC AUC on images after one corruption, a line for each model."
    encoding = {
        "x": {"field": "level", "type": "nominal", "sort": order, "title": None, "axis": {"labelAngle": -60}},
        "y": _axis("value", "ROC AUC", domain=None),
        "color": _colour("model", list(metrics)),
        "tooltip": [_tip("model", "model"), _tip("level", "images"), *_bounds("ROC AUC")],
    }
    return _spec(about, _rows(pd.DataFrame(rows))) | {
        "mark": {"type": "line", "point": {"size": 30}},
        "encoding": encoding,
    }


def localization(metrics: Mapping[str, LocalizationMetrics], metric: Literal["pointing", "energy"]) -> Spec:
    """How often heatmaps point at the forgery (or how much of their heat lies in it), beside the baselines."""
    rows = []
    for name, model in metrics.items():
        maps = {"the model": model.model}
        maps |= {BASELINES[name]: baseline.metrics for name, baseline in model.baselines.items()}
        for kind, values in maps.items():
            rows.append(_row(values.pointing if metric == "pointing" else values.energy, model=kind, row=name))
    title = "maps that point at the forgery" if metric == "pointing" else "heat inside the forgery"
    about = f"Share of {title}, with 95 % intervals, for each model and the baselines."
    kinds = ["the model", *BASELINES.values()]
    return _dots(rows, kinds, ("row", list(metrics)), ("value", title), about, rule=None)


def score_scatter() -> Spec:
    """Scores of two models, a dot for each image; the page fills in the values and the titles of the axes."""
    spec = _spec("Scores of the second model against the first's, a dot for each image.", [])
    spec["layer"] = [
        {
            "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
            "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1, "color": "#888"},
            "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 0.8, "cursor": "pointer"},
            "encoding": {
                "x": _axis("x", "first"),
                "y": _axis("y", "second"),
                "color": _colour("label", ["real", "fake"]),
                "shape": _colour("label", ["real", "fake"]) | {"scale": {"domain": ["real", "fake"]}},
                "tooltip": [_tip("image", "image"), _tip("label", "label"), _tip("x", "first"), _tip("y", "second")],
            },
        },
    ]
    return spec


def for_model(spec: Spec, title: str) -> Spec:
    """A chart for a PNG: with a title, a size and a white background."""
    return spec | {"title": title, "width": 480, "height": 320, "background": "white"}


def _curves(
    tables: Mapping[str, pd.DataFrame],
    x: tuple[str, str],
    y: tuple[str, str],
    about: str,
    *,
    diagonal: bool,
    points: bool = False,
) -> Spec:
    rows = pd.concat(
        [table[[x[0], y[0]]].assign(model=name, order=range(len(table))) for name, table in tables.items()]
    )
    curve: Spec = {
        "mark": {"type": "line", "strokeJoin": "round", "point": {"size": 30} if points else False},
        "encoding": {
            "x": _axis(*x),
            "y": _axis(*y),
            "order": {"field": "order", "type": "quantitative"},
            "color": _colour("model", list(tables)),
            "tooltip": [_tip("model", "model"), _tip(x[0], x[1]), _tip(y[0], y[1])],
        },
    }
    spec = _spec(about, _rows(rows))
    if not diagonal:
        return spec | curve
    chance: Spec = {
        "data": _DIAGONAL,
        "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1, "color": "#888"},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
    }
    return spec | {"layer": [chance, curve]}


def _dots(
    rows: list[dict[str, Any]],
    kinds: Sequence[str],
    y: tuple[str, list[str]],
    x: tuple[str, str],
    about: str,
    *,
    rule: float | None,
) -> Spec:
    """A row of dots with intervals for each entry of ``y``, one dot below the other for each kind."""
    position = {
        "y": {"field": y[0], "type": "nominal", "sort": y[1], "title": None, "axis": {"labelLimit": 170}},
        "yOffset": {"field": "model", "type": "nominal", "sort": list(kinds)},
        "color": _colour("model", kinds),
    }
    tips = [_tip(y[0], "of"), _tip("model", "model"), *_bounds(x[1])]
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": position | {"x": _axis("low", x[1], domain=None), "x2": {"field": "high"}, "tooltip": tips},
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45},
            "encoding": position | {"x": _axis(x[0], x[1], domain=None), "tooltip": tips},
        },
    ]
    if all(row["low"] is None for row in rows):
        layers = layers[1:]  # Vega warns of a field without values
    if rule is not None:
        line = {"type": "rule", "strokeDash": [4, 4], "color": "#888"}
        layers.insert(0, {"data": {"values": [{}]}, "mark": line, "encoding": {"x": {"datum": rule}}})
    height = len(y[1]) * (16 + 9 * len(kinds))
    return _spec(about, _rows(pd.DataFrame(rows))) | {"layer": layers, "height": height}


def _spec(about: str, values: list[dict[str, Any]]) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": about,
        "data": {"values": values},
        "width": "container",
        "height": _HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def _axis(field: str, title: str, domain: Sequence[float] | None = (0, 1)) -> Spec:
    scale = {"domain": list(domain), "nice": False} if domain else {"zero": False}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": _TICKS}


def _colour(field: str, kinds: Sequence[str]) -> Spec:
    colours = [PALETTE[k % len(PALETTE)] for k in range(len(kinds))]
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(kinds), "range": colours},
        "legend": {"orient": "bottom", "columns": 3, "labelLimit": 190},
    }


def _bounds(title: str) -> list[Spec]:
    return [_tip("value", title), _tip("low", "95 % from"), _tip("high", "to")]


def _tip(field: str, title: str, format: str = ".3f") -> Spec:
    numeric = field not in ("model", "images", "slice", "row", "level", "label", "image")
    return {"field": field, "title": title} | (
        {"type": "quantitative", "format": format} if numeric else {"type": "nominal"}
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Records without missing values, floats rounded to four digits, which is all that a chart shows."""
    rows = []
    for row in table.to_dict("records"):
        known = {str(key): value for key, value in row.items() if not pd.isna(value)}
        rows.append({key: round(value, 4) if isinstance(value, float) else value for key, value in known.items()})
    return rows


def _row(estimate: Estimate, **fields: str) -> dict[str, Any]:
    low, high = estimate.interval or (None, None)
    return {**fields, "value": estimate.value, "low": low, "high": high}
