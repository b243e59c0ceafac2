"""The page of ``fakefaces watch``: one file that needs no network, and the same results as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup

from fakefaces.base.files import write_json, write_text
from fakefaces.monitoring.watch import BatchResult, Check, Rule
from fakefaces.reporting.rendering import render

_TEMPLATES = Path(__file__).with_name("templates")
_WIDTH, _HEIGHT = 150, 44  # of a curve, pixels


def write_watch(folder: Path, results: Sequence[BatchResult], reference: str, rule: Rule) -> Path:
    """Write ``index.html`` and ``watch.json`` to a folder, and return the page.

    The page has a section for each batch: alarms first, then all observables with both distributions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context = {
        "style": (_TEMPLATES / "page.css").read_text(encoding="utf-8"),
        "results": results,
        "reference": reference,
        "rule": rule,
        "curve": _curve,
    }
    write_text(folder / "index.html", render(_TEMPLATES / "watch.html", context))
    batches = [asdict(result) | {"alarms": result.alarms} for result in results]
    write_json(folder / "watch.json", {"reference": reference, "rule": asdict(rule), "batches": batches})
    return folder / "index.html"


def _curve(check: Check) -> Markup:
    """Both distribution functions of a number as SVG, the reference's dashed; nothing of categories."""
    if check.reference.quantiles is None or check.batch.quantiles is None:
        return Markup("")
    low = min(check.reference.quantiles[0], check.batch.quantiles[0])
    span = max(check.reference.quantiles[-1], check.batch.quantiles[-1]) - low or 1.0
    lines = "".join(
        f'<polyline class="{name}" points="{_points(side, low, span)}"/>'
        for name, side in (("reference", check.reference.quantiles), ("batch", check.batch.quantiles))
    )
    label = f"distribution functions of {check.observable.name}, from {low:.4g} to {low + span:.4g}"
    box = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="-1 -1 {_WIDTH + 2} {_HEIGHT + 2}"'
    return Markup(f'<svg {box} role="img" aria-label="{label}">{lines}</svg>')  # numbers and our own names only


def _points(quantiles: Sequence[float], low: float, span: float) -> str:
    steps = len(quantiles) - 1
    return " ".join(
        f"{(value - low) / span * _WIDTH:.1f},{(1 - k / steps) * _HEIGHT:.1f}" for k, value in enumerate(quantiles)
    )
