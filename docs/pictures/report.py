"""Retake the README's screenshots of the report and the review page: ``make pictures``, after ``make repro``.

An optional argument is the model of the review page, as for ``fakefaces review --model``; default: the champion.
"""

import base64
import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.wait import WebDriverWait

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo

HERE = Path(__file__).parent
PATIENCE = 120  # seconds, on a busy machine
PROGRAM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")


def main(*model: str) -> None:
    """Open the report and the review page in headless Chromium, and save screenshots."""
    layout = Layout(environment.workspace())
    page = layout.reports / "index.html"
    if not page.is_file():
        raise FakefacesError(f"{page}: there is no report yet; create it with: dvc repro report")
    browser = open_browser()
    try:
        echo("the report")
        report_screenshots(browser, page)
        echo("the review page")
        review_screenshot(browser, layout, *(("--model", model[0]) if model else ()))
    finally:
        browser.quit()


def report_screenshots(browser: Any, page: Path) -> None:
    """The top of the page, the localization metrics, and a fake with its heatmap."""
    set_size(browser, 1200, 900)
    browser.get(page.as_uri())
    wait(browser, "return document.documentElement.dataset.ready === 'true'")
    wait(browser, "return document.querySelectorAll('.vega svg').length > 8")
    save(browser, "report.png")
    browser.execute_script("document.getElementById('looking').scrollIntoView({behavior: 'instant'})")
    save(browser, "looking.png")
    browser.execute_script(
        "const kind = document.querySelector('#filters [name=kind]'); kind.value = 'fake-right';"
        "kind.dispatchEvent(new Event('change', {bubbles: true}));"
        "document.querySelector('#gallery').scrollIntoView({behavior: 'instant'});"
        "document.querySelector('#grid .tile')?.click(); document.getElementById('viewer-truth').click();"
        "document.getElementById('viewer-large').click();"
    )
    time.sleep(0.5)
    save(browser, "viewer.jpg")


def review_screenshot(browser: Any, layout: Layout, *model: str) -> None:
    """The review page with some test images in its queue."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "fakefaces.cli", "review", "--no-open", "--port", str(port), *model]
    server = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
    try:
        wait_for_server(address, server)
        browser.get(address)
        wait(browser, "return document.getElementById('drop')")
        time.sleep(1)
        fakes, reals = (sorted((layout.data / f"training_{kind}").glob("*"))[:9:2] for kind in ("fake", "real"))
        for kind in ("dragEnter", "dragOver", "drop"):
            dragged = {"items": [], "files": [str(path) for path in (*fakes, *reals)], "dragOperationsMask": 1}
            event = {"type": kind, "x": 300, "y": 120, "data": dragged}
            browser.execute_cdp_cmd("Input.dispatchDragEvent", event)
        wait(browser, f"return document.querySelectorAll('#rows [data-key]').length === {len(fakes) + len(reals)}")
        browser.execute_script("document.querySelectorAll('#rows [data-key]')[0].click()")
        time.sleep(1)
        browser.execute_script("document.getElementById('fake').click()")
        time.sleep(2)
        save(browser, "review.jpg")
    finally:
        server.terminate()
        server.wait(30)


def open_browser() -> Any:
    """Debian's Chromium, headless."""
    for program in (PROGRAM, DRIVER):
        if not program.exists():
            raise FakefacesError(f"{program}: needed for the screenshots; install it with: apt install chromium-driver")
    options = ChromeOptions()
    options.binary_location = str(PROGRAM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    return Chrome(options=options, service=ChromeService(str(DRIVER)))


def set_size(browser: Any, width: int, height: int) -> None:
    """Set the size of the viewport in pixels."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def wait(browser: Any, script: str) -> None:
    """Wait until a script returns something true."""
    WebDriverWait(browser, PATIENCE, poll_frequency=0.2).until(lambda driver: driver.execute_script(script))


def wait_for_server(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers."""
    for _ in range(5 * PATIENCE):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None:
                raise FakefacesError("the review page did not start; see the lines above") from None
            time.sleep(0.2)
    raise FakefacesError(f"{address} did not answer in {PATIENCE} s")


def save(browser: Any, name: str) -> None:
    """Save a screenshot: pages with photographs as JPEG, flat ones in 256 colours, a third of the bytes."""
    screenshot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    with Image.open(io.BytesIO(base64.b64decode(screenshot["data"]))) as decoded:
        image = decoded.convert("RGB")
        if name.endswith(".jpg"):
            image.save(HERE / name, quality=85, subsampling=0, optimize=True)
        else:
            image.quantize(256).save(HERE / name, optimize=True)
    print(f"{HERE / name}: {(HERE / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:2])
