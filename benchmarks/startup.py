"""The cost of starting a stage: imports, parsers and the check of params.yaml.

    uv run python benchmarks/startup.py [--rounds N]

Run it in a project that is up to date. The variants of each comparison run in new processes, one after the other, N
times. The table has the medians of processor time, which depends less on other load than wall time does.
"""

import argparse
import statistics
import subprocess
import sys

PREDICT = """
import contextlib, pathlib, sys
from fakefaces.tracking import remembered
{}
from fakefaces.cli import main
sys.argv = ["fakefaces", "predict", str(next(pathlib.Path("samples").rglob("*.jpg")))]
with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
    main()
"""
READ = "from ruamel.yaml import YAML; [YAML(typ='safe', pure={}).load(open('dvc.lock')) for _ in range(3)]"
COMMAND = (
    "import subprocess, sys; subprocess.run([sys.executable, '-m', *'{}'.split()], check=True, capture_output=True)"
)
COMPARISONS = {
    "a project in which nothing has changed": {
        name: COMMAND.format(module)
        for name, module in {
            "dvc status": "dvc status",
            "dvc repro": "dvc repro",
            "fakefaces repro": "fakefaces.cli repro",
        }.items()
    },
    "dvc.lock, read three times": {
        "pure Python, DVC's default": READ.format(True),
        "ruamel.yaml.clib": READ.format(False),
    },
    "params.yaml": {
        "the records alone": "from fakefaces.params.file import load; from pathlib import Path; "
        "load(Path('params.yaml'))",
        "fakefaces check": "from fakefaces.preflight.check import check; from pathlib import Path; "
        "check(Path('params.yaml'))",
    },
    "fakefaces predict ONE.jpg": {
        "MLflow asked for the champion": PREDICT.format("remembered.store_state = lambda: None"),
        "the champion remembered": PREDICT.format("pass"),
    },
}
TIMED = """
import os
start = os.times()
{}
end = os.times()
print(sum(end[:4]) - sum(start[:4]))  # with its children
"""


def seconds(code: str) -> float:
    """Processor time of some code in a new process."""
    done = subprocess.run([sys.executable, "-c", TIMED.format(code)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for name, variants in COMPARISONS.items():
        times: dict[str, list[float]] = {variant: [] for variant in variants}
        for _ in range(rounds):
            for variant, code in variants.items():
                times[variant].append(seconds(code))
        medians = {variant: statistics.median(values) for variant, values in times.items()}
        first = next(iter(medians.values()))
        print(name)
        for variant, median in medians.items():
            print(f"  {variant:26} {median:.2f} s processor time, {median / first:.2f} of the first")


if __name__ == "__main__":
    main()
