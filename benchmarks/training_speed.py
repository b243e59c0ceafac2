"""Images a second in training the custom CNN: ours, the script that one would write, and PyTorch, by turns in one run.

    uv run python benchmarks/training_speed.py [--torch PYTHON] [--threads 2] [--images 320] [--repeats 3]

Ours reads rows of a feature set from the disk, as the train stage does. The script is `image_dataset_from_directory`
and `fit` on JPEG files of the same pictures, as it is and with `.cache()`. PyTorch (`--torch`: a Python that has it)
has the pictures in memory, and channels last. Each variant runs in a process of its own: an epoch that is not counted,
then three. Images a second of wall time, and images for each second of processor time, which neighbours disturb less.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SIZE, BATCH, EPOCHS = 256, 32, 3
RATE, DROPOUT, PENALTY = 0.002, 0.5, 0.005
VARIANTS = ("ours", "ours, mixed_bfloat16", "script", "script, cache()", "PyTorch")
TARGETS = {"script": 1.5, "script, cache()": 1.35, "PyTorch": 1.8}


def draw(folder: Path, images: int) -> None:
    """Pictures of coloured noise, as JPEG files in two class folders, as rows of an array, and their labels."""
    import cv2

    rng, rows = np.random.default_rng(0), []
    for k in range(images):
        small = rng.integers(0, 256, (SIZE // 8, SIZE // 8, 3), dtype=np.uint8)
        picture = cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
        path = folder / "files" / ("real", "fake")[k % 2] / f"{k:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
        rows.append(picture)
    np.save(folder / "arrays.npy", np.stack(rows))
    np.save(folder / "labels.npy", np.arange(images, dtype=np.float32) % 2)


def ours(folder: Path, threads: int, precision: str) -> Iterator[Callable[[], None]]:
    from fakefaces.data.arrays import SplitArrays
    from fakefaces.data.stored_rows import StoredRows
    from fakefaces.models import runtime
    from fakefaces.models.kinds import model_spec
    from fakefaces.training.augmentation import Augmenter, Recipe
    from fakefaces.training.batches import batches

    runtime.start(0, threads)
    from fakefaces.training.normalization import with_fused_normalization
    from fakefaces.training.step import adam, training_steps

    labels = np.load(folder / "labels.npy")
    arrays = SplitArrays(
        StoredRows(folder / "arrays.npy", np.arange(len(labels))), labels, np.zeros((len(labels), 4), np.int8)
    )
    network = model_spec("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3))
    network = with_fused_normalization(runtime.with_precision(network, precision))
    steps = training_steps(network, adam(network, RATE, precision), len(labels), BATCH, np.uint8)

    def epoch() -> None:
        order = np.random.default_rng(0).permutation(len(labels))
        steps(batches(arrays, order, Augmenter(Recipe([]), [0]), BATCH))

    yield epoch
    import keras
    import tensorflow as tf

    yield lambda: print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}; ", end="", file=sys.stderr)


def script(folder: Path, threads: int, cached: bool) -> Iterator[Callable[[], None]]:
    import keras
    import tensorflow as tf

    from fakefaces.models.kinds import model_spec

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(0)
    pictures = keras.utils.image_dataset_from_directory(
        folder / "files", label_mode="binary", image_size=(SIZE, SIZE), batch_size=BATCH, seed=0, verbose=False
    )
    pictures = (pictures.cache() if cached else pictures).prefetch(tf.data.AUTOTUNE)
    network = model_spec("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3))
    network.compile(keras.optimizers.Adam(RATE), "binary_crossentropy", metrics=["accuracy"])
    yield lambda: network.fit(pictures, verbose=0)


def pytorch(folder: Path, threads: int) -> Iterator[Callable[[], None]]:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers: list[Any] = []
    channels = 3
    for filters, kernel, pool in ((8, 3, 2), (8, 5, 2), (16, 5, 2), (16, 5, 4)):
        layers += [nn.Conv2d(channels, filters, kernel, padding="same"), nn.ReLU(), nn.BatchNorm2d(filters)]
        layers += [nn.MaxPool2d(pool)]
        channels = filters
    dense = nn.Linear(16 * (SIZE // 32) ** 2, 16)
    layers += [nn.Flatten(), nn.Dropout(DROPOUT), dense, nn.LeakyReLU(0.1), nn.Dropout(DROPOUT), nn.Linear(16, 1)]
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    rows = torch.from_numpy(np.load(folder / "arrays.npy")).permute(0, 3, 1, 2)  # channels last in memory
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    cross_entropy = nn.BCEWithLogitsLoss()

    def epoch() -> None:
        for which in torch.randperm(len(labels)).split(BATCH):
            batch = rows[which].to(memory_format=torch.channels_last).float() / 255
            optimizer.zero_grad()
            loss = cross_entropy(network(batch)[:, 0], labels[which]) + PENALTY * dense.weight.square().sum()
            loss.backward()
            optimizer.step()

    yield epoch
    yield lambda: print(f"PyTorch {torch.__version__}; ", end="", file=sys.stderr)


def measure(variant: str, folder: Path, threads: int) -> None:
    """Print images a second of wall and of processor time."""
    images = len(np.load(folder / "labels.npy"))
    if variant == "PyTorch":
        stages = pytorch(folder, threads)
    elif variant.startswith("script"):
        stages = script(folder, threads, "cache" in variant)
    else:
        stages = ours(folder, threads, "mixed_bfloat16" if "bfloat16" in variant else "float32")
    epoch = next(stages)
    epoch()
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(EPOCHS):
        epoch()
    seconds = time.perf_counter() - wall, time.process_time() - processor
    for tell in stages:
        tell()
    print(json.dumps([EPOCHS * images / second for second in seconds]))


def peak(threads: int) -> None:
    """Print the operations a second of float32 matrix products, the best of several, and those of a training image.

    They are those forwards and twice as many backwards, without the gradient of the picture.
    """
    import tensorflow as tf

    from fakefaces.models.kinds import model_spec

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    matrix = tf.random.normal((3072, 3072))
    best = 0.0
    for _ in range(12):
        begun = time.perf_counter()
        float(tf.linalg.matmul(matrix, matrix)[0, 0])
        best = max(best, 2 * 3072**3 / (time.perf_counter() - begun))
    network = model_spec("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3))
    weighted = [layer for layer in network.layers if hasattr(layer, "kernel")]
    costs = [2 * np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:-1]) for layer in weighted]
    print(json.dumps([best, float(3 * sum(costs) - costs[0])]))


def started(python: str, *arguments: str) -> Any:
    done = subprocess.run([python, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr[-800:]}")
    versions = [line for line in done.stderr.splitlines() if line.startswith(("TensorFlow 2", "PyTorch 2"))]
    return json.loads(done.stdout.splitlines()[-1]), versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--torch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    variants = [name for name in VARIANTS if name != "PyTorch" or arguments.torch]
    speeds: dict[str, list[list[float]]] = {name: [] for name in variants}
    versions: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), arguments.images)
        for _ in range(arguments.repeats):
            for name in variants:
                python = arguments.torch if name == "PyTorch" else sys.executable
                speed, said = started(python, name, folder, str(arguments.threads))
                speeds[name].append(speed)
                versions |= {line.split(";")[0] for line in said}
                print(f"{name}: {speed[0]:.0f} images/s, {speed[1]:.0f} a processor second", flush=True)
    (flops, of_image), _ = started(sys.executable, "peak", "", str(arguments.threads))
    print(f"{', '.join(sorted(versions))}; {arguments.threads} threads; load {os.getloadavg()[0]:.1f}")
    print(f"matrix peak {flops / 1e9:.0f} GFLOP/s, {of_image / 1e9:.2f} GFLOP an image")
    print("| | images/s | a processor second | of the peak | ours: wall, processor | to reach |")
    print("| --- | --- | --- | --- | --- | --- |")
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in speeds.items()}
    for name, (wall, processor) in medians.items():
        ratios = [
            statistics.median(a[k] / b[k] for a, b in zip(speeds["ours"], speeds[name], strict=True)) for k in (0, 1)
        ]
        print(
            f"| {name} | {wall:.0f} | {processor:.0f} | {wall * of_image / flops:.0%} | "
            f"{ratios[0]:.2f}, {ratios[1]:.2f} | {TARGETS.get(name, '')} |"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        peak(int(sys.argv[3]))
    elif sys.argv[1:2] and sys.argv[1] in VARIANTS:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
