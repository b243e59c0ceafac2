"""Take the picture of MLflow's pages in the README again: ``make pictures``, after ``make repro``.

It shows the runs of the store as MLflow's own pages do, in headless Chromium.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from fakefaces.base import environment
from fakefaces.base.progress import echo

COLUMNS = ("validation_roc_auc", "test_roc_auc", "test_accuracy")
WIDTH, HEIGHT = 1360, 900
PATIENCE = 180  # seconds, on a busy machine
TARGET = Path(__file__).with_name("mlflow.png")


def main() -> None:
    """Start MLflow's pages, open the runs, unfold the tree, add the columns, and save what is seen."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", environment.tracking_uri()]
    pages = subprocess.Popen(
        command,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    browser = None
    try:
        echo("waiting for MLflow's pages")
        reachable(port)
        browser = opened(f"http://127.0.0.1:{port}/")
        picture(browser, f"http://127.0.0.1:{port}/")
    finally:
        if browser:
            browser.quit()
        pages.terminate()
        pages.wait(30)
    # 256 colours of flat pages look the same, in a third of the bytes.
    with Image.open(TARGET) as taken:
        taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def picture(browser: webdriver.Chrome, url: str) -> None:
    """Arrange the page as a reader would with the mouse, and save what is seen."""
    # The page keeps its columns and unfolded rows in the browser's storage.
    found, unfolded = runs()
    arranged = {
        f'MLflowLocalStorage-1.1-ExperimentPage-["{found}"]-ReactComponentState': {
            "selectedColumns": ["tags.`role`", *(f"metrics.`{column}`" for column in COLUMNS)],
            "runsExpanded": dict.fromkeys(unfolded, True),
        },
        "mlflow.assistant.panelOpen_v1": False,
        "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    }
    for key, value in arranged.items():
        browser.execute_script("localStorage.setItem(arguments[0], arguments[1])", key, json.dumps(value))
    browser.get(f"{url}#/experiments/{found}/runs")
    browser.refresh()
    seen(browser, "//*[text()='Model training']").click()
    browser.get(f"{url}#/experiments/{found}/runs")
    seen(browser, "//*[contains(text(), 'matching runs')]")
    time.sleep(3)  # until nothing moves any more
    browser.save_screenshot(str(TARGET))


def seen(browser: webdriver.Chrome, path: str) -> WebElement:
    """The element at an XPath, as soon as it is there."""
    return WebDriverWait(browser, PATIENCE).until(lambda page: page.find_element(By.XPATH, path))


def opened(url: str) -> webdriver.Chrome:
    """A browser on a page."""
    options = Options()
    for argument in ("headless=new", "no-sandbox", "hide-scrollbars", f"window-size={WIDTH},{HEIGHT}"):
        options.add_argument(f"--{argument}")
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    browser.get(url)
    return browser


def reachable(port: int) -> None:
    """Wait until the port is answered."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise WebDriverException(f"MLflow's pages did not come up on port {port}")


def runs() -> tuple[str, list[str]]:
    """The id of the project's experiment, and those of the runs that are shown unfolded."""
    from fakefaces.tracking.store import connect

    store = connect()
    return str(store.experiment_id), [run.info.run_id for run in store.search_runs("tags.role = 'pipeline'")]


if __name__ == "__main__":
    main()
