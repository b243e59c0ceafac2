"""The project's servers, and a client that asks as long as the month lasts."""

import json
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.month.clone import Clone
from fakefaces.base.progress import waiting_for

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def server(clone: Clone, log: Path, *command: str) -> Iterator[str]:
    """A server of the project on a free port, until the end of the block; its address."""
    with log.open("w") as out, log.with_suffix(".err").open("w+") as err:
        process = clone.start("fakefaces", *command, "--port", "0", stdout=out, stderr=err)
        try:
            with waiting_for(f"fakefaces {command[0]}"):
                while not (found := _ADDRESS.search(Path(err.name).read_text())):
                    if process.poll() is not None:
                        raise SystemExit(f"ERROR fakefaces {command[0]}: {Path(err.name).read_text()}")
                    time.sleep(0.2)
            yield found[0]
        finally:
            process.terminate()
            process.wait(60)


def ask(url: str, body: bytes | None = None, kind: str = "application/json") -> tuple[dict[str, str], Any]:
    """Headers and JSON of an answer, as a page of that server asks for it."""
    origin = "/".join(url.split("/")[:3])
    request = urllib.request.Request(url, body, {"Content-Type": kind, "Origin": origin})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}, json.load(answer)


class Client:
    """Asks the server for a score again and again, as long as the month lasts."""

    def __init__(self, url: str, photographs: list[Path], pause: float = 0.25):
        self.url, self.versions, self.failed = url, list[str](), list[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._ask, args=([p.read_bytes() for p in photographs], pause), daemon=True
        )
        self._thread.start()

    def _ask(self, images: list[bytes], pause: float) -> None:
        k = 0
        while not self._stop.wait(pause):
            k += 1
            try:
                headers, answer = ask(f"{self.url}/invocations", images[k % len(images)], "image/jpeg")
                assert answer["predictions"][0]["p_fake"] is not None
                self.versions.append(headers["x-model-version"])
            except Exception as error:  # whatever it is, the request was lost
                self.failed.append(repr(error))

    def serves(self, version: int) -> str:
        """Wait until the server has followed the alias to a version, and clients have met it; what /version says."""
        before = len(self.versions)
        with waiting_for(f"the server to follow the alias to version {version}"):
            for _ in range(1200):
                state = ask(f"{self.url}/version")[1]["model"]
                if state["uri"].endswith(f"/{version}") and str(version) in self.versions[before:]:
                    return f"{state['uri']} since {state['since']}"
                time.sleep(0.2)
        raise SystemExit(f"ERROR the server does not follow the alias to version {version}: {state}")

    def stop(self) -> Counter[str]:
        """The number of answers by version."""
        self._stop.set()
        self._thread.join(150)
        return Counter(self.versions)
