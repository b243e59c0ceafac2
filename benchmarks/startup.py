"""What a stage pays before it does anything: imports and parsers as they come, and as they are here.

    uv run python benchmarks/startup.py [--rounds N]

Each pair is measured in new processes, one after the other in turns; the figure is the ratio of their medians of
processor time, which other programs on the machine disturb less than the wall's.
"""

import argparse
import statistics
import subprocess
import sys

READ = "from ruamel.yaml import YAML; [YAML(typ='safe', pure={}).load(open('dvc.lock')) for _ in range(3)]"
PAIRS = {
    "import of TensorFlow and Keras": {
        "as it comes": "import tensorflow, keras",
        "runtime.start": "from fakefaces.models import runtime; runtime.start(seed=0, threads=2)",
    },
    "dvc.lock, read three times": {
        "pure Python, as DVC comes": READ.format(True),
        "ruamel.yaml.clib": READ.format(False),
    },
}
CLOCK = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def seconds(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", CLOCK.format(code)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for what, ways in PAIRS.items():
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, code in ways.items():
                found[way].append(seconds(code))
        first, *_ = medians = [statistics.median(times) for times in found.values()]
        print(what)
        for way, median in zip(ways, medians, strict=True):
            print(f"  {way:26} {median:.2f} s processor time, {median / first:.2f} of the first")


if __name__ == "__main__":
    main()
