"""Training on an accelerator: images a second, how busy the device is, and whether it agrees with the processor.

    KERAS_BACKEND=jax uv run python benchmarks/accelerator.py [--images 4096] [--batch-sizes 32 256] [--before SRC]

It trains the custom CNN at 256 px on rows of random pixels that are read from the disk, as the train stage does, each
training in a process of its own: one epoch that is not counted, then three. `busy` is the mean of the device's own
answer (`nvidia-smi`, `utilization.gpu`, ten times a second) over the epochs that count. `--before` is the `src/` of
another version of this project, measured by turns with this one. Then it trains 2 and 4 seeds side by side, and
compares the losses of the first steps, from the same weights and without dropout, with those on the processor. It
needs Keras, its backend, NumPy, OpenCV and albumentations; TensorFlow only where it is the backend.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SRC = Path(__file__).parents[1] / "src"
SIZE, EPOCHS, RATE, STEPS = 256, 3, 0.002, 10
QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits")


class Watch:
    """Asks the device ten times a second how busy it is, and how much of its memory is taken, MiB."""

    def __init__(self) -> None:
        self._answers: list[tuple[float, float]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._stopped.wait(0.1):
            try:
                answer = subprocess.run(QUERY, capture_output=True, text=True, check=True).stdout.splitlines()[0]
            except (OSError, subprocess.CalledProcessError, IndexError):
                return  # no such device
            busy, memory = answer.split(",")
            self._answers.append((float(busy), float(memory)))

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def told(self) -> tuple[float, float]:
        """The mean share of time that the device was busy, percent, and the most memory; not a number if unknown."""
        if not self._answers:
            return float("nan"), float("nan")
        busy, memory = zip(*self._answers, strict=True)
        return statistics.mean(busy), max(memory)


def steps_of(network: Any, precision: str, images: int, batch_size: int) -> Any:
    """The steps of an epoch, of this version or of the one before it."""
    from fakefaces.training import step

    optimizer = step.adam(network, RATE, precision)
    if hasattr(step, "training_steps"):
        return step.training_steps(network, optimizer, images, batch_size, np.uint8)
    take = getattr(step, "training_step")(network, optimizer, batch_size)  # noqa: B009
    return lambda batches: np.concatenate([take(*batch) for batch in batches])


def custom_cnn(parameters: dict[str, Any]) -> Any:
    from fakefaces.models.kinds import model_spec

    return model_spec("custom_cnn", parameters, "benchmark").build((SIZE, SIZE, 3))


def train(rows: Path, images: int, batch_size: int, precision: str, seed: int, beside: int) -> tuple[float, ...]:
    """Begin and end of the epochs that count, s, the busy share in percent, the device's memory in MiB, and ROC AUC.

    They begin when as many trainings as run side by side have ended the epoch that does not count.
    """
    from fakefaces.data.arrays import SplitArrays
    from fakefaces.data.stored_rows import StoredRows
    from fakefaces.models import runtime
    from fakefaces.training.augmentation import Augmenter, Recipe
    from fakefaces.training.batches import batches

    runtime.start(seed, 2)
    labels = np.arange(images, dtype=np.float32) % 2
    arrays = SplitArrays(StoredRows(rows, np.arange(images)), labels, np.zeros((images, 4), np.int8))
    network = runtime.with_precision(custom_cnn({}), precision)
    steps = steps_of(network, precision, images, batch_size)
    order = np.random.default_rng(seed).permutation(images)

    def epoch() -> NDArray[np.float32]:
        p_fake: NDArray[np.float32] = steps(batches(arrays, order, Augmenter(Recipe([]), [seed]), batch_size))
        return p_fake

    epoch()
    (rows.parent / f"ready{beside}-{seed}").touch()
    while len(list(rows.parent.glob(f"ready{beside}-*"))) < beside:
        time.sleep(0.01)
    with Watch() as watch:
        begun = time.time()
        for _ in range(EPOCHS):
            p_fake = epoch()
        ended = time.time()
    fake = labels[order] == 1
    separated = float((p_fake[fake][:, None] > p_fake[~fake][None]).mean())
    return begun, ended, *watch.told(), separated


def losses(rows: Path, precision: str) -> list[float]:
    """The cross-entropy of the first steps, without dropout."""
    from fakefaces.data.stored_rows import StoredRows
    from fakefaces.models import runtime

    runtime.start(0, 2)
    network = custom_cnn({"dropout": 0.0})
    drawn = np.random.default_rng(1)
    network.set_weights(
        [drawn.normal(0, 0.1, weight.shape).clip(1e-3 if weight.ndim == 1 else -1) for weight in network.get_weights()]
    )
    network = runtime.with_precision(network, precision)
    pixels, labels = StoredRows(rows, np.arange(32 * STEPS)), np.arange(32, dtype=np.float32) % 2

    def batches() -> Iterable[tuple[NDArray[Any], NDArray[np.float32]]]:
        for k in range(STEPS):
            yield pixels[32 * k : 32 * (k + 1)], labels

    p_fake = steps_of(network, precision, 32 * STEPS, 32)(batches()).reshape(STEPS, 32).clip(1e-7, 1 - 1e-7)
    return [float(value) for value in -np.where(labels == 1, np.log(p_fake), np.log1p(-p_fake)).mean(axis=1)]


def started(src: Path, *arguments: object, **environ: str) -> list[float]:
    command = [sys.executable, __file__, *map(str, arguments)]
    variables = os.environ | {"PYTHONPATH": str(src)} | environ
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:])}: {done.stderr[-1500:]}")
    numbers: list[float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def draw(path: Path, images: int) -> None:
    """Random pixels; those of fakes (every second row) are a little brighter, so that there is something to learn."""
    rng = np.random.default_rng(0)
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(images, SIZE, SIZE, 3))
    for k in range(images):
        rows[k] = rng.integers(0, 251, (SIZE, SIZE, 3), dtype=np.uint8) + 5 * (k % 2)
    rows.flush()


def trainings(rows: Path, arguments: argparse.Namespace) -> Iterator[str]:
    """Rows of the first table."""
    versions = {"this version": SRC} | ({"before": arguments.before.resolve()} if arguments.before else {})
    for size in arguments.batch_sizes:
        for precision in arguments.precisions:
            for name, src in versions.items():
                speed, *told, separated = together(src, rows, arguments.images, size, precision, 1)
                yield f"| {name} | {size} | {precision} | {speed:.0f} | {shown(told)} | {separated:.3f} |"


def side_by_side(rows: Path, arguments: argparse.Namespace) -> Iterator[str]:
    """Rows of the second table: seeds that share the device."""
    for seeds in (1, 2, 4):
        speed, *told, _ = together(SRC, rows, arguments.images, arguments.batch_sizes[0], "float32", seeds)
        yield f"| {seeds} | {speed:.0f} | {shown(told)} |"


def together(src: Path, rows: Path, images: int, batch_size: int, precision: str, seeds: int) -> tuple[float, ...]:
    """Images a second of some seeds together, and the device's busy share and memory, and their mean ROC AUC."""
    with ThreadPoolExecutor(seeds) as pool:
        job = (src, "train", rows, images, batch_size, precision)
        told = [each.result() for each in [pool.submit(started, *job, seed, seeds) for seed in range(seeds)]]
    begun, ended, busy, memory, separated = zip(*told, strict=True)
    speed = seeds * EPOCHS * images / (max(ended) - min(begun))
    return speed, statistics.mean(busy), max(memory), statistics.mean(separated)


def shown(told: list[float]) -> str:
    return f"{told[0]:.0f} % | {told[1]:.0f}"


def agreement(rows: Path, arguments: argparse.Namespace) -> Iterator[str]:
    """Rows of the third table."""
    processor = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    reference = np.array(started(SRC, "losses", rows, "float32", **processor))
    for precision in arguments.precisions:
        first, second = (started(SRC, "losses", rows, precision) for _ in range(2))
        differences = np.abs(np.array(first) / reference - 1)
        shown = ", ".join(f"{difference:.0e}" for difference in differences)
        yield f"| {precision} | {shown} | {'yes' if first == second else 'no'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--precisions", nargs="+", default=["float32", "mixed_bfloat16"])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    parser.add_argument("--before", type=Path, help="the src/ of another version of this project")
    arguments = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    print(versions(), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npy"
        draw(rows, max(arguments.images, 32 * STEPS))
        for name in arguments.tables:
            heading, table = TABLES[name]
            print(heading, "|".join(["", *["---"] * (heading.count("|") - 1), ""]), sep="\n", flush=True)
            for row in table(rows, arguments):
                print(row, flush=True)
            print(flush=True)


TABLES = {
    "speed": ("| | batch | precision | images/s | busy | device's memory, MiB | separated |", trainings),
    "side-by-side": ("| seeds side by side | images/s together | busy | device's memory, MiB |", side_by_side),
    "agreement": ("| precision | relative difference of the first steps' losses | twice the same |", agreement),
}


def versions() -> str:
    """The backend, its version and its devices."""
    import importlib.metadata

    from fakefaces.models.devices import devices

    backend, names, _ = devices()
    packages = [f"{package} {importlib.metadata.version(package)}" for package in ("keras", backend)]
    return ", ".join([*packages, *names])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["train", rows, images, batch_size, precision, seed, beside]:
            print(json.dumps(train(Path(rows), int(images), int(batch_size), precision, int(seed), int(beside))))
        case ["losses", rows, precision]:
            print(json.dumps(losses(Path(rows), precision)))
        case _:
            main()
