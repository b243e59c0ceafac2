"""Retake the README's screenshot of the runs in MLflow's UI: ``make pictures``, after ``make repro``."""

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
from fakefaces.tracking.pages import runs_page

COLUMNS = ("validation_roc_auc", "test_roc_auc", "test_roc_auc_low", "test_roc_auc_high")
WIDTH, HEIGHT = 1360, 900
PATIENCE = 180  # seconds, on a busy machine
TARGET = Path(__file__).with_name("mlflow.png")


def main() -> None:
    """Start MLflow's UI, open the runs, expand the tree, add columns, and save a screenshot."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", environment.tracking_uri()]
    server = subprocess.Popen(
        command,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    browser = None
    try:
        echo("waiting for MLflow's UI")
        wait_for_port(port)
        browser = open_browser(f"http://127.0.0.1:{port}/")
        take_screenshot(browser, f"http://127.0.0.1:{port}/")
    finally:
        if browser:
            browser.quit()
        server.terminate()
        server.wait(30)
    # 256 colours suffice for flat pages, in a third of the bytes.
    with Image.open(TARGET) as screenshot:
        screenshot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


def take_screenshot(browser: webdriver.Chrome, url: str) -> None:
    """Select columns and expand rows, and save a screenshot."""
    # The page stores its columns and expanded rows in the browser's local storage.
    experiment, expanded = expanded_runs()
    storage = {
        f'MLflowLocalStorage-1.1-ExperimentPage-["{experiment}"]-ReactComponentState': {
            "selectedColumns": [f"metrics.`{column}`" for column in COLUMNS],
            "runsExpanded": dict.fromkeys(expanded, True),
        },
        "mlflow.assistant.panelOpen_v1": False,
        "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    }
    for key, value in storage.items():
        browser.execute_script("localStorage.setItem(arguments[0], arguments[1])", key, json.dumps(value))
    browser.get(runs_page(experiment, url))
    browser.refresh()
    wait_for_element(browser, "//*[contains(text(), 'matching runs')]")
    time.sleep(3)  # until animations end
    browser.save_screenshot(str(TARGET))


def wait_for_element(browser: webdriver.Chrome, path: str) -> WebElement:
    """The element at an XPath, as soon as it exists."""
    return WebDriverWait(browser, PATIENCE).until(lambda page: page.find_element(By.XPATH, path))


def open_browser(url: str) -> webdriver.Chrome:
    """A browser on a page."""
    options = Options()
    for argument in ("headless=new", "no-sandbox", "hide-scrollbars", f"window-size={WIDTH},{HEIGHT}"):
        options.add_argument(f"--{argument}")
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    browser.get(url)
    return browser


def wait_for_port(port: int) -> None:
    """Wait until something listens on the port."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise WebDriverException(f"MLflow's UI did not start on port {port}")


def expanded_runs() -> tuple[str, list[str]]:
    """The id of the project's experiment, and the id of the run to expand: that of the newest pipeline."""
    from fakefaces.tracking.store import connect

    store = connect()
    return str(store.experiment_id), [run.info.run_id for run in store.search_runs("tags.role = 'pipeline'")[:1]]


if __name__ == "__main__":
    main()
