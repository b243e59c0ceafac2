"""Why the custom CNN trains fast: oneDNN, and training steps of our own instead of ``fit``.

``uv run python benchmarks/training.py`` runs each variant in a process of its own, by turns, and prints images per
second (five epochs after one that is not counted) and the ratios of the medians.
"""

import os
import subprocess
import sys
import time
from statistics import median

SIZE, IMAGES, BATCH, EPOCHS, REPEATS = 128, 640, 32, 5, 3
VARIANTS = {"as here": ("1", "steps"), "without oneDNN": ("0", "steps"), "by fit": ("1", "fit")}


def measure(variant: str) -> None:
    import numpy as np

    from fakefaces.models import runtime
    from fakefaces.models.kinds import model_spec
    from fakefaces.training.step import training_steps

    runtime.start(seed=0, threads=2)
    network = model_spec("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3), None)
    network.compile(optimizer="adam", loss="binary_crossentropy")
    network.optimizer.build(network.trainable_variables)
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    labels = (np.arange(IMAGES) % 2).astype(np.float32)
    steps = training_steps(network, network.optimizer, IMAGES, BATCH, pixels.dtype)

    def epoch() -> None:
        if variant == "fit":
            network.fit(pixels, labels, batch_size=BATCH, shuffle=False, verbose=0)
        else:
            steps((pixels[k : k + BATCH], labels[k : k + BATCH]) for k in range(0, IMAGES, BATCH))

    epoch()
    start = time.perf_counter()
    for _ in range(EPOCHS):
        epoch()
    print(EPOCHS * IMAGES / (time.perf_counter() - start))


def main() -> None:
    speeds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(REPEATS):
        for name, (onednn, variant) in VARIANTS.items():
            command = [sys.executable, __file__, variant]
            environ = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn}
            done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
            speeds[name].append(float(done.stdout))
            print(f"{name}: {speeds[name][-1]:.0f} images/s", flush=True)
    for name in list(VARIANTS)[1:]:
        print(f"as here / {name}: {median(speeds['as here']) / median(speeds[name]):.2f}")


if __name__ == "__main__":
    measure(sys.argv[1]) if sys.argv[1:] else main()
