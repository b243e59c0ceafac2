"""The report's page: made by its stage, and driven in a browser."""

import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from fakefaces.base.errors import FakefacesError
from fakefaces.cli import app
from fakefaces.data.splits import read_split
from fakefaces.evaluation import predictions
from fakefaces.evaluation.base_rate import ErrorRates, Traffic, workload
from fakefaces.evaluation.model_metrics import OperatingPoint
from fakefaces.reporting.html import charts
from fakefaces.reporting.html.context import all_charts, facts
from fakefaces.reporting.html.model_card import card_context
from fakefaces.reporting.html.page import render_card
from fakefaces.reporting.html.run_outputs import RunOutputs
from pipelines.report import main, model_charts
from tests.browser import Browser, browser
from tests.reporting.conftest import finished  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def made(finished):  # noqa: F811
    params, layout = finished
    main(params, layout)
    return params, layout


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def page(made, chromium) -> Browser:
    chromium.size(1200)
    chromium.scheme("light")
    chromium.open((made[1].reports / "index.html").as_uri())
    chromium.wait("return document.documentElement.dataset.ready === 'true'")
    return chromium


def names(page: Browser) -> list[str]:
    return page.run("return [...document.querySelectorAll('#grid .tile')].map(one => one.dataset.name)")


def test_the_page_is_one_small_file_and_the_same_each_time(made):
    params, layout = made
    page, card = layout.reports / "index.html", layout.reports / "model_card.md"
    first = page.read_bytes(), card.read_bytes()
    assert len(first[0]) < params.report.max_bytes
    assert str(layout.root).encode() not in first[0]
    main(params, layout)
    assert (page.read_bytes(), card.read_bytes()) == first


def test_a_card_is_written_where_metrics_are_undefined(made):
    run = RunOutputs(*made)
    run.localization.clear()
    for name, model in run.metrics.items():
        roc_auc = model.test.overall.roc_auc.model_copy(update={"interval": None})
        overall = model.test.overall.model_copy(update={"roc_auc": roc_auc})
        test = model.test.model_copy(update={"overall": overall, "difficulty": {}, "part": {}, "part_count": {}})
        point = OperatingPoint(threshold=None, max_fpr=0.1, reason="too few reals")
        missing = {"test": test, "operating_point": point, "variance_explained_by_shortcuts": {}}
        run.metrics[name] = model.model_copy(update=missing)
    context = {"run": run, "facts": facts(run), "data": {"best": run.best, "models": run.models}}
    card = render_card(context | card_context(run))
    assert "too few photographs" in card
    assert "could not be evaluated" in card
    assert charts.slices(run.metrics, "part") is None


def test_the_plots_hold_every_model(made):
    for name in ("roc", "precision_recall", "reliability", "robustness", "slices"):
        table = pd.read_csv(made[1].reports / "plots" / f"{name}.csv")
        assert set(table["model"]) == {"custom_cnn", "worse"}
        assert len(table.columns) == 3


def test_the_run_holds_the_page_with_its_commit_and_pictures_to_compare(made):
    from fakefaces.tracking.store import connect

    store = connect()
    runs = store.search_runs("")
    (parent, *_) = [run for run in runs if run.data.tags["role"] == "report"]
    client = store.client
    assert {"index.html", "model_card.md"} <= {file.path for file in client.list_artifacts(parent.info.run_id)}
    text = Path(client.download_artifacts(parent.info.run_id, "index.html")).read_text()
    assert parent.data.tags["mlflow.source.git.commit"] in text
    pictures = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert {run.info.run_name for run in pictures} == {"custom_cnn", "worse"}
    for run in pictures:
        images = {file.path.split("/")[-1].split("+")[0] for file in client.list_artifacts(run.info.run_id, "images")}
        assert {"roc", "precision_recall", "reliability", "robustness", "loss", "accuracy"} <= images
        metrics = RunOutputs(*made).localization[run.info.run_name]
        values = {
            "pointing": metrics.model.pointing.value,
            "energy": metrics.model.energy.value,
            "empty": metrics.empty,
        }
        assert {name: run.data.metrics[name] for name in values} == pytest.approx(values)
        assert run.data.params == {"model": run.info.run_name}


def test_the_charts_of_a_model_are_of_its_own_metrics(made):
    run = RunOutputs(*made)
    context = {"charts": all_charts(run)}
    for name in run.models:
        drawn = model_charts(run, context, name)
        roc = charts.roc({name: run.curves("roc")[name]})
        assert drawn["roc"]["data"]["values"] == roc["data"]["values"]
        loss, accuracy = charts.history(run.history(name))
        assert (drawn["loss"], drawn["accuracy"]) == (loss, accuracy)
        for kind in ("reliability", "robustness"):
            assert {row["model"] for row in drawn[kind]["data"]["values"]} == {name}


def test_the_card_is_complete(made):
    layout = made[1]
    written = (layout.reports / "model_card.md").read_text()
    assert written.startswith("# Model card: custom_cnn")
    assert "{{" not in written and "None" not in written
    assert "must not be used for" in written
    assert f"{len(read_split(layout.images))} images" in written


def plan(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["plan", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_threshold_is_planned_by_reviewers_and_base_rate(made):
    run = RunOutputs(*made)
    output = plan("--photographs", "1000", "--reviews", "50", "--base-rate", "1/20", "--threshold", "0.5")
    assert output.startswith("custom_cnn: 1/20 of 1,000 photographs a day are fake.")
    assert "drawn faces" not in output
    test = predictions.TestPredictions.from_table(run.scored("custom_cnn").test)
    day = workload(ErrorRates.at(test, 0.5), Traffic(0.05, 1000, 50))
    lines = output.splitlines()
    (place,) = [k for k, line in enumerate(lines) if line.startswith("as given")]
    shown = [f"{value:,.0f}" for value in (day.flagged.value, day.found.value, day.accused.value)]
    assert lines[place - 1].split()[:4] == ["0.5000", *shown]
    assert f"{day.precision.interval[0]:.1%}–{day.precision.interval[1]:.1%}" in lines[place]
    thresholds = [float(line.split()[0]) for line in lines if re.match(r"[01]\.\d{4} ", line)]
    assert thresholds == sorted(thresholds, reverse=True) and len(thresholds) == 5
    assert "worse: 1% of" in plan("--model", "worse", "--base-rate", "1%")
    assert max(map(len, lines)) <= 80


def test_a_plan_refuses_impossible_days_and_unknown_models(made):
    for arguments, message in (
        (["--base-rate", "2"], "not between 0 and 1"),
        (["--base-rate", "few"], "not a share"),
        (["--base-rate", "1/0"], "not a share"),
        (["--reviews", "0"], "not above 0"),
        (["--model", "best"], "custom_cnn, worse"),
    ):
        result = CliRunner().invoke(app, ["plan", *arguments])
        assert isinstance(result.exception, FakefacesError), result.output
        assert message in str(result.exception)


def test_nothing_is_asked_of_the_network_and_nothing_complains(page):
    page.wait("return document.querySelectorAll('.vega svg').length >= 11")
    assert {url.split(":")[0] for url in page.asked()} <= {"file", "data", "blob"}
    assert page.complaints() == []
    assert page.run("return [...document.images].every(one => one.hasAttribute('alt'))")
    assert page.run(
        "return [...document.images].filter(one => !one.hidden).every(one => !one.src || one.naturalWidth > 0)"
    )


def test_the_data_docs_are_read_without_the_web(made, chromium):
    chromium.asked()
    chromium.open((made[1].reports / "data_docs" / "index.html").as_uri())
    links = [link.get_attribute("href") for link in chromium.all("a")]
    assert len(links) == 6
    for link in links:
        chromium.open(link)
        assert chromium.run("return document.querySelectorAll('.ge-section table, .ge-section ul').length") > 0
    assert {url.split(":")[0] for url in chromium.asked()} <= {"file", "data"}
    assert chromium.complaints() == []


def test_the_gallery_is_filtered_and_sorted(page):
    everything = names(page)
    page.choose("#filters [name=kind]", "fakes called real")
    missed = names(page)
    assert 0 < len(missed) < len(everything)
    assert all("training_fake" in name for name in missed)
    page.choose("#filters [name=order]", "lowest score first")
    scores = page.run("return [...document.querySelectorAll('#grid .score')].map(one => parseFloat(one.textContent))")
    assert scores == sorted(scores)
    assert max(scores) < 0.5
    page.choose("#filters [name=kind]", "all")
    page.choose("#filters [name=difficulty]", "hard")
    assert names(page) and all("/hard_" in name for name in names(page))
    page.choose("#filters [name=difficulty]", "any")
    page.choose("#filters [name=part]", "left eye")
    assert {name.rsplit("_", 1)[1][0] for name in names(page)} == {"1"}
    before, said = names(page), page.one("#grid").text
    page.choose("#filters [name=model]", "worse")
    assert sorted(names(page)) == sorted(before)
    assert page.one("#grid").text != said  # the other model's scores
    page.click("#filters [name=heat]")
    assert len(page.all("#grid canvas")) == len(before)
    assert page.complaints() == []


def test_an_image_opens_with_its_heat_scores_and_name(page):
    page.choose("#filters [name=difficulty]", "mid")
    first, second = names(page)[:2]
    page.click("#grid .tile")
    page.wait("return document.getElementById('viewer').open")
    assert page.one("#viewer-name").text == first
    assert len(page.all("#viewer-scores tbody tr")) == 2
    page.run(
        "window.warm = () => { const heat = document.getElementById('viewer-heat'); const blank = "
        "Object.assign(document.createElement('canvas'), { width: heat.width, height: heat.height }); "
        "return heat.toDataURL() !== blank.toDataURL(); }"
    )
    drawn = "return window.warm()"
    assert page.run(drawn)
    plain = page.run("return document.getElementById('viewer-heat').toDataURL()")
    page.click("#viewer-truth")
    assert page.run("return document.getElementById('viewer-heat').toDataURL()") != plain
    assert "replaced" in page.one("#viewer-note").text
    page.choose("#viewer-model", "no model")
    page.click("#viewer-truth")
    assert not page.run(drawn)
    page.click("#next")
    assert page.one("#viewer-name").text == second
    assert page.complaints() == []


def test_the_keyboard_opens_walks_and_closes(page):
    from selenium.webdriver.common.keys import Keys

    shown = names(page)
    page.run("document.querySelector('#grid .tile').focus()")
    page.keys(Keys.ENTER)
    page.wait("return document.getElementById('viewer').open")
    page.keys(Keys.ARROW_RIGHT)
    assert page.one("#viewer-name").text == shown[1]
    page.keys(Keys.ARROW_LEFT)
    page.keys(Keys.ARROW_LEFT)
    assert page.one("#viewer-name").text == page.run("return arguments[0]", shown[-1]) or len(shown) > 48
    page.keys(Keys.ESCAPE)
    page.wait("return !document.getElementById('viewer').open")
    assert page.run("return document.activeElement.className").startswith("tile")
    page.driver.refresh()
    page.wait("return document.documentElement.dataset.ready === 'true'")
    page.keys(Keys.TAB)
    assert page.run("return document.activeElement.tagName") == "A"


def test_any_two_models_are_compared(page):
    page.wait("return document.querySelector('#chart-compared svg')")
    forth = page.one("#verdict").text
    assert forth.startswith("custom_cnn minus worse: ROC AUC +")
    page.choose("#first", "worse")
    assert "two different" in page.one("#verdict").text
    page.choose("#second", "custom_cnn")
    back = page.one("#verdict").text
    assert back.startswith("worse minus custom_cnn: ROC AUC −")
    assert back.split("AUC ")[1][1:6] == forth.split("AUC ")[1][1:6]
    page.wait("return document.querySelectorAll('#chart-compared svg .mark-symbol path').length > 5")
    assert page.all("#differing .tile")
    assert page.complaints() == []


def test_curves_by_epoch_follow_the_chosen_model(page):
    page.wait("return document.querySelector('#chart-loss svg')")
    page.choose("#training-model", "worse")
    page.wait("return document.querySelector('#chart-accuracy svg')")
    assert page.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_phone_width_nothing_sticks_out(page, scheme):
    page.scheme(scheme)
    page.size(360, 740, mobile=True)
    page.driver.refresh()
    page.wait("return document.documentElement.dataset.ready === 'true'")
    page.wait("return document.querySelectorAll('.vega svg').length >= 11")
    assert page.run("return document.documentElement.scrollWidth") <= 360
    wide = page.run("return [...document.querySelectorAll('.vega svg')].map(one => one.getBoundingClientRect().right)")
    assert max(wide) <= 360
    ground = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    page.run("document.querySelector('#grid .tile').click()")
    box = page.run("return document.getElementById('viewer').getBoundingClientRect().right")
    assert box <= 360
    assert page.complaints() == []
