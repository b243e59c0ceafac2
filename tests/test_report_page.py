"""The report's page, driven in a browser: galleries, viewer, comparison, widths."""

import pytest

from tests.browser import Browser, browser
from tests.finished import opened


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


@pytest.fixture
def page(reported, chromium) -> Browser:
    return opened(chromium, reported[1])


def names(page: Browser) -> list[str]:
    return page.run("return [...document.querySelectorAll('#grid .tile')].map(one => one.dataset.name)")


def test_nothing_is_asked_of_the_network_and_nothing_complains(page):
    page.wait("return document.querySelectorAll('.vega svg').length >= 11")
    assert {url.split(":")[0] for url in page.asked()} <= {"file", "data", "blob"}
    assert page.complaints() == []
    assert page.run("return [...document.images].every(one => one.hasAttribute('alt'))")
    assert page.run(
        "return [...document.images].filter(one => !one.hidden).every(one => !one.src || one.naturalWidth > 0)"
    )


def test_the_data_docs_are_read_without_the_web(reported, chromium):
    chromium.asked()
    chromium.open((reported[1].reports / "data_docs" / "index.html").as_uri())
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
    page.choose("#filters [name=part]", "nose")
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


def test_what_a_model_calls_unfamiliar_is_said_beside_its_score_alone(page):
    tiles = "return [...document.querySelectorAll('#grid .tile')].map(one => one.getAttribute('aria-label'))"
    assert not any("unfamiliar" in label for label in page.run(tiles))
    page.choose("#filters [name=model]", "worse")
    (said,) = [label for label in page.run(tiles) if "unfamiliar" in label]
    page.click(f'#grid .tile[aria-label="{said}"]')
    page.wait("return document.getElementById('viewer').open")
    assert [row.text.endswith("unfamiliar") for row in page.all("#viewer-scores tbody tr")] == [False, True]


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
    url = page.driver.current_url.partition("#")[0]
    page.driver.get("about:blank")  # a reloaded page keeps its place, from which the next key goes on
    page.driver.get(url)
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
