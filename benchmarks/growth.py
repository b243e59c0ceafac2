"""What a few more photographs cost: processor time of the stages that work on images, for all and with some added.

    uv run python benchmarks/growth.py FOLDER [--images 800] [--new 10]

FOLDER holds photographs as `data/` does; `fakefaces sample` draws any number. The stages run with this checkout's
`params.yaml` in a temporary project: from nothing, then with the new photographs, then with some of the others gone.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from fakefaces.data.photographs import list_photographs

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cost:
    """What a stage has taken."""

    processor: float  # seconds of all threads
    wall: float  # seconds
    memory: float  # the most that was resident, MB


def run(project: Path, stage: Sequence[str]) -> Cost:
    """Run a stage as DVC does, in a process of its own."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, f"pipelines/{stage[0]}.py", *stage[1:]], cwd=project, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(stage)} failed: run it in a project of your own to see why")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024)


def project_in(folder: Path) -> Path:
    """A project with this checkout's code and parameters, and no photographs."""
    for name in ("src", "pipelines", "dvc.yaml", "params.yaml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".dvc").mkdir()  # where the check of params.yaml is remembered
    return folder


def copy(source: Path, names: Sequence[str], data: Path) -> None:
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, data / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=800)
    parser.add_argument("--new", type=int, default=10)
    arguments = parser.parse_args()
    names = list(list_photographs(arguments.folder)["image"])
    random.Random(0).shuffle(names)
    first, new = names[: arguments.images], names[arguments.images : arguments.images + arguments.new]
    feature_sets = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["prepare"]["features"]
    stages = [["duplicates"], ["split"], ["validate"], *(["prepare", name] for name in feature_sets), ["corrupt"]]
    costs: list[list[Cost]] = []
    with tempfile.TemporaryDirectory() as folder:
        project = project_in(Path(folder))
        copy(arguments.folder, first, project / "data")
        costs.append([run(project, stage) for stage in stages])
        copy(arguments.folder, new, project / "data")
        costs.append([run(project, stage) for stage in stages])
        for name in first[: arguments.new]:
            (project / "data" / name).unlink()
        costs.append([run(project, stage) for stage in stages])
    print(f"{len(first)} photographs, {len(new)} added, {arguments.new} removed; seconds of processor time, and MB")
    print("| stage | from nothing | added | removed | memory |")
    print("| --- | --- | --- | --- | --- |")
    for stage, row in zip(stages, zip(*costs, strict=True), strict=True):
        seconds = " | ".join(f"{cost.processor:.1f}" for cost in row)
        print(f"| {' '.join(stage)} | {seconds} | {max(cost.memory for cost in row):.0f} |")
    totals = [sum(cost.processor for cost in column) for column in costs]
    print(f"| all | {' | '.join(f'{total:.1f}' for total in totals)} | |")
    print(f"share: {' and '.join(f'{total / totals[0]:.1%}' for total in totals[1:])}; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
