"""Render Jinja templates to HTML and Markdown."""

import re
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape


def breakable(text: str) -> Markup:
    """Text that breaks after an underscore, as names do on a phone, and not within an interval; escaped for HTML."""
    whole = re.sub(r"\[(\S+), (\S+)\]", "[\\1,\N{NO-BREAK SPACE}\\2]", text)
    return Markup("_<wbr>").join(escape(part) for part in whole.split("_"))


def markdown_text(text: str) -> str:
    """Text of a user's as Markdown shows it: its marks mean nothing, and it ends no cell of a table.

    Intervals in brackets stay as they are: they are no links.
    """
    return re.sub(r"([\\`*_<>|#!~])", r"\\\1", text).replace("](", "]\\(")


def render(template: Path, context: Mapping[str, object]) -> str:
    """Render a template; HTML is escaped unless marked as safe, as names of files and models come from users."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=template.suffix == ".html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda value, digits=3: "–" if value is None else f"{value:.{digits}f}"
    environment.filters["percent"] = lambda value, digits=0: "–" if value is None else f"{value:.{digits}%}"
    environment.filters["estimate"] = format
    environment.filters["breakable"] = breakable
    environment.filters["extract"] = lambda key, table: table[key]
    environment.filters["cell"] = markdown_text
    return environment.get_template(template.name).render(context)
