"""Offline Data Docs: Great Expectations' pages load styles, scripts and images from the web."""

import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

from fakefaces.base.files import write_text

_STYLE = Path(__file__).with_name("docs.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_EXTERNAL = re.compile(
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


def make_offline(folder: Path, suites: Sequence[tuple[str, bool]]) -> None:
    """Rewrite the pages to be self-contained, and write an index page of the suites: name and success.

    Scripts are removed: they only fold sections and draw the original index.
    """
    style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    for page in sorted(folder.rglob("*.html")):
        text = _EXTERNAL.sub("", page.read_text(encoding="utf-8"))
        write_text(page, text.replace("</head>", f"{policy}{style}</head>", 1))
    shutil.rmtree(folder / "static", ignore_errors=True)
    write_text(folder / "index.html", _index(folder, suites, policy + style))


def _index(folder: Path, suites: Sequence[tuple[str, bool]], head: str) -> str:
    rows = []
    for name, success in suites:
        results = sorted((folder / "validations" / name).rglob("*.html"))
        links = [(results[-1], "results")] if results else []
        links.append((folder / "expectations" / f"{name}.html", "expectations"))
        pages = " ".join(f'<a href="{escape(path.relative_to(folder).as_posix())}">{text}</a>' for path, text in links)
        icon = "fa-check-circle text-success" if success else "fa-times text-danger"
        rows.append(f'<tr><td><i class="fas {icon}"></i></td><th scope="row">{escape(name)}</th><td>{pages}</td></tr>')
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Docs</title>{head}</head><body><div class="container-fluid"><h4>Data Docs</h4>
<p class="lead">Results of Great Expectations by suite.</p>
<table class="table"><thead><tr><th>success</th><th>suite</th><th>pages</th></tr></thead><tbody>
{chr(10).join(rows)}
</tbody></table></div></body></html>
"""
