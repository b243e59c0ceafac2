"""Two fresh clones: how long a cold and a no-op `dvc repro` take, how much memory, and whether all bytes agree.

    uv run python benchmarks/clones.py

Clones HEAD of this checkout twice into a temporary folder and runs the pipeline there with this environment.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fakefaces.tracking.digests import digest

ROOT = Path(__file__).parents[1]


def run(clone: Path, *command: str) -> tuple[float, float, int]:
    """Run a command in a clone: wall seconds, and the largest memory of a child so far in GiB; its exit code."""
    programs = str(Path(sys.executable).parent)
    paths = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(clone / "src")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
    with (clone.parent / f"{clone.name}.log").open("a") as log:
        start = time.perf_counter()
        code = subprocess.call(command, cwd=clone, env=clean | paths, stdout=log, stderr=log)
        wall = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return wall, peak, code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clones", type=int, default=2)
    clones = parser.parse_args().clones
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(clones):
            clone = Path(folder) / f"clone{number}"
            subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
            cold, peak, code = run(clone, "dvc", "repro")
            if code:
                print((Path(folder) / f"clone{number}.log").read_text()[-3000:], file=sys.stderr)
                sys.exit(f"clone {number}: dvc repro ended with {code}")
            noop, _, _ = run(clone, "dvc", "repro")
            status = subprocess.run(
                ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
            )
            files = {"dvc.lock": digest(clone / "dvc.lock"), "outputs": digest(clone / "outputs")}
            print(
                f"clone {number}: cold {cold:.1f} s, no-op {noop:.2f} s, largest process {peak:.2f} GiB, "
                f"git status {'clean' if not status.stdout else repr(status.stdout)}",
                flush=True,
            )
            found.append(files)
    same = all(files == found[0] for files in found)
    print(f"dvc.lock and outputs/ (models, views, scores): {'the same bytes' if same else f'DIFFERENT: {found}'}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
