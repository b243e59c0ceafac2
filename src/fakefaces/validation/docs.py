"""Great Expectations' Data Docs without the web: they are written to pull styles, scripts and pictures from it."""

import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

from fakefaces.base.files import write_text

_STYLE = Path(__file__).with_name("docs.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_FOREIGN = re.compile(
    "|".join(
        (
            r"<script\b.*?</script>",
            r"<link\b[^>]*>",
            r"<img\b[^>]*https?://[^>]*>",
            r"<footer\b.*?</footer>",
            r'\son[a-z]+="[^"]*"',
            r"background:\s*url\('https?://[^)]*\)[^;]*;",
        )
    ),
    re.DOTALL | re.IGNORECASE,
)


def make_offline(folder: Path, checked: Sequence[tuple[str, bool]]) -> None:
    """Rewrite the pages so that they need nothing but themselves, and give them an index of our own.

    Scripts go: what they hide and show is small enough to be read as a whole, and the index that they draw is
    written here instead.

    Args:
        folder: of the Data Docs.
        checked: each suite's name, and whether it holds, in the order of the index.
    """
    style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    for page in sorted(folder.rglob("*.html")):
        text = _FOREIGN.sub("", page.read_text(encoding="utf-8"))
        write_text(page, text.replace("</head>", f"{policy}{style}</head>", 1))
    shutil.rmtree(folder / "static", ignore_errors=True)
    write_text(folder / "index.html", _index(folder, checked, policy + style))


def _index(folder: Path, checked: Sequence[tuple[str, bool]], head: str) -> str:
    rows = []
    for name, holds in checked:
        results = sorted((folder / "validations" / name).rglob("*.html"))
        links = [(results[-1], "results")] if results else []
        links.append((folder / "expectations" / f"{name}.html", "expectations"))
        shown = " ".join(f'<a href="{escape(path.relative_to(folder).as_posix())}">{text}</a>' for path, text in links)
        icon = "fa-check-circle text-success" if holds else "fa-times text-danger"
        rows.append(f'<tr><td><i class="fas {icon}"></i></td><th scope="row">{escape(name)}</th><td>{shown}</td></tr>')
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Docs</title>{head}</head><body><div class="container-fluid"><h4>Data Docs</h4>
<p class="lead">What Great Expectations found in the photographs, by suite.</p>
<table class="table"><thead><tr><th>holds</th><th>suite</th><th>pages</th></tr></thead><tbody>
{chr(10).join(rows)}
</tbody></table></div></body></html>
"""
