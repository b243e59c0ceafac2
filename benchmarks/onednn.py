"""The custom CNN's training with and without oneDNN, in turn: images a second, and their ratio.

    uv run python benchmarks/onednn.py
"""

import os
import subprocess
import sys
from statistics import median

SIZE, IMAGES, TURNS = 128, 320, 3


def measure() -> None:
    """Print images a second of one epoch, after one that is not counted."""
    import time

    import numpy as np

    from fakefaces import runtime
    from fakefaces.models.kinds import blueprint

    runtime.start(seed=0, threads=2)
    network = blueprint("custom_cnn", {}, "benchmark").build((SIZE, SIZE, 3), None)
    network.compile(optimizer="adam", loss="binary_crossentropy")
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    labels = (np.arange(IMAGES) % 2).astype(np.float32)
    network.fit(pixels, labels, batch_size=32, shuffle=False, verbose=0)
    start = time.perf_counter()
    network.fit(pixels, labels, batch_size=32, shuffle=False, verbose=0)
    print(IMAGES / (time.perf_counter() - start))


def main() -> None:
    found: dict[str, list[float]] = {"0": [], "1": []}
    for _ in range(TURNS):
        for way in found:
            command = [sys.executable, __file__, "measure"]
            done = subprocess.run(
                command, env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": way}, capture_output=True, text=True, check=True
            )
            found[way].append(float(done.stdout))
            print(f"oneDNN {'on' if way == '1' else 'off'}: {found[way][-1]:.0f} images/s", flush=True)
    print(f"ratio of the medians: {median(found['1']) / median(found['0']):.2f}")


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
