"""The memory of the review page on eight drawn faces of 50 megapixels, all sizes of all of them asked for at once.

It is that of the page and of the processes that it starts together, every 10 ms: the sum of their resident memory,
where what several of them share, as libraries, counts once for each.

uv run python benchmarks/review_memory.py outputs/models/forensic
"""

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import psutil

from fakefaces.data import images
from fakefaces.data.photographs import list_photographs
from fakefaces.review.previews import SIDES
from syntheticfaces import write_samples

PICTURES = 8
HEIGHT, WIDTH = 6272, 8000


def main(model: str) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as faces:
        write_samples(Path(faces), images=PICTURES, seed=0)
        for name in list_photographs(Path(faces))["image"]:
            face = images.decode(images.read(Path(faces, name)), name)
            pixels = cv2.resize(face, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
            Path(folder, Path(name).name).write_bytes(images.encode_jpeg(np.asarray(pixels, dtype=np.uint8), 85))
        command = [sys.executable, "-m", "fakefaces.cli", "review", folder, "--no-open", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--model", model, "--to", f"{folder}/reviews"], stderr=subprocess.PIPE, text=True
        )
        try:
            scored, drawn = peaks(process)
            print(f"scored: {scored:.2f} GB; then with pictures: {drawn:.2f} GB")
        finally:
            process.terminate()
            process.wait()


def peaks(process: "subprocess.Popen[str]") -> tuple[float, float]:
    """The largest memory of the page in GB, once all are scored and once all pictures were made."""
    assert process.stderr
    memory = Memory(process.pid)
    address = next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+", line)))

    def ask(path: str) -> bytes:
        with urllib.request.urlopen(f"{address}{path}", timeout=300) as answer:
            return bytes(answer.read())

    while len(photographs := json.loads(ask("/changes?reviewer=nobody"))["photographs"]) < PICTURES:
        time.sleep(0.2)
    scored = memory.most
    paths = [f"/picture/{one['key']}?side={side}&heatmap=1" for one in photographs for side in SIDES]
    with ThreadPoolExecutor(len(paths)) as threads:
        list(threads.map(ask, paths))
    return scored / 1e9, memory.most / 1e9


class Memory(threading.Thread):
    """Watches the memory of a process and of those that it has started."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.most = 0  # bytes
        self._process = psutil.Process(pid)
        self.start()

    def run(self) -> None:
        """Until the process ends."""
        with suppress(psutil.NoSuchProcess):
            while True:
                self.most = max(self.most, _resident(self._process) + sum(map(_resident, self._process.children(True))))
                time.sleep(0.01)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main(*sys.argv[1:2])
