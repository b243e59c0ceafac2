"""The review page under a large queue: the time from a key press to the picture of what it leads to.

    uv run python benchmarks/review.py [--photographs 10000] [--presses 20] [--hasty]

A headless Chromium opens the page, whose server is a process of its own. The photographs are JPEG files of 1000 pixels
whose scores are made up, so that no model runs beside it. A press has ended when the row that it leads to is selected
and in view, and its photograph decoded and in place: the next frame shows it. The keys take turns, each pressed half a
second after the one before, as by a person who looks; with --hasty at once.
"""

import argparse
import hashlib
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fakefaces.base.errors import FakefacesError
from fakefaces.data.images import encode_jpeg
from fakefaces.explain.explanation import Explanation
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.inference.score import Score
from fakefaces.review.arrivals import Arrivals
from fakefaces.review.labels import Labels
from fakefaces.review.queue import Arrival, Queue
from fakefaces.review.review import Review
from fakefaces.review.server import HOST, serve
from fakefaces.web.connections import listener

SIDE = 1000  # pixels of the photographs
DIFFERENT = 20  # photographs; the files differ all the same
KEYS = {
    "F, label and go on": "f",
    "↓, the next": "ArrowDown",
    "Z, undo": "z",
    "Page ↓, a page further": "PageDown",
    "2, filter": "2",
    "1, filter": "1",
    "S, order": "s",
    "End, the last": "End",
    "Home, the first": "Home",
}
# Notes for each press when the page has come to rest in what it leads to.
WATCH = """
window.presses = [];
document.addEventListener("keydown", async (event) => {
  const image = document.getElementById("photograph"), box = document.getElementById("rows");
  for (;;) {
    await new Promise(requestAnimationFrame);
    const row = box.querySelector("[aria-selected=true]");
    if (!row || !image.src || image.dataset.shows.split(" ")[0] !== row.dataset.key) continue;
    const [inside, around] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inside.top < around.top - 1 || inside.bottom > around.bottom + 1) continue;
    await image.decode().catch(() => {});
    break;
  }
  window.presses.push(performance.now() - event.timeStamp);
}, true);
"""


def photographs(folder: Path, n: int) -> list[Arrival]:
    """Files that are all different, and decode to a few pictures."""
    random = np.random.default_rng(0)
    blurred = [np.kron(random.integers(0, 256, (50, 50, 3)), np.ones((20, 20, 1))) for _ in range(DIFFERENT)]
    files = [encode_jpeg((picture + random.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8), 90)
             for picture in blurred]  # fmt: skip
    arrivals = []
    for k in range(n):
        path = folder / f"{k:06}.jpg"
        path.write_bytes(files[k % DIFFERENT] + k.to_bytes(4, "big"))
        arrivals.append(Arrival(path.name, path, owned=False))
    return arrivals


def explain(files: Sequence[tuple[str, bytes]]) -> list[Explanation]:
    """Made-up scores with heatmaps."""
    heatmap = np.linspace(0, 1, 1024, dtype=np.float32).reshape(32, 32)
    made = []
    for name, data in files:
        p_fake = int.from_bytes(hashlib.sha256(data).digest()[:4], "big") / 2**32
        label = "fake" if p_fake >= 0.5 else "real"
        made.append(Explanation(Score(path=name, p_fake=p_fake, label=label, unsure=0.4 <= p_fake < 0.6), heatmap))
    return made


def server(folder: Path, n: int, ready: Any) -> None:
    """The page's server; puts its port once all photographs are scored."""
    queue = Queue(explain, folder / "queue")
    queue.folder.mkdir()
    arrivals = photographs(folder, n)
    for start in range(0, n, 16):
        queue.add(arrivals[start : start + 16])
    metadata = DetectorMetadata(model="none", kind="none", image_size=32, weights="none", threshold=0.5, parameters=0)
    with listener(HOST, 0) as bound:
        labels = Labels(folder / "labels.db")
        ready.put(bound.getsockname()[1])
        serve(Review(queue, Arrivals(queue), labels, metadata, folder / "reviews", "anna"), bound, show=False)


def press(browser: Any, key: str) -> None:
    """Press and release a key, as the operating system does."""
    event: dict[str, Any] = {"key": key}
    if len(key) == 1:
        event |= {"text": key}
    for kind in ("keyDown", "keyUp"):
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", event | {"type": kind})


def program(name: str) -> str:
    """The path of a program; selenium would fetch one."""
    if (path := shutil.which(name)) is None:
        raise FakefacesError(f"{name}: not on the PATH; install it with: apt install chromium-driver")
    return path


def expected(script: str) -> Callable[[Any], Any]:
    """What a script gives, for selenium to wait for."""
    return lambda browser: browser.execute_script(script)


def main() -> None:
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    from selenium.webdriver.support.wait import WebDriverWait

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photographs", type=int, default=10_000)
    parser.add_argument("--presses", type=int, default=20, help="of each key")
    parser.add_argument("--hasty", action="store_true", help="press the next key at once")
    given = parser.parse_args()
    options = ChromeOptions()
    options.binary_location = program("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1200,900"):
        options.add_argument(argument)
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        ready = context.Queue()
        process = context.Process(target=server, args=(Path(folder), given.photographs, ready))
        process.start()
        browser = Chrome(options=options, service=ChromeService(program("chromedriver")))
        wait = WebDriverWait(browser, 120, poll_frequency=0.02)
        try:
            browser.get(f"http://{HOST}:{ready.get(timeout=600)}")
            shown = f"return document.getElementById('shown').innerText.startsWith('{given.photographs:,} shown')"
            opened = time.perf_counter()
            wait.until(expected(shown))
            seconds = time.perf_counter() - opened
            print(f"all {given.photographs:,} rows are there {seconds:.1f} s after the page was opened")
            browser.execute_script(WATCH)
            times: dict[str, list[float]] = {name: [] for name in KEYS}
            for k in range(given.presses * len(KEYS)):
                name = list(KEYS)[k % len(KEYS)]
                press(browser, KEYS[name])
                ended = f"return window.presses.length > {k} && window.presses[{k}]"
                times[name].append(wait.until(expected(ended)))
                time.sleep(0 if given.hasty else 0.5)
            print("| key | median | 95th percentile | largest |\n| --- | --- | --- | --- |")
            for name, values in times.items():
                middle, high = np.percentile(values, [50, 95])
                print(f"| {name} | {middle:.0f} ms | {high:.0f} ms | {max(values):.0f} ms |")
        finally:
            browser.quit()
            process.terminate()
            process.join()


if __name__ == "__main__":
    main()
