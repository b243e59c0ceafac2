"""The review page, driven in a browser."""

import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from fakefaces.evaluation.base_rate import ErrorRates
from fakefaces.explain.explanation import explain_images
from fakefaces.inference.metadata import Operating
from fakefaces.ingest import corrections
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.review.queue import Arrival, Queue
from tests.browser import Browser, browser
from tests.conftest import ROOT
from tests.detectors import copy_detector, saved_and_loaded
from tests.review.queues import arrived, encoded, explanation, private, queue_of, review_of, serving

DOWN, UP, END, ESCAPE, CONTROL = "\ue015", "\ue013", "\ue010", "\ue00c", "\ue009"
MANY = 10_000


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    runtime.start(seed=1, threads=2)
    network = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    operating = Operating(threshold=0.55, low=0.3, high=0.7)
    return saved_and_loaded(network, tmp_path_factory.mktemp("detector") / "loaded", operating=operating)


@pytest.fixture(scope="module")
def served(loaded, tmp_path_factory):
    """The page in a process of its own, as `make app` starts it; its address and its folder."""
    folder = tmp_path_factory.mktemp("review")
    copy_detector(loaded, folder / "model")
    command = [sys.executable, "-m", "fakefaces.cli", "review", "--no-open", "--port", "0", "--model", "model"]
    process = subprocess.Popen(
        [*command, "--reviewer", "anna"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    said = process.stderr.readline()
    try:
        yield re.search(r"http://127\.0\.0\.1:\d+", said)[0], folder
    finally:
        process.terminate()
        assert "Traceback" not in said + process.communicate(timeout=20)[1]


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        chromium.size(1200)
        yield chromium


def opened(chromium: Browser, address: str) -> Browser:
    chromium.open(address)
    chromium.wait("return document.documentElement.dataset.ready === 'true'")
    return chromium


@pytest.fixture(scope="module")
def dropped(chromium, served) -> Browser:
    """A folder with four photographs, one of them in a folder of its own, and a file that is none."""
    folder = served[1] / "faces"
    (folder / "more").mkdir(parents=True)
    for k in range(4):
        (folder / ("more" if k == 3 else "") / f"{k}.png").write_bytes(encoded(k))
    (folder / "notes.jpg").write_text("no image")
    page = opened(chromium, served[0])
    page.drop(folder)
    wait_for_rows(page, 4)
    page.wait("return document.querySelector('#refused .refusal')")
    return page


def wait_for_rows(page: Browser, n: int) -> None:
    # TensorFlow is loaded for the first ones, beside another worker's tests.
    page.wait(f"return document.querySelectorAll('#rows [data-key]').length === {n}", 120)


def text(page: Browser, selector: str) -> str:
    return page.run("return document.querySelector(arguments[0]).innerText", selector)


def scores(page: Browser) -> list[float]:
    """Of the rows in the page, from top to bottom."""
    return page.run(
        "return [...document.querySelectorAll('#rows .row')].sort((a, b) => a.offsetTop - b.offsetTop)"
        ".map(row => parseFloat(row.querySelector('.score').innerText))"
    )


def selected_in_view(page: Browser) -> bool:
    return page.run(
        "const row = document.querySelector('#rows [aria-selected=true]').getBoundingClientRect();"
        "const box = document.getElementById('rows').getBoundingClientRect();"
        "return row.top >= box.top - 1 && row.bottom <= box.bottom + 1"
    )


def free(page: Browser) -> None:
    """Take the focus from wherever it is, and start from the first row."""
    page.run("document.activeElement.blur(); document.getElementById('message').hidden = true")
    page.keys("1", "\ue011")


def test_a_file_that_is_no_image_is_refused_with_a_reason_and_its_upload_removed(loaded, tmp_path):
    queue = Queue(lambda files: explain_images(loaded, files, threads=2), tmp_path)
    files = {"notes.txt": b"no image", "good.png": encoded(1), "cut.png": encoded(2)[:400], "empty.jpg": b""}
    queue.add([arrived(queue, name, data) for name, data in files.items()])
    assert [photograph.name for photograph in queue.since(0, 9)] == ["good.png"]
    assert [name for name, _ in queue.refused] == ["notes.txt", "cut.png", "empty.jpg"]
    assert all(reason and not reason.startswith(name) for name, reason in queue.refused)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_dropped_folder_is_scored_and_a_bad_file_is_refused(dropped):
    assert scores(dropped) == sorted(scores(dropped), reverse=True)
    assert "faces/notes.jpg: not an image" in text(dropped, "#refused")
    assert "faces/more/3.png" in text(dropped, "#rows").replace("\n", "")
    assert re.match(r"0\.\d{3}: predicted (real|fake), unsure", text(dropped, "#prediction"))
    assert "Suspected parts" in text(dropped, "#parts")
    assert "nobody knows here" in text(dropped, "#precision")
    assert "unsure from 0.300 to 0.700" in text(dropped, ".champion")
    assert dropped.run("return document.querySelector('.meter .band').style.width") == "40%"
    assert dropped.run("return document.getElementById('reviewer').value") == "anna"


def test_the_queue_is_sorted(dropped):
    dropped.choose("#order", "lowest score")
    assert scores(dropped) == sorted(scores(dropped))
    for _ in range(3):  # the list has the focus again
        dropped.keys("s")
    assert dropped.run("return document.getElementById('order').value") == "highest score"
    assert dropped.complaints() == []


def test_the_heatmap_is_toggled_by_mouse_and_by_key(dropped):
    dropped.wait("return document.getElementById('photograph').dataset.shows?.includes('heatmap')")
    dropped.click("#heatmap")
    dropped.wait("return document.getElementById('photograph').dataset.shows.includes('plain')")
    assert dropped.run("return document.getElementById('photograph').alt") == "The photograph"
    dropped.run("document.activeElement.blur()")
    dropped.keys("h")
    dropped.wait("return document.getElementById('photograph').dataset.shows.includes('heatmap')")
    assert dropped.run("return document.getElementById('heatmap').checked")


def test_labels_by_mouse_and_by_key_move_on_are_kept_at_once_and_exported(dropped, served):
    free(dropped)
    names = []
    for press in (lambda: dropped.click("#real"), lambda: dropped.keys("f")):
        names.append(text(dropped, "#detail .name"))
        press()
        dropped.run("document.activeElement.blur()")
    assert names[0] != names[1] != text(dropped, "#detail .name") != names[0]
    dropped.keys(UP)
    assert "fake" in text(dropped, "#label") and text(dropped, "#detail .name") == names[1]
    dropped.keys("d")
    dropped.wait("return document.querySelector('#history ol').innerText.includes('anna said fake')")
    dropped.keys("e")
    dropped.wait("return document.getElementById('message').innerText.includes('fakefaces data')")
    table = served[1] / "reviews" / "corrections.csv"
    with table.open() as opened_table:
        rows = {row["name"]: row["label"] for row in csv.DictReader(opened_table)}
    assert rows == {names[0]: "real", names[1]: "fake"}
    assert len(corrections.read_corrections(table)) == 2
    assert dropped.complaints() == []


def test_undo_goes_back_to_the_photograph(dropped):
    free(dropped)
    dropped.keys(END)
    last = text(dropped, "#detail .name")
    dropped.keys("r")
    dropped.wait("return document.querySelectorAll('#rows .mine.real').length === 2")
    assert text(dropped, "#detail .name") == last  # there is no next one
    dropped.keys("\ue011")
    dropped.keys("2")  # the unlabelled: the last is not among them
    assert last not in text(dropped, "#rows").replace("\n", "")
    dropped.keys("z")
    dropped.wait(f"return document.querySelector('#detail .name').innerText === {json.dumps(last)}")
    assert "none" in text(dropped, "#label") and selected_in_view(dropped)
    dropped.keys("1")


def test_a_photograph_is_zoomed_and_moved_by_keys(dropped):
    free(dropped)
    dropped.wait("return document.getElementById('photograph').naturalWidth > 0")
    width = "return document.getElementById('photograph').getBoundingClientRect().width"
    whole = dropped.run(width)
    dropped.keys("+", "+")
    dropped.wait("return document.getElementById('photograph').dataset.shows.endsWith(' 4000')")
    assert dropped.run(width) == pytest.approx(2 * whole, rel=0.01) and text(dropped, "#zoom") == "2 ×"
    before = dropped.run("return document.getElementById('stage').scrollTop")
    assert before > 0  # around the middle
    shifted = {"key": "ArrowDown", "windowsVirtualKeyCode": 40, "modifiers": 8}
    for kind in ("rawKeyDown", "keyUp"):
        dropped.driver.execute_cdp_cmd("Input.dispatchKeyEvent", shifted | {"type": kind})
    dropped.wait(f"return document.getElementById('stage').scrollTop > {before}")
    dropped.keys("0")
    assert dropped.run(width) == pytest.approx(whole, rel=0.01)
    assert dropped.complaints() == []


def test_every_key_is_listed_and_letters_can_be_switched_off(dropped):
    free(dropped)
    dropped.keys("?")
    listed = text(dropped, "#keys tbody")
    for key in ("R", "F", "U", "Z", "↓", "PAGE ↓", "HOME", "END", "N", "H", "+", "-", "0", "1", "7", "S", "/", "D", "M",
                "E", "A", "?", "ESC"):  # fmt: skip
        assert key in listed.upper()
    dropped.keys("r")  # a dialog is open
    dropped.click("#keys-on")
    dropped.keys(ESCAPE)
    labels = text(dropped, "#rows")
    dropped.keys("r")
    assert text(dropped, "#rows") == labels
    dropped.keys("?")
    dropped.click("#keys-on")
    dropped.keys(ESCAPE)
    dropped.keys("/", "3.png")
    wait_for_rows(dropped, 1)
    assert text(dropped, "#rows").count("you:") == labels.split("3.png")[1].split(".png")[0].count("you:")
    dropped.run("const search = document.getElementById('search'); search.value = '';"
                "search.dispatchEvent(new Event('input')); search.blur()")  # fmt: skip


def test_nothing_leaves_the_machine_and_nothing_complains(dropped, served):
    host = served[0].removeprefix("http://")
    strangers = {url for url in dropped.asked() if not re.match(rf"(https?|wss?)://{host}|data:|blob:|chrome:", url)}
    assert not strangers
    assert dropped.complaints() == []


def test_at_phone_width_nothing_sticks_out(dropped):
    dropped.size(360, 740, mobile=True)
    try:
        dropped.driver.refresh()
        wait_for_rows(dropped, 4)
        assert dropped.run("return document.documentElement.scrollWidth") <= 360
        right = (
            "return Math.max(...[...document.querySelectorAll('#detail *')].map(o => o.getBoundingClientRect().right))"
        )
        assert dropped.run(right) <= 360
        assert dropped.run("return document.getElementById('fake').getBoundingClientRect().bottom <= innerHeight")
    finally:
        dropped.size(1200)
    assert dropped.complaints() == []


def test_an_open_page_keeps_labels_while_the_server_is_away_and_knows_a_new_one(chromium, tmp_path):
    def review(folder):
        return review_of(tmp_path, queue_of(tmp_path / folder, 0.9, 0.8))

    with serving(review("first")) as client:
        page = opened(chromium, client.origin)
        wait_for_rows(page, 2)
        page.keys("f")
        page.wait("return document.querySelectorAll('#rows .mine.fake').length === 1")
    page.keys("r")
    page.wait("return document.getElementById('trouble').innerText.includes('1 label is not kept yet')")
    second = review("second")
    with serving(second, client.port):
        page.wait("return document.getElementById('trouble').hidden")
        page.wait("return document.querySelectorAll('#rows .mine').length === 2")
        first, other = second.queue.since(0, 2)
        assert second.labels.of(first.key) == {"anna": "fake"} and second.labels.of(other.key) == {"anna": "real"}
        page.complaints()  # of the time without a server


@pytest.fixture(scope="module")
def many(chromium, tmp_path_factory):
    """The page on a queue of ten thousand, of two people's labels; with the review."""
    folder = tmp_path_factory.mktemp("many")
    files = private(folder / "files")
    photograph, arrivals = encoded(1, 48), []
    queue = Queue(
        lambda given: [
            replace(
                explanation(name, int(name[:5]) / MANY, unfamiliar=int(name[:5]) % 1000 == 7),
                no_heatmap="the network has no convolution",
            )
            for name, _ in given
        ],
        private(folder / "queue"),
    )
    for k in range(MANY):
        (files / f"{k:05}.png").write_bytes(photograph + k.to_bytes(4, "big"))
        arrivals.append(Arrival(f"{k:05}.png", files / f"{k:05}.png", owned=False))
    queue.add(arrivals)
    review = review_of(folder, queue)
    review.rates = ErrorRates(recall=0.9, fpr=0.05, n_fakes=100, n_reals=100)
    for k, (anna, ben) in enumerate([("real", "fake"), ("fake", "fake"), ("real", "real")]):
        for reviewer, label in (("anna", anna), ("ben", ben)):
            review.labels.give(queue.since(k, 1)[0], reviewer, label, "m")
    with serving(review) as client:
        page = opened(chromium, client.origin)
        page.run("sessionStorage.clear()")
        page = opened(chromium, client.origin)
        page.wait(f"return document.getElementById('shown').innerText.startsWith('{MANY:,} shown')")
        page.complaints()  # of a page before, whose server has ended
        yield page, review


def filtered(page: Browser, key: str) -> str:
    page.run("document.activeElement.blur()")
    page.keys(key)
    return text(page, "#shown").split(" shown")[0]


def test_ten_thousand_are_scrolled_with_the_selected_one_in_view(many):
    page, _ = many
    page.keys("1")
    for keys, place in (((END,), MANY), ((UP, UP), MANY - 2), (("\ue00e",), None), (("\ue010",), MANY)):
        page.keys(*keys)
        assert selected_in_view(page)
        assert place is None or f"{place:,} is open" in text(page, "#shown")
        assert len(page.all("#rows .row")) < 60
    page.run("document.getElementById('rows').scrollTop = 300000")
    page.wait("return [...document.querySelectorAll('#rows .row')].some(row => row.offsetTop > 299000"
              " && row.offsetTop < 301000 && row.querySelector('img').naturalWidth)")  # fmt: skip
    page.keys(DOWN)
    assert selected_in_view(page)
    assert text(page, "#no-heatmap") == "No heatmap: the network has no convolution"
    assert page.run("return document.querySelector('.heat').hidden")
    assert page.complaints() == []


def test_each_filter_keeps_what_it_says(many):
    page, _ = many
    expected = {"1": MANY, "2": MANY - 3, "3": 3, "4": 2000, "5": 10, "6": 1, "7": 1}
    assert {key: filtered(page, key) for key in expected} == {key: f"{n:,}" for key, n in expected.items()}
    page.keys("3")
    assert sorted(scores(page)) == [0, 0, 0]
    page.keys("1")


def test_the_least_sure_are_those_of_the_band_then_those_nearest_to_the_threshold(many):
    page, _ = many
    page.run("document.activeElement.blur()")
    page.choose("#order", "least sure")
    assert scores(page)[:3] == pytest.approx([0.5, 0.5, 0.5], abs=0.001)
    page.choose("#order", "highest score")
    page.run("document.activeElement.blur()")


def test_the_agreement_of_two_people_is_shown_with_its_interval(many):
    page, _ = many
    page.keys("m")
    page.wait("return document.getElementById('people').open")
    assert re.search(r"anna and ben\s+3\s+2 of 3\s+0\.40 \[-?0\.\d\d, 0\.\d\d\]", text(page, "#people tbody"))
    page.keys(ESCAPE)


def test_a_precision_stands_with_the_base_rate_that_it_is_for(many):
    page, _ = many
    page.wait("return document.getElementById('precision').innerText.startsWith('15 % [')")
    assert "Where 1 photograph in" in text(page, "#base-rate") and "90 % of the fakes (100" in text(page, "#base-rate")
    page.run(
        "const field = document.getElementById('one-in'); field.value = 10; field.dispatchEvent(new Event('change'))"
    )
    page.wait("return document.getElementById('precision').innerText.startsWith('67 % [')")
    page.run(
        "const field = document.getElementById('one-in'); field.value = ''; field.dispatchEvent(new Event('change'))"
    )
    page.wait("return document.getElementById('precision').innerText.startsWith('write a number')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_page_and_its_dialogs(many, scheme):
    page, _ = many
    page.scheme(scheme)
    try:
        page.keys("1", "\ue011")  # a row with two people's labels
        found = page.violations()
        for key in ("?", "m"):
            page.keys(key)
            page.wait("return document.querySelector('dialog[open]')")
            found += page.violations()
            page.keys(ESCAPE)
        page.keys("e", "+")
        page.wait("return !document.getElementById('message').hidden")
        found += page.violations()
    finally:
        page.keys("0", ESCAPE)
        page.scheme("light")
    assert found == []


def test_another_person_sees_own_labels_alone_and_both_pages_learn_of_each_other(many):
    page, review = many
    page.run("const who = document.getElementById('reviewer'); who.value = ' cleo ';"
             "who.dispatchEvent(new Event('change')); who.blur()")  # fmt: skip
    page.wait("return document.querySelector('#filters [data-filter=labelled] output').innerText === '0'")
    page.keys("1", END)
    page.wait("return document.getElementById('label').innerText.includes('none; 2 others')")
    assert "people disagree" in text(page, "#label")
    page.keys("d")
    page.wait("return document.querySelector('#history ol').innerText.includes('once you have labelled it')")
    first = review.queue.since(9999, 1)[0]
    review.labels.give(first, "cleo", "fake", "m")  # by another server on the same file
    page.wait("return document.querySelector('#filters [data-filter=labelled] output').innerText === '1'")
    review.labels.undo("cleo")
    page.wait("return document.querySelector('#filters [data-filter=labelled] output').innerText === '0'")


def test_a_held_key_does_not_label_the_next_photographs(many):
    page, review = many
    before = len(review.labels.events())
    press = {"type": "rawKeyDown", "key": "f", "text": "f", "windowsVirtualKeyCode": 70}
    page.run("document.activeElement.blur()")
    page.keys("1")
    for repeated in (False, True, True, True):
        page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", press | {"autoRepeat": repeated})
    page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", press | {"type": "keyUp"})
    page.wait("return document.querySelectorAll('#rows .mine.fake').length === 1 || true")
    for _ in range(100):
        if len(review.labels.events()) > before:
            break
        time.sleep(0.05)
    time.sleep(0.2)
    assert len(review.labels.events()) == before + 1


def test_a_doubt_goes_with_the_next_label_alone(many):
    page, review = many
    page.run("document.activeElement.blur()")
    page.keys("1", END, "u")
    page.keys("q", "f")
    page.wait("return document.getElementById('label').innerText.includes('fake, not sure')")
    assert page.run("return document.getElementById('doubt').checked") is False
    page.keys("r")
    page.wait("return document.getElementById('label').innerText.startsWith('Your label: real')")
    assert "not sure" not in text(page, "#label")
    for _ in range(100):  # the page shows a label before the journal has it
        labelled = [event for event in review.labels.events() if event.label][-2:]
        if [event.label for event in labelled] == ["fake", "real"]:
            break
        time.sleep(0.05)
    assert [event.sure for event in labelled] == [False, True]
    assert labelled[0].photograph == labelled[1].photograph


def test_a_taken_port_is_one_message(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = ["-m", "fakefaces.cli", "review", "--no-open", "--port", str(taken.getsockname()[1])]
        environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "in use" in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
