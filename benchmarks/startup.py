"""What a stage pays before it does anything: the import of TensorFlow and Keras, as it comes and as we start it.

    uv run python benchmarks/startup.py [--rounds N]

Both are measured in new processes, one after the other in turns; the figure is the ratio of their medians of
processor time, which other programs on the machine disturb less than the wall's.
"""

import argparse
import statistics
import subprocess
import sys

WAYS = {
    "as it comes": "import tensorflow, keras",
    "runtime.start": "from fakefaces import runtime; runtime.start(seed=0, threads=2)",
}
CLOCK = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def seconds(way: str) -> float:
    done = subprocess.run([sys.executable, "-c", CLOCK.format(WAYS[way])], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            found[way].append(seconds(way))
    medians = {way: statistics.median(times) for way, times in found.items()}
    for way, median in medians.items():
        print(f"{way:14} {median:.2f} s processor time, {median / medians['as it comes']:.2f} of the first")


if __name__ == "__main__":
    main()
