"""What makes the custom CNN train fast: oneDNN, and steps of our own instead of ``fit``.

``uv run python benchmarks/training.py`` runs each way in a process of its own, in turn, and prints images a second
(five epochs, after one that is not counted) and the ratios of the medians.
"""

import os
import subprocess
import sys
import time
from statistics import median

SIZE, IMAGES, BATCH, EPOCHS, TURNS = 128, 640, 32, 5, 3
WAYS = {"as here": ("1", "steps"), "without oneDNN": ("0", "steps"), "by fit": ("1", "fit")}


def measure(way: str) -> None:
    import numpy as np

    from fakefaces.models import runtime
    from fakefaces.models.kinds import blueprint
    from fakefaces.training import loop as training

    runtime.start(seed=0, threads=2)
    network = blueprint("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3), None)
    network.compile(optimizer="adam", loss="binary_crossentropy")
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    labels = (np.arange(IMAGES) % 2).astype(np.float32)
    step = training._step(network)

    def epoch() -> None:
        if way == "fit":
            network.fit(pixels, labels, batch_size=BATCH, shuffle=False, verbose=0)
        else:
            for k in range(0, IMAGES, BATCH):
                step(pixels[k : k + BATCH], labels[k : k + BATCH])

    epoch()
    start = time.perf_counter()
    for _ in range(EPOCHS):
        epoch()
    print(EPOCHS * IMAGES / (time.perf_counter() - start))


def main() -> None:
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(TURNS):
        for name, (onednn, way) in WAYS.items():
            command = [sys.executable, __file__, way]
            environ = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn}
            done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
            found[name].append(float(done.stdout))
            print(f"{name}: {found[name][-1]:.0f} images/s", flush=True)
    for name in list(WAYS)[1:]:
        print(f"as here / {name}: {median(found['as here']) / median(found[name]):.2f}")


if __name__ == "__main__":
    measure(sys.argv[1]) if sys.argv[1:] else main()
