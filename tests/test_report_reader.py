"""What a reader does with the report's page: decide, sort, save, ask, link, print."""

import json
import re
from urllib.parse import parse_qs

import pytest

from fakefaces.evaluation import predictions
from fakefaces.evaluation.base_rate import ErrorRates, Traffic, threshold_curve, threshold_for, workload
from fakefaces.reporting.html.run_outputs import RunOutputs
from tests.browser import Browser, browser
from tests.finished import opened

ROW = "#plan-day tbody tr"


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture
def page(reported, chromium) -> Browser:
    return opened(chromium, reported[1])


def enter(page: Browser, form: str, **values: object) -> None:
    """Set controls of a form as typing does."""
    for name, value in values.items():
        page.run(
            "const control = document.getElementById(arguments[0]).elements[arguments[1]];"
            "control.value = arguments[2];"
            "for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind, {bubbles: true}));",
            form,
            name,
            str(value),
        )


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"-?[\d,]+(?:\.\d+)?", text)]


def names(page: Browser) -> list[str]:
    return page.run("return [...document.querySelectorAll('#grid .tile')].map(one => one.dataset.name)")


@pytest.mark.parametrize(
    ("model", "threshold", "one_in", "photographs", "reviews"),
    [
        ("custom_cnn", 0.5, 100, 10_000, 200),
        ("custom_cnn", 0.9, 20, 500, 400),
        ("worse", 0.3, 1000, 1_000_000, 5),
        ("worse", 1.0, 2, 100, 10),
    ],
)
def test_the_page_computes_what_python_computes(reported, page, model, threshold, one_in, photographs, reviews):
    enter(page, "plan", model=model, one_in=one_in, photographs=photographs, reviews=reviews, threshold=threshold)
    test = predictions.TestPredictions.from_table(RunOutputs(*reported).scored(model).test)
    day = workload(ErrorRates.at(test, threshold), Traffic(1 / one_in, photographs, reviews))
    wanted = [day.flagged, day.reviewed, day.found, day.accused, day.missed, day.precision]
    for row, estimate in zip(page.all(ROW), wanted, strict=True):
        cells = row.text
        if estimate.value is None:
            assert cells.endswith("– –")
            continue
        shown = numbers(cells.replace(f"1 fake in {one_in:,}", ""))
        scale = 100 if "precision" in cells else 1
        expected = [scale * number for number in (estimate.value, *estimate.interval)]
        for got, number in zip(shown, expected, strict=True):
            assert got == pytest.approx(number, abs=0.5 if number >= 9.95 and scale == 1 else 0.06)


def test_the_threshold_for_the_reviews_is_chosen_on_validation(reported, page):
    enter(page, "plan", one_in=20, photographs=1000, reviews=300)
    page.click("#at-reviews")
    scored = RunOutputs(*reported).scored("custom_cnn")
    curve = threshold_curve(predictions.ValidationPredictions.from_table(scored.validation))
    wanted = threshold_for(curve, Traffic(1 / 20, 1000, 300))
    assert float(page.one("#plan [name=threshold]").get_attribute("value")) == pytest.approx(wanted, abs=1e-4)
    assert "moved from" in page.one("#plan-sentence").text
    page.click("#at-point")
    assert "where it decides" in page.one("#plan-sentence").text


def test_the_gallery_follows_the_threshold_and_holds_all_mistakes_in_one_filter(page):
    page.choose("#filters [name=kind]", "all mistakes")
    before = names(page)
    page.choose("#filters [name=kind]", "fakes called real")
    misses = names(page)
    page.choose("#filters [name=kind]", "reals called fake")
    assert sorted(before) == sorted(misses + names(page)) and misses
    enter(page, "plan", threshold=0)
    assert all("real_" in name for name in names(page))
    page.choose("#filters [name=kind]", "all mistakes")
    assert len(names(page)) == len(page.run("return document.querySelectorAll('#grid .wrong')"))
    assert "threshold of 0.000" in page.one("#count").text


def test_images_are_found_by_a_part_of_their_name(page):
    everything = names(page)
    enter(page, "filters", search="HARD_")
    assert names(page) == [name for name in everything if "hard_" in name] != []
    enter(page, "filters", search="no such name")
    assert names(page) == []
    assert page.one("#count").text.startswith("0 of ")


def test_a_link_leads_to_the_same_view(reported, page, chromium):
    page.choose("#filters [name=kind]", "all mistakes")
    page.choose("#filters [name=model]", "worse")
    enter(page, "plan", one_in=50, reviews=77, threshold=0.625)
    enter(page, "filters", search="0")
    shown, sentence = names(page), page.one("#plan-sentence").text
    page.click("#grid .tile")
    name = page.one("#viewer-name").text
    address = page.run("return location.hash")
    assert parse_qs(address[1:])["image"] == [name]
    opened(chromium, reported[1], address)
    assert names(page) == shown
    assert page.one("#plan-sentence").text == sentence
    assert page.run("return document.getElementById('viewer').open") and page.one("#viewer-name").text == name
    assert page.complaints() == []


@pytest.mark.parametrize(
    "address",
    ["#at=gallery&filters.model=none&image=../x&threshold.worse=2&plan.one_in=abc", "#at=<img src=x onerror=alert(1)>"],
)
def test_a_link_that_was_made_up_changes_nothing(reported, page, chromium, address):
    everything, sentence = names(page), page.one("#plan-sentence").text
    opened(chromium, reported[1], address)
    assert names(page) == everything
    assert page.one("#plan-sentence").text == sentence
    assert page.complaints() == []


def column(page: Browser, place: int) -> list[str]:
    return page.run(
        "return [...document.querySelector('table.sortable').tBodies[0].rows]"
        ".map(row => row.cells[arguments[0]].textContent)",
        place,
    )


def test_tables_sort_by_number_both_ways_and_unknown_values_stay_last(page):
    page.run("document.querySelectorAll('table.sortable .sort')[1].click()")
    ascending = column(page, 1)
    values = [float(cell.split()[0]) for cell in ascending]
    assert values == sorted(values)
    page.run("document.querySelectorAll('table.sortable .sort')[1].click()")
    assert [float(cell.split()[0]) for cell in column(page, 1)] == sorted(values, reverse=True)
    heading = page.one("table.sortable th[aria-sort]")
    assert heading.get_attribute("aria-sort") == "descending"
    page.run(
        "document.querySelector('table.sortable').tBodies[0].rows[0].cells[1].textContent = '–';"
        "document.querySelectorAll('table.sortable .sort')[1].click()"
    )
    assert column(page, 1)[-1] == "–"


def saved(page: Browser) -> str:
    """What the first table's button saves."""
    return page.run(
        "window.blobs = []; const made = URL.createObjectURL;"
        "URL.createObjectURL = blob => { window.blobs.push(blob); return made.call(URL, blob); };"
        "document.querySelector('.csv').click();"
    ) or page.driver.execute_async_script("window.blobs[0].text().then(arguments[0])")


def test_a_table_is_saved_with_its_intervals_in_columns_and_runs_nothing(page):
    page.run(
        "const cells = document.querySelector('table.sortable').tBodies[0].rows[1].cells;"
        "cells[0].textContent = '=HYPERLINK(\"x\")'; cells[1].textContent = '+0.125 [-0.25, +0.50]'"
    )
    header, first, second, *_ = saved(page).removeprefix("\ufeff").split("\r\n")
    assert header.split(",")[:4] == ["model", "ROC AUC", "ROC AUC low", "ROC AUC high"]
    assert len(first.split(",")) == len(header.split(","))
    assert second.startswith('"\'=HYPERLINK(""x"")",+0.125,-0.25,+0.50,')


def test_a_term_is_explained_where_it_stands(page):
    button = page.one("table.sortable .what")
    assert not page.one(f"#{button.get_attribute('popovertarget')}").is_displayed()
    page.click("table.sortable .what")
    explained = page.one(f"#{button.get_attribute('popovertarget')}")
    assert explained.is_displayed() and "ROC AUC" in explained.text
    box, place = explained.rect, button.rect
    assert abs(box["y"] - place["y"]) < 200


def test_a_legend_hides_a_line_and_shows_it_again(page):
    lines = "return document.querySelectorAll('#chart-roc svg .mark-line path').length"
    before = page.run(lines)
    page.click("#legend-roc button")
    page.wait(f"{lines} === {before - 1}")
    assert page.one("#legend-roc button").get_attribute("aria-pressed") == "false"
    page.click("#legend-roc button")
    page.wait(f"{lines} === {before}")


def test_a_value_stands_beside_the_pointer(page):
    from selenium.webdriver.common.action_chains import ActionChains

    mark = page.one("#chart-robustness svg .mark-symbol path")
    page.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
    ActionChains(page.driver).move_to_element(mark).perform()
    page.wait("return document.querySelector('#vg-tooltip-element.visible')")
    shown = page.one("#vg-tooltip-element").text
    assert "ROC AUC" in shown and "custom_cnn" in shown and "95 % from" in shown


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_with_disabilities_from_the_page(page, scheme):
    page.scheme(scheme)
    assert page.violations() == []
    page.run("document.querySelector('#grid .tile').click()")
    assert page.violations() == []
    page.run("document.getElementById('viewer').close(); document.querySelector('.what').click()")
    assert page.violations() == []


def test_on_a_phone_each_table_shows_a_metric_beside_the_name(page):
    page.size(390, 800, mobile=True)
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    edges = page.run(
        "return [...document.querySelectorAll('table.sortable')].map(table =>"
        " [table.tBodies[0].rows[0]?.cells[1].getBoundingClientRect().right ?? 0, table.caption.textContent])"
    )
    assert len(edges) > 4
    assert [caption for edge, caption in edges if edge > 390] == []


def test_on_paper_everything_is_open_and_nothing_is_cut(page):
    page.scheme("dark")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.size(718, 1000)  # A4 within its margins
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert page.run("return [...document.querySelectorAll('details:not(.long)')].every(one => one.open)")
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    wide = page.run(
        "return [...document.querySelectorAll('table, svg, figure, img, pre')]"
        ".filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"
    )
    assert wide == []
    high = page.run(
        "return [...document.querySelectorAll('svg, img')]"
        ".filter(one => one.getBoundingClientRect().height > 1000).length"
    )
    assert high == 0
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert page.run("return [...document.querySelectorAll('details')].some(one => !one.open)")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_viewer_shows_the_pixels_that_were_measured(reported, page):
    page.click("#grid .tile")
    page.wait("return document.getElementById('viewer-image').naturalWidth > 0")
    size = "const image = document.getElementById('viewer-image'); return [image.clientWidth, image.naturalWidth]"
    shown, natural = page.run(size)
    assert shown == natural == 64  # as in the data
    assert "64 × 64 pixels, all of which are shown" in page.one("#viewer-note").text
    page.click("#viewer-large")
    assert page.run(size)[0] > 64


def test_the_embedded_numbers_are_those_of_the_run(reported, page):
    data = json.loads(page.run("return document.getElementById('page-data').textContent"))
    run = RunOutputs(*reported)
    assert data["thresholds"] == [run.metrics[name].decision_threshold for name in run.models]
    assert len(data["planning"]["curves"]) == len(run.models)
