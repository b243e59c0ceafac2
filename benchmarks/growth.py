"""What a few more photographs cost: processor time of the stages that work on images, for all and with some added.

    uv run python benchmarks/growth.py FOLDER [--images 800] [--new 10] [--project EMPTY]

FOLDER holds photographs as `data/` does; `fakefaces sample` draws any number. The stages run with this checkout's
`params.yaml` in a temporary project: from nothing, then with the new photographs, then with as many of the others gone,
then with as many in the other class. `--project` leaves the project where it says.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
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
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("src", "pipelines", "dvc.yaml", "params.yaml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".dvc").mkdir()  # where the check of params.yaml is remembered
    return folder


def copy(source: Path, names: Sequence[str], data: Path) -> None:
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, data / name)


def relabel(data: Path, n: int) -> None:
    """Move some photographs of each class to the other one's folder."""
    faces = list_photographs(data)
    folders = {label: data / Path(names.iloc[0]).parent for label, names in faces.groupby("label")["image"]}
    for place, (name, label) in enumerate(
        faces.groupby("label").head(n // 2)[["image", "label"]].itertuples(index=False)
    ):
        other = folders[1 - label]
        (data / name).rename(other / f"relabelled_{place}{Path(name).suffix}")


def growing(project: Path, source: Path, first: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Change the photographs of a project step by step; gives the name of each step."""
    data = project / "data"
    copy(source, first, data)
    yield "from nothing"
    copy(source, new, data)
    yield "added"
    for name in first[: len(new)]:
        (data / name).unlink()
    yield "removed"
    relabel(data, len(new))
    yield "relabelled"


def measure(project: Path, changes: Iterator[str], stages: Sequence[Sequence[str]]) -> dict[str, list[Cost]]:
    """What each stage costs after each change, by the name of the change."""
    costs: dict[str, list[Cost]] = {}
    for change in changes:
        costs[change] = []
        for stage in stages:
            costs[change].append(run(project, stage))
            print(f"{change}: {' '.join(stage)} {costs[change][-1]}", file=sys.stderr, flush=True)
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=800)
    parser.add_argument("--new", type=int, default=10)
    parser.add_argument("--project", type=Path)
    arguments = parser.parse_args()
    names = list(list_photographs(arguments.folder)["image"])
    random.Random(0).shuffle(names)
    first, new = names[: arguments.images], names[arguments.images : arguments.images + arguments.new]
    feature_sets = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["prepare"]["features"]
    stages = [["duplicates"], ["split"], ["validate"], *(["prepare", name] for name in feature_sets), ["corrupt"]]
    with tempfile.TemporaryDirectory() as temporary:
        project = project_in(arguments.project or Path(temporary))
        costs = measure(project, growing(project, arguments.folder, first, new), stages)
    print(f"{len(first)} photographs, {len(new)} more; seconds of processor time, and MB")
    print(f"| stage | {' | '.join(costs)} | memory |")
    print(f"| --- |{' --- |' * len(costs)} --- |")
    for stage, row in zip(stages, zip(*costs.values(), strict=True), strict=True):
        seconds = " | ".join(f"{cost.processor:.1f}" for cost in row)
        print(f"| {' '.join(stage)} | {seconds} | {max(cost.memory for cost in row):.0f} |")
    totals = [sum(cost.processor for cost in column) for column in costs.values()]
    print(f"| all | {' | '.join(f'{total:.1f} ({total / totals[0]:.1%})' for total in totals)} | |")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
