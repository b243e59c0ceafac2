"""The review page, driven in a browser."""

import csv
import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.error import HTTPError

import numpy as np
import pytest
from PIL import Image

from fakefaces.explain import explained_detector
from fakefaces.explain.explanation import explain_images
from fakefaces.inference import detector
from fakefaces.inference.metadata import DetectorMetadata, Operating
from fakefaces.ingest import corrections
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.review.queue import Queue, webp_preview
from tests.browser import Browser, browser
from tests.conftest import ROOT
from tests.detectors import copy_detector, saved_and_loaded
from tests.review.test_queue import encoded


def test_a_file_that_is_no_image_is_refused_with_a_reason(loaded, tmp_path):
    queue = Queue(lambda files: explain_images(loaded, files, threads=2), tmp_path)
    queue.add([("notes.txt", b"no image"), ("good.png", encoded(1)), ("cut.png", encoded(2)[:400]), ("empty.jpg", b"")])
    assert [item.name for item in queue.sorted("as added")] == ["good.png"]
    assert [name for name, _ in queue.refused] == ["notes.txt", "cut.png", "empty.jpg"]
    assert all(reason and not reason.startswith(name) for name, reason in queue.refused)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    runtime.start(seed=1, threads=2)
    network = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    operating = Operating(threshold=0.55, low=0.3, high=0.7)
    return saved_and_loaded(network, tmp_path_factory.mktemp("detector") / "loaded", operating=operating)


@pytest.fixture(scope="module")
def served(loaded, tmp_path_factory):
    """The page in a process of its own, as `make app` starts it; its address and its folder."""
    pytest.importorskip("nicegui", reason="the extra `app` is not installed")
    folder = tmp_path_factory.mktemp("review")
    copy_detector(loaded, folder / "model")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fakefaces.cli", "review", "--no-open", "--port", str(port), "--model", "model"]
    with (folder / "log").open("w") as log:
        # NiceGUI takes a process with pytest's variables for one of its own tests.
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        process = subprocess.Popen(command, cwd=folder, env=clean, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(address, timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.2)
            yield address, folder
        finally:
            process.terminate()
            process.wait(20)
    assert "Traceback" not in (folder / "log").read_text()


@pytest.fixture(scope="module")
def page(served):
    with browser() as chromium:
        chromium.size(1200)
        chromium.open(served[0])
        chromium.wait("return document.getElementById('drop')")
        yield chromium


@pytest.fixture(scope="module")
def dropped(page, served) -> Browser:
    """A folder with four photographs, one of them in a folder of its own, and a file that is none."""
    folder = served[1] / "faces"
    (folder / "more").mkdir(parents=True)
    for k in range(4):
        (folder / ("more" if k == 3 else "") / f"{k}.png").write_bytes(encoded(k))
    (folder / "notes.jpg").write_text("no image")
    page.drop(folder)
    page.wait("return document.querySelectorAll('#rows [data-key]').length === 4")
    page.wait("return document.querySelector('#refused .refusal')")
    return page


def text(page: Browser, selector: str) -> str:
    return page.run("return document.querySelector(arguments[0]).innerText", selector)


def scores(page: Browser) -> list[float]:
    return page.run("return [...document.querySelectorAll('#rows .score')].map(one => parseFloat(one.innerText))")


def test_a_dropped_folder_is_scored_and_a_bad_file_is_refused(dropped):
    assert scores(dropped) == sorted(scores(dropped), reverse=True)
    assert "faces/notes.jpg: not an image" in text(dropped, "#refused")
    assert "faces/more/3.png" in text(dropped, "#rows")
    assert re.match(r"0\.\d{3}: predicted (real|fake), unsure", text(dropped, "#prediction"))
    assert "Suspected parts" in text(dropped, "#parts")
    assert "unsure from 0.300 to 0.700" in text(dropped, ".champion")
    assert dropped.run("return document.querySelector('.meter .band').style.width") == "40%"


def test_the_queue_is_sorted_by_a_click(dropped):
    dropped.run("[...document.querySelectorAll('#order button')].find(b => b.innerText === 'lowest score').click()")
    dropped.wait("const s = [...document.querySelectorAll('#rows .score')].map(o => parseFloat(o.innerText));"
                 "return s.every((v, k) => k === 0 || s[k - 1] <= v)")  # fmt: skip
    assert dropped.complaints() == []


def test_the_heatmap_is_toggled(dropped):
    dropped.wait("return document.getElementById('photograph').naturalWidth > 0")
    assert "heatmap=1" in dropped.run("return document.getElementById('photograph').src")
    dropped.click("#heatmap")
    dropped.wait("return document.getElementById('photograph').src.includes('heatmap=0')")
    dropped.click("#heatmap")
    dropped.wait("return document.getElementById('photograph').src.includes('heatmap=1')")


def test_a_label_is_corrected_by_mouse_and_by_key_and_exported(dropped, served):
    dropped.run("document.querySelectorAll('#rows [data-key]')[1].click()")
    dropped.wait("return document.querySelectorAll('#rows [data-key]')[1].classList.contains('q-item--active')")
    first = text(dropped, "#detail .name")
    dropped.click("#real")
    dropped.wait("return document.getElementById('label').innerText.includes('real')")
    dropped.run("document.activeElement.blur()")
    dropped.keys("\ue015")  # the arrow down
    dropped.wait(f"return document.querySelector('#detail .name').innerText !== {first!r}")
    second = text(dropped, "#detail .name")
    dropped.keys("f")
    dropped.wait("return document.getElementById('label').innerText.includes('fake')")
    dropped.click("#export")
    dropped.wait(
        "return [...document.querySelectorAll('.q-notification')].some(n => n.innerText.includes('fakefaces data'))"
    )
    table = served[1] / "reviews" / "corrections.csv"
    with table.open() as opened:
        rows = {row["name"]: row["label"] for row in csv.DictReader(opened)}
    assert rows == {first: "real", second: "fake"}
    assert len(corrections.read_corrections(table)) == 2


def test_nothing_leaves_the_machine_and_nothing_complains(dropped, served):
    host = served[0].removeprefix("http://")
    strangers = {url for url in dropped.asked() if not re.match(rf"(https?|wss?)://{host}|data:|blob:|chrome:", url)}
    assert not strangers
    assert dropped.complaints() == []


def test_at_phone_width_nothing_sticks_out(dropped):
    dropped.size(360, 740, mobile=True)
    try:
        dropped.driver.refresh()
        dropped.wait("return document.querySelectorAll('#rows [data-key]').length === 4")
        assert dropped.run("return document.documentElement.scrollWidth") <= 360
        right = (
            "return Math.max(...[...document.querySelectorAll('#detail *')].map(o => o.getBoundingClientRect().right))"
        )
        assert dropped.run(right) <= 360
    finally:
        dropped.size(1200)
    assert dropped.complaints() == []


def test_requests_of_other_sites_are_refused(served):
    def status(headers: dict[str, str], path: str, data: bytes | None) -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(served[0] + path, data, headers), timeout=20) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    assert status({"Origin": "http://elsewhere.invalid"}, "/files?name=a.png", encoded(9)) == 403
    assert status({}, "/files?name=a.png", encoded(9)) == 403
    assert status({"Host": "elsewhere.invalid"}, "/", None) == 403
    assert status({}, "/picture/nothing", None) == 404


def test_a_taken_port_is_one_message(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = ["-m", "fakefaces.cli", "review", "--no-open", "--port", str(taken.getsockname()[1])]
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use" in done.stderr and "Traceback" not in done.stderr


def test_a_preview_is_small_and_coloured_where_the_heatmap_is_hot():
    heatmap = np.zeros((4, 4), np.float32)
    heatmap[0, 0] = 1
    plain, overlaid = (
        np.asarray(Image.open(io.BytesIO(webp_preview(encoded(1, 400), heat, 100))), int) for heat in (None, heatmap)
    )
    assert plain.shape == overlaid.shape == (100, 100, 3)
    change = np.abs(plain - overlaid).sum(axis=2)
    assert change[:15, :15].mean() > 10 * change[60:, 60:].mean()


@pytest.mark.parametrize(
    ("operating", "threshold"), [(Operating(threshold=0.55, low=0.3, high=0.7), 0.55), (None, 0.5)]
)
def test_the_command_sorts_by_distance_to_the_operating_threshold(monkeypatch, tmp_path, operating, threshold):
    pytest.importorskip("nicegui", reason="the extra `app` is not installed")
    from fakefaces.cli import review as command
    from fakefaces.review import page

    metadata = DetectorMetadata(
        model="m", kind="k", image_size=32, weights="w", threshold=0.5, parameters=1, operating=operating
    ).model_dump_json()
    (tmp_path / "detector.json").write_text(metadata)
    served: list[Queue] = []
    monkeypatch.setattr(
        explained_detector, "load", lambda folder, threads: detector.Detector(None, detector.read_metadata(folder))
    )
    monkeypatch.setattr(page, "serve", lambda queue, metadata, **options: served.append(queue))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command(port=port, to=tmp_path / "to", model=str(tmp_path), show=False, threads=1)
    assert [queue.threshold for queue in served] == [threshold]
