"""Charts as Vega-Lite specifications: the page shows them, and MLflow gets the same ones as PNGs.

Colours of axes and text are not in them: the page sets them for its light or dark mode.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

Spec = dict[str, Any]
Metrics = Mapping[str, Mapping[str, Any]]

# Distinguishable with all common kinds of colour blindness (Okabe and Ito 2008), legible on light and dark.
PALETTE = ("#2b83c6", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c6bb1", "#999999", "#b2df8a", "#a6761d")
_HEIGHT = 280
_TICKS = {"labelFlush": False, "labelOverlap": True, "tickCount": 6}
_DIAGONAL = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}


def roc(points: Mapping[str, pd.DataFrame]) -> Spec:
    """ROC curves, from ``fpr`` and ``tpr`` by model."""
    about = "ROC curves: share of fakes found against share of reals called fake, a line a model."
    return _curves(points, ("fpr", "reals called fake"), ("tpr", "fakes found"), about, diagonal=True)


def precision_recall(points: Mapping[str, pd.DataFrame]) -> Spec:
    """Precision-recall curves, from ``recall`` and ``precision`` by model."""
    about = "Precision-recall curves: share of rightly called fakes against share of fakes found, a line a model."
    return _curves(
        points, ("recall", "fakes found"), ("precision", "called fakes that are fake"), about, diagonal=False
    )


def reliability(metrics: Metrics, models: Sequence[str]) -> Spec:
    """Reliability diagrams, from the bins of each model."""
    points = {name: pd.DataFrame(metrics[name]["reliability"]) for name in models}
    about = "Reliability: share of fakes against mean score, in ten bins of equal size, a line a model."
    return _curves(
        points, ("mean_p", "mean score"), ("fraction_fake", "share of fakes"), about, diagonal=True, points=True
    )


def history(epochs: pd.DataFrame) -> list[Spec]:
    """Loss and accuracy by epoch for train and validation, of one model: two charts."""
    specs = []
    folds = ["fold"] if "fold" in epochs else []
    for figure in ("loss", "accuracy"):
        table = epochs.rename(columns={figure: "train", f"val_{figure}": "validation"})
        long = table.melt(["epoch", *folds], ["train", "validation"], "images", "value").dropna()
        encoding: Spec = {
            "x": _axis("epoch", "epoch", domain=None)
            | {"axis": {"tickMinStep": 1, "format": "d", "labelFlush": False}},
            "y": _axis("value", figure, domain=None),
            "color": _colour("images", ["train", "validation"]),
            "tooltip": [_tip("images", "images"), _tip("epoch", "epoch", "d"), _tip("value", figure)],
        }
        if folds:
            encoding["detail"] = {"field": "fold", "type": "nominal"}
        about = f"{figure} by epoch, a line for the training images and one for the validation images."
        specs.append(
            _spec(about, _rows(long)) | {"mark": {"type": "line", "point": {"size": 30}}, "encoding": encoding}
        )
    return specs


def slices(metrics: Metrics, models: Sequence[str], kind: str) -> Spec | None:
    """ROC AUC with intervals of the fakes of each difficulty, part or part count; None where none is known."""
    rows, order = [], []
    for name in models:
        for one, found in metrics[name]["test"][kind].items():
            label = _plural(one) if kind == "part_count" else one.replace("_", " ")
            label += f" ({found['fakes']})"
            order += [label] if label not in order else []
            low, high = found["intervals"]["roc_auc"] or (None, None)
            rows.append({"model": name, "slice": label, "value": found["roc_auc"], "low": low, "high": high})
    if not rows:
        return None
    about = f"ROC AUC by {kind.replace('_', ' ')} with 95 % intervals, a dot a model."
    return _dots(rows, models, ("slice", order), ("value", "ROC AUC"), about, rule=0.5)


def robustness(metrics: Metrics, models: Sequence[str]) -> Spec:
    """ROC AUC on the images put through each transform."""
    rows, order = [], []
    for name in models:
        for row in metrics[name]["robustness"]:
            label = "untouched" if row["transform"] is None else f"{row['transform']} {row['level']:g}"
            order += [label] if label not in order else []
            low, high = row["intervals"]["roc_auc"] or (None, None)
            rows.append({"model": name, "level": label, "value": row["roc_auc"], "low": low, "high": high})
    about = "ROC AUC on images put through one transform, a line a model."
    encoding = {
        "x": {"field": "level", "type": "nominal", "sort": order, "title": None, "axis": {"labelAngle": -60}},
        "y": _axis("value", "ROC AUC", domain=None),
        "color": _colour("model", models),
        "tooltip": [_tip("model", "model"), _tip("level", "images"), *_ends("ROC AUC")],
    }
    return _spec(about, _rows(pd.DataFrame(rows))) | {
        "mark": {"type": "line", "point": {"size": 30}},
        "encoding": encoding,
    }


def explanations(record: Metrics, figure: str) -> Spec:
    """How often the maps point at the forgery (or how much of their heat lies in it), beside what knows nothing."""
    rows = []
    for name, found in record.items():
        shown = {"the model": found} | {
            "noise" if key == "random" else "a blob in the middle": one for key, one in found["baselines"].items()
        }
        for which, one in shown.items():
            low, high = one["intervals"][figure] or (None, None)
            rows.append({"model": which, "row": name, "value": one[figure], "low": low, "high": high})
    title = "maps that point at the forgery" if figure == "pointing" else "heat inside the forgery"
    about = f"Share of {title}, with 95 % intervals, for each model, for noise and for a blob in the middle."
    kinds = ["the model", "noise", "a blob in the middle"]
    return _dots(rows, kinds, ("row", list(record)), ("value", title), about, rule=None)


def compared() -> Spec:
    """Scores of one model against another's, an image a dot; the page fills in ``values`` and the axes' titles."""
    spec = _spec("Scores of the first model against the second's, a dot an image.", [])
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
    """A chart as a picture of its own: with a title, a width and a white ground."""
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
    place = {
        "y": {"field": y[0], "type": "nominal", "sort": y[1], "title": None, "axis": {"labelLimit": 170}},
        "yOffset": {"field": "model", "type": "nominal", "sort": list(kinds)},
        "color": _colour("model", kinds),
    }
    tips = [_tip(y[0], "of"), _tip("model", "model"), *_ends(x[1])]
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": place | {"x": _axis("low", x[1], domain=None), "x2": {"field": "high"}, "tooltip": tips},
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45},
            "encoding": place | {"x": _axis(x[0], x[1], domain=None), "tooltip": tips},
        },
    ]
    if all(row["low"] is None for row in rows):
        layers = layers[1:]  # Vega complains of a field without a value
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


def _ends(title: str) -> list[Spec]:
    return [_tip("value", title), _tip("low", "95 % from"), _tip("high", "to")]


def _tip(field: str, title: str, format: str = ".3f") -> Spec:
    numeric = field not in ("model", "images", "slice", "row", "level", "label", "image")
    return {"field": field, "title": title} | (
        {"type": "quantitative", "format": format} if numeric else {"type": "nominal"}
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows without what is missing, floats to four digits: a chart shows no more."""
    rows = []
    for row in table.to_dict("records"):
        known = {str(key): value for key, value in row.items() if not pd.isna(value)}
        rows.append({key: round(value, 4) if isinstance(value, float) else value for key, value in known.items()})
    return rows


def _plural(count: str) -> str:
    return f"{count} part{'s' * (count != '1')}"
