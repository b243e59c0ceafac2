"""Our training loop beside Keras' own `fit` with `BackupAndRestore`, and beside tf.data and grain as what feeds ours.

    uv run python benchmarks/training_loops.py [--images 320] [--repeats 2]      # grain: uv pip install grain

Each trains the custom CNN on rows that are read from the disk, validates after each epoch and keeps its state, in
processes of its own, by turns: images a second of wall and of processor time, without the first epoch, on one core and
on two; whether two runs end in the same bytes; and whether one that is killed after two epochs and started again does.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.data.stored_rows import StoredRows
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.params.train import Fit
from fakefaces.training import loop
from fakefaces.training.augmentation import Augmenter, Recipe
from fakefaces.training.batches import Batch, batches

SIZE, BATCH, EPOCHS, KILLED_IN = 128, 32, 4, 2
VARIANTS = ("ours", "ours, fed by tf.data", "ours, fed by grain", "Keras' fit")


def from_tf_data(arrays: SplitArrays, order: NDArray[np.intp], augment: Augmenter, size: int) -> Iterator[Batch]:
    import tensorflow as tf

    def read(rows: NDArray[np.intp]) -> NDArray[Any]:
        return augment(arrays.features[rows])

    shape = (None, *arrays.features.shape[1:])

    def batch(rows: Any) -> Any:
        features = tf.numpy_function(read, [rows], tf.uint8)
        return tf.ensure_shape(features, shape), tf.gather(arrays.labels, rows)

    dataset = tf.data.Dataset.from_tensor_slices(order).batch(size).map(batch).prefetch(2)
    for features, labels in dataset:
        yield features.numpy(), labels.numpy()


class Rows:
    """What grain reads: batches by their numbers."""

    def __init__(self, arrays: SplitArrays, order: NDArray[np.intp], augment: Augmenter, size: int) -> None:
        self._arrays, self._order, self._augment, self._size = arrays, order, augment, size

    def __len__(self) -> int:
        return -(-len(self._order) // self._size)

    def __getitem__(self, number: int) -> Batch:
        rows = self._order[number * self._size : (number + 1) * self._size]
        return self._augment(self._arrays.features[rows]), self._arrays.labels[rows]


def from_grain(arrays: SplitArrays, order: NDArray[np.intp], augment: Augmenter, size: int) -> Iterator[Batch]:
    import grain

    # one thread: augmentation draws in turn
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
    yield from grain.MapDataset.source(Rows(arrays, order, augment, size)).to_iter_dataset(options)


def by_fit(network: Any, train: TrainArrays, validation: ValidationArrays, state: Path, ended: Any) -> None:
    """Keras' trainer, as its guide on saving and resuming has it."""
    import keras

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        """Rows in an order of each epoch."""

        def __init__(self, arrays: SplitArrays, *, shuffled: bool) -> None:
            super().__init__(workers=1)
            self.arrays, self.shuffled, self.epoch = arrays, shuffled, 0
            self.order = self._order()

        def _order(self) -> NDArray[np.intp]:
            n = len(self.arrays.labels)
            return np.random.default_rng([0, self.epoch]).permutation(n) if self.shuffled else np.arange(n)

        def __len__(self) -> int:
            return -(-len(self.order) // BATCH)

        def __getitem__(self, number: int) -> Batch:
            rows = self.order[number * BATCH : (number + 1) * BATCH]
            return self.arrays.features[rows].astype(np.float32), self.arrays.labels[rows]

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.order = self._order()

    tell = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ended())
    callbacks = [
        keras.callbacks.BackupAndRestore(state),
        keras.callbacks.EarlyStopping(patience=EPOCHS, restore_best_weights=True),
        tell,
    ]
    network.compile(keras.optimizers.Adam(0.002), "binary_crossentropy", metrics=["accuracy", "auc"])
    network.fit(
        Batches(train, shuffled=True),
        validation_data=Batches(validation, shuffled=False),
        epochs=EPOCHS,
        callbacks=callbacks,
        verbose=0,
    )


def measure(variant: str, folder: Path, cores: int, killed: bool) -> None:
    """Train; print images a second of wall and of processor time, and the digest of the weights, or die on the way."""
    os.sched_setaffinity(0, set(range(cores)))
    runtime.start(0, cores)
    labels = np.load(folder / "labels.npy")
    n_train = len(labels) * 4 // 5
    split = [slice(0, n_train), slice(n_train, None)]
    rows = [StoredRows(folder / "arrays.npy", np.arange(len(labels))[part]) for part in split]
    parts = [
        (features, labels[part], np.zeros((len(features), 4), np.int8))
        for features, part in zip(rows, split, strict=True)
    ]
    train, validation = TrainArrays(*parts[0]), ValidationArrays(*parts[1])
    network = model_spec("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3))
    ends: list[tuple[float, float]] = []

    def ended(_: Any = None) -> None:
        ends.append((time.perf_counter(), time.process_time()))
        if killed and len(ends) == KILLED_IN:
            os._exit(0)

    if variant == "Keras' fit":
        by_fit(network, train, validation, folder / "state", ended)
    else:
        feeders = {"ours, fed by tf.data": from_tf_data, "ours, fed by grain": from_grain}
        vars(loop)["batches"] = feeders.get(variant, batches)
        fit = Fit(epochs=EPOCHS, batch_size=BATCH, learning_rate=0.002, patience=EPOCHS)
        config = loop.TrainingConfig(fit, Recipe([]), 0)
        loop.fit(network, train, validation, config, checkpoint=folder / "state", on_epoch=ended)
    digest = hashlib.sha256(b"".join(weight.tobytes() for weight in network.get_weights())).hexdigest()
    seconds = [last - first for first, last in zip(ends[0], ends[-1], strict=True)]
    print(json.dumps([*((len(ends) - 1) * n_train / max(second, 1e-9) for second in seconds), digest]))


def run(variant: str, folder: Path, cores: int, how: str = "whole") -> Any:
    if how != "resumed":
        shutil.rmtree(folder / "state", ignore_errors=True)
    command = [sys.executable, __file__, variant, str(folder), str(cores), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{variant}, {how}: {done.stderr[-1500:]}")
    return json.loads(done.stdout.splitlines()[-1]) if how != "killed" else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", choices=VARIANTS, nargs="+", default=VARIANTS)
    arguments = parser.parse_args()
    variants = [name for name in arguments.only if "grain" not in name or importlib.util.find_spec("grain")]
    whole: dict[tuple[str, int], list[Any]] = {(name, cores): [] for name in variants for cores in arguments.cores}
    same: dict[str, bool] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        pixels = rng.integers(0, 256, (arguments.images, SIZE, SIZE, 3), dtype=np.uint8)
        pixels[::2, : SIZE // 2] //= 2  # what the classes differ by
        np.save(folder / "arrays.npy", pixels)
        np.save(folder / "labels.npy", (np.arange(arguments.images) % 2).astype(np.float32))
        for _ in range(arguments.repeats):
            for (variant, cores), results in whole.items():
                results.append(run(variant, folder, cores))
                print(variant, cores, results[-1], flush=True)
        for variant in variants:
            cores = arguments.cores[0]
            run(variant, folder, cores, "killed")
            same[variant] = run(variant, folder, cores, "resumed")[2] == whole[variant, cores][0][2]
    titles = " | ".join(f"{cores} core{'s' * (cores > 1)}: images/s, a processor second" for cores in arguments.cores)
    print(f"| | {titles} | run twice | killed and started again |\n| --- |{' --- |' * (len(arguments.cores) + 2)}")
    for variant in variants:
        medians = [
            [statistics.median(r[k] for r in whole[variant, cores]) for k in (0, 1)] for cores in arguments.cores
        ]
        repeated = all(len({result[2] for result in whole[variant, cores]}) == 1 for cores in arguments.cores)
        words = ["the same bytes" if equal else "**other bytes**" for equal in (repeated, same[variant])]
        print(f"| {variant} | {' | '.join([*('{:.0f}, {:.0f}'.format(*pair) for pair in medians), *words])} |")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in VARIANTS:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "killed")
    else:
        main()
