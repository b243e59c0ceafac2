"""The whole page and card of a run, as text: what is unknown, and what names could do."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.reporting.html import script_data
from fakefaces.reporting.html.context import page_context
from fakefaces.reporting.html.page import render_page
from fakefaces.reporting.html.run_outputs import RunOutputs

HOSTILE = "training_real/</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}.jpg"


@pytest.fixture
def run(reported, monkeypatch) -> RunOutputs:
    params, layout = reported
    report = params.report.model_copy(update={"pairs": 1})
    monkeypatch.setattr(script_data.pictures, "gallery_uris", lambda root, names, *_, **__: ["data:,"] * len(names))
    return RunOutputs(params.model_copy(update={"report": report}), layout)


def text_of(html: str) -> str:
    """What a reader sees, on one line."""
    found: list[str] = []

    class Text(HTMLParser):
        skipping = False

        def handle_starttag(self, tag, attrs):
            self.skipping = tag in ("script", "style")

        def handle_endtag(self, tag):
            self.skipping = False

        def handle_data(self, data):
            if not self.skipping:
                found.append(data)

    Text().feed(html)
    return " ".join("".join(found).split())


def test_photographs_are_named_with_their_digest_and_drawn_faces_as_drawn(run, reported, tmp_path: Path):
    page = text_of(render_page(page_context(run, lambda note: None)))
    assert f"{len(run.images)} photographs of data/" in page and run.data_digest in page
    assert "Drawn sample" not in page
    layout = Layout(tmp_path)
    shutil.copytree(
        reported[1].root, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlruns", ".unfinished")
    )
    (layout.data / "manifest.csv").write_text("image\n")
    drawn = RunOutputs(run.params, layout)
    page = text_of(render_page(page_context(drawn, lambda note: None)))
    assert page.index("Drawn sample. The") < page.index("ROC AUC")
    assert f"test images of {len(drawn.predictions['group'].unique())} drawn faces" in page


def test_of_whole_images_the_parts_are_said_not_to_apply(run):
    vars(run)["images"] = run.images.assign(difficulty="", **dict.fromkeys(PARTS, pd.NA))
    vars(run)["predictions"] = run.predictions.assign(difficulty="", **dict.fromkeys(PARTS, pd.NA))
    for name, model in run.metrics.items():
        test = model.test.model_copy(update={"difficulty": {}, "part": {}, "part_count": {}})
        run.metrics[name] = model.model_copy(update={"test": test})
    vars(run)["localization"] = {}
    vars(run)["truth"] = {}
    html = render_page(page_context(run, lambda note: None))
    page = text_of(html)
    assert page.count("Not applicable: it is not known of any fake") == 2
    assert "None" not in page and "nan" not in page
    assert re.search(r"<label hidden>Difficulty", html) and re.search(r"<label hidden>Part", html)


def test_names_are_text_wherever_they_stand(run):
    images = run.predictions["image"].tolist()
    vars(run)["predictions"] = run.predictions.assign(image=[HOSTILE, *images[1:]])
    context = page_context(run, lambda note: None)
    context["samples"] = {"real": [{"name": HOSTILE, "uri": "data:,"}]}
    html = render_page(context)
    plain = render_page(page_context(run, lambda note: None) | {"samples": {}})
    assert html.count("<script") == plain.count("<script")
    assert "<img src=x" not in html and "&lt;img src=x" in html
    assert "49.jpg" not in html


def test_a_page_without_an_operating_point_says_where_it_decides(run):
    for name, model in run.metrics.items():
        point = model.operating_point.model_copy(update={"threshold": None, "test": None, "abstention_band": None})
        run.metrics[name] = model.model_copy(update={"operating_point": point, "threshold": 0.25})
    page = text_of(render_page(page_context(run, lambda note: None)))
    assert "It decides at threshold? 0.250" in page
