"""Render the templates: a self-contained HTML page, and the model card in Markdown."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_TEMPLATES = Path(__file__).with_name("templates")


def render_page(context: Mapping[str, Any], commit: str = "", tuning_seconds: float | None = None) -> str:
    """The page.

    Args:
        context: of :func:`fakefaces.reporting.html.context.page_context`.
        commit: the code's commit; without it the page says how to find it, so that equal results give equal
            bytes at any commit.
        tuning_seconds: duration of the study's trials; left out of the page that DVC tracks, as it differs each time.
    """
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    data = json.dumps(context["data"], ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return str(
        _environment(html=True)
        .get_template("page.html")
        .render(
            context,
            commit=commit,
            tuning_seconds=tuning_seconds,
            style=style,
            script=script,
            library=library(),
            json=data.replace("</", "<\\/"),
        )
    )


def render_card(context: Mapping[str, Any]) -> str:
    """The model card."""
    return str(_environment(html=False).get_template("model_card.md").render(context))


@cache
def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package vl-convert."""
    import vl_convert

    bundle = vl_convert.javascript_bundle(None)  # type: ignore[arg-type] # None is its default: no snippet of ours
    return str(bundle).replace("</script", "<\\/script")


def png(spec: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """A chart as a PNG."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(dict(spec), scale=scale))


def _environment(*, html: bool) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Names of files and models come from users: everything is escaped unless marked as safe.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda value, digits=3: "–" if value is None else f"{value:.{digits}f}"
    environment.filters["percent"] = lambda value, digits=0: "–" if value is None else f"{value:.{digits}%}"
    environment.filters["estimate"] = format
    return environment
