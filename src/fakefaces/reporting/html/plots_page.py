"""``python -m fakefaces.reporting.html.plots_page``: write the page of ``dvc plots``, which needs no network.

DVC's own page loads Vega from a server. `.dvc/config` names this one, which has it inlined; it is written again where
vl-convert brings another Vega, which a test notices.
"""

from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.files import write_text
from fakefaces.reporting.html.page import library

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; connect-src 'none'; img-src 'self' file: data:; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'">
{refresh_tag}
<title>Plots of the pipeline</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; }
body > div { margin-bottom: 2.5rem; overflow-x: auto; }
img { max-width: 100%; height: auto; }
</style>
<!-- Vega, Vega-Lite and Vega-Embed, BSD-3-Clause: https://github.com/vega -->
<script>
"""  # noqa: E501
_TAIL = """
</script>
<script>
// A plot without data has an empty specification: it says so, where Vega would show an error.
const draw = window.vegaEmbed;
window.vegaEmbed = (element, spec) =>
  Object.keys(spec).length ? draw(element, spec) : document.querySelector(element).append("no data for this plot");
</script>
</head>
<body>
<h1>Plots of the pipeline</h1>
{plot_divs}
<script>
// DVC heads a picture by its path: reports/augmentations.png is "Augmentations".
for (const caption of document.querySelectorAll("p")) {
  const name = caption.textContent.trim().match(/([^/]+)\\.(png|jpe?g|svg)$/);
  if (name) caption.textContent = name[1][0].toUpperCase() + name[1].slice(1).replaceAll("_", " ");
}
</script>
</body>
</html>
"""


def page_template(root: Path) -> Path:
    """The template in a project that `.dvc/config` names."""
    return root / ".dvc" / "plots_page.html"


def template() -> str:
    """The page, with DVC's placeholders for the plots and the refresh tag."""
    return _HEAD + library() + _TAIL


if __name__ == "__main__":
    write_text(page_template(environment.workspace()), template())
