"""A headless Chromium that notes what a page complains of and whom it asks for something."""

import base64
import importlib.util
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """Chromium, driven by selenium.

    Attributes:
        driver: selenium's.
    """

    def __init__(self, driver: Any):
        self.driver = driver

    def open(self, url: str) -> None:
        """Load a page and wait until it says that it is ready."""
        self.driver.get(url)
        self.wait("return document.readyState === 'complete'")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, seconds: float = 30) -> Any:
        """Wait until a script returns something true, and give it."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, poll_frequency=0.1).until(
            lambda driver: driver.execute_script(script)
        )

    def one(self, selector: str) -> Any:
        """The one element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        """All elements of a CSS selector."""
        return list(self.driver.find_elements("css selector", selector))

    def click(self, selector: str) -> None:
        """Click an element, from a place where nothing lies over it."""
        found = self.one(selector)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        found.click()

    def choose(self, selector: str, text: str) -> None:
        """Choose an option of a select as a person does."""
        from selenium.webdriver.support.ui import Select

        Select(self.one(selector)).select_by_visible_text(text)

    def keys(self, *keys: str) -> None:
        """Press keys where the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def drop(self, *paths: Path) -> None:
        """Drop files or folders onto the middle of the page, as from a file manager."""
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 200, "y": 200, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def size(self, width: int, height: int = 900, *, mobile: bool = False) -> None:
        """Show the page at a size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name: str) -> None:
        """Prefer ``light`` or ``dark``."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def shot(self, path: Path) -> None:
        """A picture of what is seen."""
        made = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(made["data"]))

    def violations(self) -> list[str]:
        """What axe-core finds that keeps people with disabilities from the page: rule, element, and why."""
        package = importlib.util.find_spec("axe_core_python")
        if package is None or package.origin is None:
            pytest.skip("axe-core-python is not installed; uv sync does it")
        self.run(Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
        results = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {resultTypes: ['violations']})"
            ".then(done, error => done({violations: [], error: `${error}`}))"
        )
        assert "error" not in results, results["error"]
        return [
            f"{rule['id']}: {node['target']}: {' '.join(node['failureSummary'].split())}"
            for rule in results["violations"]
            for node in rule["nodes"]
        ]

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def asked(self) -> set[str]:
        """The addresses that pages have asked for since the last call."""
        found = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.add(message["params"]["request"]["url"].split(",")[0][:200])
            if message["method"] == "Network.webSocketCreated":
                found.add(message["params"]["url"])
        return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Start one; skip the test where there is none."""
    selenium = pytest.importorskip("selenium", reason="selenium is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip(f"no {' or '.join(PROGRAMS)} with its chromedriver on the PATH")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    assert selenium
    options = ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=ChromeService(driver))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()
