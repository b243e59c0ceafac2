"""Render the templates: a self-contained HTML page, and the model card in Markdown."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fakefaces.reporting.rendering import render

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = (
    "base",
    "charts",
    "tables",
    "workload",
    "decisions",
    "pictures",
    "comparison",
    "gallery",
    "viewer",
    "feature_maps",
    "link",
)  # one module in this order

SECTIONS = (
    ("decide", "Decisions"),
    ("results", "Results"),
    ("run", "Run"),
    ("audit", "Shortcuts"),
    ("training", "Training"),
    ("curves", "Curves"),
    ("compare", "Comparison"),
    ("kinds", "Kinds of fakes"),
    ("groups", "Groups"),
    ("robustness", "Robustness"),
    ("looking", "Heatmaps"),
    ("gallery", "Gallery"),
    ("inside", "Feature maps"),
    ("data", "Data"),
)  # of the page: the file in templates/sections and the id, and the title


def render_page(context: Mapping[str, Any], commit: str = "", tuning_seconds: float | None = None) -> str:
    """The page; without a commit and the duration of the study, equal results give equal bytes."""
    data = json.dumps(context["data"], ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    more = {
        "commit": commit,
        "tuning_seconds": tuning_seconds,
        "style": (_TEMPLATES / "page.css").read_text(encoding="utf-8"),
        "script": "\n".join((_TEMPLATES / "script" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
        "sections": SECTIONS,
        "library": library(),
        "json": _within_script(data),
    }
    return render(_TEMPLATES / "page.html", {**context, **more})


def _within_script(json_text: str) -> str:
    """JSON as the content of a script element, which ``</script`` ends, and ``<!--<script`` keeps from ending."""
    return json_text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def render_card(context: Mapping[str, Any]) -> str:
    """The model card."""
    return render(_TEMPLATES / "model_card.md", context)


@cache
def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package vl-convert."""
    import vl_convert

    bundle = vl_convert.javascript_bundle(None)  # type: ignore[arg-type] # None is its default: no snippet of ours
    return str(bundle).replace("</script", "<\\/script")


def svg(spec: Mapping[str, Any]) -> str:
    """A chart as an SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(dict(spec)))


def png(spec: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """A chart as a PNG."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(dict(spec), scale=scale))
