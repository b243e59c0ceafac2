"""The memory of the review page on eight drawn faces of 50 megapixels, all sizes of all of them asked for at once.

uv run python benchmarks/review_memory.py outputs/models/forensic
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
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
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as drawn:
        write_samples(Path(drawn), images=PICTURES, seed=0)
        for name in list_photographs(Path(drawn))["image"]:
            face = images.decode(images.read(Path(drawn, name)), name)
            pixels = cv2.resize(face, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
            Path(folder, Path(name).name).write_bytes(images.encode_jpeg(np.asarray(pixels, dtype=np.uint8), 85))
        command = [sys.executable, "-m", "fakefaces.cli", "review", folder, "--no-open", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--model", model, "--to", f"{folder}/reviews"], stderr=subprocess.PIPE, text=True
        )
        try:
            print(f"scored, then with pictures: {' and '.join(f'{peak:.1f} GB' for peak in peaks(process))}")
        finally:
            process.terminate()
            process.wait()


def peaks(process: "subprocess.Popen[str]") -> tuple[float, float]:
    """The largest memory of the page in GB, once all are scored and once all pictures were made."""
    assert process.stderr
    address = next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+", line)))

    def ask(path: str) -> bytes:
        with urllib.request.urlopen(f"{address}{path}", timeout=300) as answer:
            return bytes(answer.read())

    while len(photographs := json.loads(ask("/changes?reviewer=nobody"))["photographs"]) < PICTURES:
        time.sleep(0.2)
    scored = _peak(process.pid)
    paths = [f"/picture/{one['key']}?side={side}&heatmap=1" for one in photographs for side in SIDES]
    with ThreadPoolExecutor(len(paths)) as threads:
        list(threads.map(ask, paths))
    return scored, _peak(process.pid)


def _peak(pid: int) -> float:
    """The largest resident memory of a process so far; the present one where the system does not keep it."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float(psutil.Process(pid).memory_info().rss) / 1e9
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1]) * 1024 / 1e9


if __name__ == "__main__":
    main(*sys.argv[1:2])
