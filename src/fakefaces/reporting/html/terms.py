"""Terms that the page explains where they stand: at a click, without another page."""

import re
from functools import cache
from pathlib import Path

import yaml


@cache
def terms() -> dict[str, str]:
    """The explanation of each term, in plain text."""
    path = Path(__file__).with_name("templates") / "terms.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def term_id(term: str) -> str:
    """The id of a term's explanation in the page."""
    return "term-" + re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def term_of(title: str) -> str:
    """The term that a column's title begins with, such as ``precision`` of ``precision at 48 % fakes``; or nothing."""
    known = [term for term in terms() if re.match(rf"{re.escape(term)}\b", title.removeprefix("its "))]
    return max(known, key=len, default="")
