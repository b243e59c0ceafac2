"""Charts as Vega-Lite specifications, for the page and, as PNGs, for MLflow.

Colours of axes and text are left to the page, which sets them for its light or dark mode.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.subset_metrics import GroupMetrics
from fakefaces.reporting.tables.columns import slice_title

Spec = dict[str, Any]
Metrics = Mapping[str, ModelMetrics]

BASELINES = {"random": "noise", "centre": "centre blob", "average": "average map"}  # of the heatmaps

# Distinguishable with all common kinds of colour blindness (Okabe and Ito 2008), legible on light and dark.
PALETTE = (
    "#2b83c6",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#d55e00",
    "#56b4e9",
    "#8c6bb1",
    "#999999",
    "#b2df8a",
    "#a6761d",
)
_LINE = {"type": "line", "point": {"size": 30}}
_TICKS = {"labelFlush": False, "labelOverlap": True, "tickCount": 6}
SCORE = "score (0 real, 1 fake)"
_FPR, _TPR = "false-positive rate (share of reals)", "true-positive rate (share of fakes)"
_DIAGONAL: Spec = {
    "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
    "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1, "color": "#888", "aria": False},
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
}


def roc(points: Mapping[str, pd.DataFrame]) -> Spec:
    """ROC curves, from ``fpr`` and ``tpr`` by model."""
    about = "ROC curves: true-positive rate (fakes) against false-positive rate (reals), a line for each model."
    return _curves(points, ("fpr", _FPR), ("tpr", _TPR), about, diagonal=True)


def precision_recall(points: Mapping[str, pd.DataFrame], base_rate: float) -> Spec:
    """Precision-recall curves, from ``recall`` and ``precision`` by model, at the share of fakes in the test images."""
    precision = f"precision at {base_rate:.0%} fakes"
    about = f"Precision-recall curves where {base_rate:.0%} of the images are fake, a line for each model."
    return _curves(points, ("recall", "recall (share of fakes)"), ("precision", precision), about, diagonal=False)


def reliability(metrics: Metrics) -> Spec:
    """Reliability diagrams, from the bins of each model."""
    bins = {name: pd.DataFrame(b.model_dump() for b in model.reliability) for name, model in metrics.items()}
    about = "Reliability: share of fakes against mean score, in ten bins of equal size, a line for each model."
    x, y = ("mean_p", f"mean {SCORE}"), ("fraction_fake", "share of fakes")
    return _curves(bins, x, y, about, diagonal=True, points=True)


def history(epochs: pd.DataFrame) -> list[Spec]:
    """Loss and accuracy by epoch for train and validation, of one model: two charts."""
    specs = []
    trainings = [name for name in ("seed", "fold") if name in epochs]  # of each a line
    titles = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of images)"}
    for metric, title in titles.items():
        table = epochs.rename(columns={metric: "train", f"val_{metric}": "validation"})
        long = table.melt(["epoch", *trainings], ["train", "validation"], "images", "value").dropna()
        encoding: Spec = {
            "x": _axis("epoch", "epoch", domain=None)
            | {"axis": {"tickMinStep": 1, "format": "d", "labelFlush": False}},
            "y": _axis("value", title, domain=None),
            "color": _colour("images", ["train", "validation"]),
            "tooltip": [_tip("images", "images"), _tip("epoch", "epoch", "d"), _tip("value", metric)],
        }
        if trainings:
            fields = [{"field": name, "type": "nominal"} for name in trainings]
            encoding["detail"] = fields if len(fields) > 1 else fields[0]
        about = f"{metric} by epoch, for the training and the validation images."
        specs.append(_spec(about, _rows(long)) | {"mark": _LINE, "encoding": encoding})
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
    about = f"ROC AUC by {kind.replace('_', ' ')} with 95 % intervals, a dot for each model."
    titles = {"difficulty": "difficulty", "part": "replaced part", "part_count": "replaced parts"}
    return _dots(rows, list(metrics), ("slice", f"{titles[kind]} (fakes)"), "ROC AUC", about, rule=0.5)


def groups(attribute: str, by_group: Mapping[str, GroupMetrics]) -> Spec | None:
    """False alarms and misses of one model in each group, with intervals; None where there are none."""
    rows = [
        _row(rate, model=kind, slice=f"{name} ({group.reals} real, {group.fakes} fake)")
        for name, group in by_group.items()
        for kind, rate in (("false alarms", group.false_alarms), ("misses", group.misses))
        if rate.value is not None
    ]
    if not rows:
        return None
    about = f"Shares of reals called fake and of fakes called real by {attribute}, with 95 % intervals."
    return _dots(rows, ["false alarms", "misses"], ("slice", "group"), "share of the class", about, rule=None)


def robustness(metrics: Metrics) -> Spec:
    """ROC AUC on the images after each corruption."""
    levels = [(name, level) for name, model in metrics.items() for level in model.robustness]
    rows = [_row(level.roc_auc, model=name, level=level.name) for name, level in levels]
    about = "ROC AUC on images after one corruption, a line for each model."
    encoding = {
        "x": {
            "field": "level",
            "type": "nominal",
            "sort": _unique(rows, "level"),
            "title": "corruption of the images",
            "axis": {"labelAngle": -60},
        },
        "y": _axis("value", "ROC AUC", domain=None),
        "color": _colour("model", list(metrics)),
        "tooltip": [_tip("model", "model"), _tip("level", "images"), *_bounds("ROC AUC")],
    }
    return _spec(about, _rows(pd.DataFrame(rows))) | {"mark": _LINE, "encoding": encoding}


def localization(metrics: Mapping[str, LocalizationMetrics], metric: Literal["pointing", "energy"]) -> Spec:
    """How often heatmaps point at the forgery (or how much of their heat lies in it), beside the baselines."""
    rows = []
    for name, model in metrics.items():
        maps = {"the model": model.model}
        maps |= {BASELINES[name]: baseline.metrics for name, baseline in model.baselines.items()}
        for kind, values in maps.items():
            rows.append(_row(values.pointing if metric == "pointing" else values.energy, model=kind, row=name))
    title = "heatmaps that point at the forgery" if metric == "pointing" else "heat inside the forgery"
    about = f"Share of {title}, with 95 % intervals, for each model and the baselines."
    kinds = ["the model", *BASELINES.values()]
    short = "share of the heatmaps" if metric == "pointing" else "share of the heat"  # as wide as a phone
    return _dots(rows, kinds, ("row", "model"), short, about, rule=None)


def score_scatter() -> Spec:
    """Scores of two models, a dot for each image; the page fills in the values and the titles of the axes."""
    classes = ["real", "fake"]
    dots: Spec = {
        "mark": {"type": "point", "filled": True, "size": 55, "opacity": 0.8, "cursor": "pointer"},
        "encoding": {
            "x": _axis("x", SCORE),
            "y": _axis("y", SCORE),
            "color": _colour("label", classes),
            "shape": _colour("label", classes) | {"scale": {"domain": classes}},
            "tooltip": [_tip("image", "image"), _tip("label", "label"), _tip("x", "first"), _tip("y", "second")],
        },
    }
    about = "Scores of the second model against the first's, a dot for each image."
    return _spec(about, []) | {"layer": [_DIAGONAL, dots]}


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
    """A line for each table, from two of its columns, each with a title."""
    rows = pd.concat(table[[x[0], y[0]]].assign(model=name, order=range(len(table))) for name, table in tables.items())
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
    return _spec(about, _rows(rows)) | ({"layer": [_DIAGONAL, curve]} if diagonal else curve)


def _dots(
    rows: list[dict[str, Any]],
    kinds: Sequence[str],
    of: tuple[str, str],
    title: str,
    about: str,
    *,
    rule: float | None,
) -> Spec:
    """A row of dots with intervals for each value of a field with a title, the dots of the kinds below each other."""
    field, heading = of
    order = _unique(rows, field)
    position = {
        "y": {"field": field, "type": "nominal", "sort": order, "title": heading, "axis": {"labelLimit": 220}},
        "yOffset": {"field": "model", "type": "nominal", "sort": list(kinds)},
        "color": _colour("model", kinds),
    }
    tips = [_tip(field, heading), _tip("model", "of"), *_bounds(title)]
    layers: list[Spec] = []
    if rule is not None:
        line = {"type": "rule", "strokeDash": [4, 4], "color": "#888", "aria": False}
        layers += [{"data": {"values": [{}]}, "mark": line, "encoding": {"x": {"datum": rule}}}]
    if any(row["low"] is not None for row in rows):  # Vega warns of a field without values
        bounds = {"x": _axis("low", title, domain=None), "x2": {"field": "high"}, "tooltip": tips}
        layers += [{"mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": position | bounds}]
    dot = {"type": "point", "filled": True, "opacity": 1, "size": 45}
    layers += [{"mark": dot, "encoding": position | {"x": _axis("value", title, domain=None), "tooltip": tips}}]
    height = len(order) * (16 + 9 * len(kinds))
    return _spec(about, _rows(pd.DataFrame(rows))) | {"layer": layers, "height": height}


def _spec(about: str, values: list[dict[str, Any]]) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": about,
        "data": {"values": values},
        "width": "container",
        "height": 280,
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
    nominal = field in ("model", "images", "slice", "row", "level", "label", "image")
    kind = {"type": "nominal"} if nominal else {"type": "quantitative", "format": format}
    return {"field": field, "title": title} | kind


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Records without missing values, floats rounded to four digits, which is all that a chart shows."""
    rows = []
    for row in table.to_dict("records"):
        known = {str(key): value for key, value in row.items() if not pd.isna(value)}
        rows.append({key: round(value, 4) if isinstance(value, float) else value for key, value in known.items()})
    return rows


def _unique(rows: Sequence[Mapping[str, Any]], field: str) -> list[str]:
    return list(dict.fromkeys(row[field] for row in rows))


def _row(estimate: Estimate, **fields: str) -> dict[str, Any]:
    low, high = estimate.interval or (None, None)
    return {**fields, "value": estimate.value, "low": low, "high": high}
