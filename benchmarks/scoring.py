"""What the local engine of `fakefaces score` costs, beside what decoding and forward passes allow.

    uv run python benchmarks/scoring.py MODEL FOLDER [--images 1000] [--jobs 2]
    uv run python benchmarks/scoring.py MODEL FOLDER --curve 1000 10000 100000

MODEL is a detector's folder, FOLDER holds photographs. The first form measures, in one run: reading, decoding and
features alone; forward passes alone; both, one image after the other on one thread; and the engine. The second form
scores copies of the photographs, each with a comment of its own in its JPEG, and prints for each number images a second
(from the first image to the last, without the start of processes), seconds in all, processor time an image (of all
processes, their start included), peak memory (resident, summed over the engine and its workers, so that shared
libraries count in each), and the bytes that were written, the list and the receipt included.
"""

import argparse
import os
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil
from numpy.typing import NDArray

from fakefaces.data import formats, images
from fakefaces.inference import detector
from fakefaces.scoring.local import processors

_BLOCK = 20  # images that are measured in turn, so that other programs on the machine disturb all alike
_ROUNDS = 10


@dataclass
class Run:
    """A run of the engine."""

    rate: float  # images a second, from the first to the last
    seconds: float  # with the start and the receipt
    peak: float  # MB
    written: int  # bytes
    parent: float  # seconds of processor time of the engine's own process
    spent: float  # seconds of processor time, of the workers too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=processors())
    parser.add_argument("--curve", type=int, nargs="+")
    given = parser.parse_args()
    photographs = sorted(path for path in given.folder.rglob("*") if path.suffix.lower() in formats.SUFFIXES)
    if given.curve:
        curve(given.model, photographs, given.curve, given.jobs)
    else:
        compare(given.model, photographs, given.images, given.jobs)


def compare(model: Path, photographs: list[Path], count: int, jobs: int) -> None:
    """Print the rates of one thread and of the engine."""
    with copies(photographs, count) as folder:
        before = one_thread(model, photographs)
        run = engine(model, folder, jobs)
        after = one_thread(model, photographs)  # since other programs come and go
    decoding, forward, both, processor = (
        statistics.median((one, other)) for one, other in zip(before, after, strict=True)
    )
    allowed = jobs / (decoding + forward)
    print(f"{'reading, decoding, features':<34}{1000 * decoding:8.1f} ms an image")
    print(f"{'forward passes':<34}{1000 * forward:8.1f} ms an image")
    print(f"{'one process, one thread':<34}{1000 * both:8.1f} ms an image {1 / both:10.1f} images/s")
    print(f"{f'engine, {jobs} processes':<34}{1000 / run.rate:8.1f} ms an image {run.rate:10.1f} images/s")
    print(f"engine : one thread = {run.rate * both:.2f}; engine : allowed = {run.rate / allowed:.2f}")
    alone, spent, own = (1000 * value for value in (processor, run.spent / count, run.parent / count))
    print(
        f"processor time an image: one thread {alone:.1f} ms, engine {spent:.1f} ms, of which its own process {own:.2f}"
    )


def one_thread(model: Path, photographs: list[Path]) -> tuple[float, float, float, float]:
    """Seconds an image on one thread: reading, decoding and features; forward pass; both; processor time of both."""
    loaded = detector.load(model)
    spent: tuple[list[float], ...] = ([], [], [], [])
    blocks = cycle(photographs)
    loaded.score("warm", photographs[0].read_bytes)
    for _ in range(_ROUNDS):
        block = list(islice(blocks, _BLOCK))
        features: list[NDArray[Any]] = []
        spent[0].append(timed(lambda: features.extend(loaded.read(images.read(path)) for path in block)))  # noqa: B023
        spent[1].append(timed(lambda: [loaded.graph(value) for value in features]))  # noqa: B023
        start = time.process_time()
        spent[2].append(timed(lambda: [loaded.score("", path.read_bytes) for path in block]))  # noqa: B023
        spent[3].append(time.process_time() - start)
    decoding, forward, both, processor = (statistics.median(seconds) / _BLOCK for seconds in spent)
    return decoding, forward, both, processor


def timed(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def curve(model: Path, photographs: list[Path], counts: list[int], jobs: int) -> None:
    """Print the costs by number of images."""
    print(f"{'images':>9}{'images/s':>10}{'seconds':>9}{'processor ms':>14}{'peak MB':>9}{'bytes an image':>16}")
    for count in counts:
        with copies(photographs, count) as folder:
            run = engine(model, folder, jobs)
        spent, each = 1000 * run.spent / count, run.written / count
        print(
            f"{count:>9,}{run.rate:>10.1f}{run.seconds:>9.1f}{spent:>14.2f}{run.peak:>9.0f}{each:>16.1f}",
            flush=True,
        )


@contextmanager
def copies(photographs: list[Path], count: int) -> Iterator[Path]:
    """A temporary folder of ``count`` files, a thousand in a folder, whose bytes all differ."""
    with tempfile.TemporaryDirectory(prefix="fakefaces-") as temporary:
        for k, path in enumerate(islice(cycle(photographs), count)):
            copy = Path(temporary) / f"{k // 1000:04d}" / f"{k:07d}{path.suffix}"
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(with_comment(path.read_bytes(), f"copy {k}".encode()))
        yield Path(temporary)


def with_comment(data: bytes, comment: bytes) -> bytes:
    """A JPEG with one more comment at its beginning; other formats as they are."""
    if data[:2] != b"\xff\xd8":
        return data
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


def engine(model: Path, folder: Path, jobs: int) -> Run:
    """Run `fakefaces score` in a process of its own, and watch its memory."""
    with tempfile.TemporaryDirectory(prefix="fakefaces-") as temporary:
        output, log = Path(temporary) / "scores", Path(temporary) / "log"
        command = [sys.executable, "-m", "fakefaces.cli", "score", str(folder), str(output)]
        options = ["--model", str(model.absolute()), "--jobs", str(jobs)]
        start, peak, parent, before = time.perf_counter(), 0, 0.0, resource.getrusage(resource.RUSAGE_CHILDREN)
        with log.open("w") as opened:
            process = psutil.Popen([*command, *options], stderr=opened, env=os.environ | {"COLUMNS": "200"})
            while process.poll() is None:
                try:
                    times = process.cpu_times()
                    parent = times.user + times.system
                    family = (process, *process.children(recursive=True))
                    peak = max(peak, sum(member.memory_info().rss for member in family))
                except psutil.NoSuchProcess:
                    pass
                time.sleep(0.05)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        said = log.read_text()
        if process.returncode:
            sys.exit(said)
        rates = re.findall(r"([\d.]+) images/s", said)
        written = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
        return Run(float(rates[-1]), seconds, peak / 1e6, written, parent, spent)


if __name__ == "__main__":
    main()
