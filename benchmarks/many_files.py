"""What DVC takes for many small files, as they are and in packs: seconds of wall time and of processor time.

    uv run python benchmarks/many_files.py [--files 20000] [--new 100] [--bytes 2048] [--pack 1000]

Files of random bytes are tracked in a temporary project, pushed to a folder, pulled by a clone; then some more. A pack
is an archive of so many files, which DVC sees as one.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from fakefaces.base.environment import DVC

Row = dict[str, tuple[float, float]]  # by operation: seconds of wall and of processor time


def run(folder: Path, *command: str) -> tuple[float, float]:
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed with {status}")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime


def write(data: Path, numbers: range, size: int, pack: int) -> None:
    """Write files of random bytes, in folders of a thousand, or in packs."""
    rng = random.Random(numbers.start)
    for first in range(numbers.start, numbers.stop, pack or 1000):
        folder = data / f"{first:06}"
        folder.mkdir(parents=True)
        for number in range(first, min(first + (pack or 1000), numbers.stop)):
            (folder / f"{number:06}.jpg").write_bytes(rng.randbytes(size))
        if pack:
            with tarfile.open(folder.with_suffix(".tar"), "w") as archive:
                archive.add(folder, folder.name)
            shutil.rmtree(folder)


def project_in(folder: Path, remote: Path) -> None:
    """A project with one stage that reads `data/`."""
    folder.mkdir()
    run(folder, "git", "init", "-q", "-b", "main")
    run(folder, "git", "config", "user.email", "benchmark@localhost")
    run(folder, "git", "config", "user.name", "benchmark")
    run(folder, *DVC, "init", "-q")
    run(folder, *DVC, "config", "core.analytics", "false")
    run(folder, *DVC, "remote", "add", "-d", "folder", str(remote))
    stage = "stages:\n  read:\n    cmd: echo read > read.txt\n    deps: [data]\n    outs: [read.txt]\n"
    (folder / "dvc.yaml").write_text(stage, encoding="utf-8")


def commit(folder: Path) -> None:
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-q", "-m", "data")


def measure(folder: Path, arguments: argparse.Namespace, pack: int) -> Row:
    folder.mkdir()
    project, clone, remote = folder / "project", folder / "clone", folder / "remote"
    project_in(project, remote)
    write(project / "data", range(arguments.files), arguments.bytes, pack)
    row: Row = {}

    def step(name: str, at: Path, *arguments: str) -> None:
        row[name] = run(at, *DVC, *arguments)
        print(f"{f'packs of {pack}' if pack else 'loose files'}: {name}: {row[name]}", file=sys.stderr, flush=True)

    step("dvc add, all", project, "add", "data")
    run(project, *DVC, "repro")
    commit(project)
    step("dvc repro, nothing changed", project, "repro")
    step("dvc status, nothing changed", project, "status")
    step("dvc data status, nothing changed", project, "data", "status")
    step("dvc push, all", project, "push")
    step("dvc push, nothing new", project, "push")
    run(folder, "git", "clone", "-q", str(project), str(clone))
    step("dvc pull, all", clone, "pull")
    write(project / "data", range(arguments.files, arguments.files + arguments.new), arguments.bytes, pack)
    step("dvc data status, some new", project, "data", "status")
    step("dvc add, some new", project, "add", "data")
    run(project, *DVC, "repro")
    commit(project)
    step("dvc push, some new", project, "push")
    run(clone, "git", "pull", "-q")
    step("dvc pull, some new", clone, "pull")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("--new", type=int, default=100)
    parser.add_argument("--bytes", type=int, default=2048)
    parser.add_argument("--pack", type=int, default=1000)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DVC_SITE_CACHE_DIR"] = str(Path(folder) / "site")
        for pack in (0, arguments.pack):
            rows.append(measure(Path(folder) / str(pack), arguments, pack))
    print(f"{arguments.files} files of {arguments.bytes} bytes, {arguments.new} new; wall / processor seconds")
    print(f"| | loose files | packs of {arguments.pack} |\n| --- | --- | --- |")
    for operation in rows[0]:
        print(f"| `{operation}` | {' | '.join('{:.1f} / {:.1f}'.format(*row[operation]) for row in rows)} |")
    print(f"load {os.getloadavg()[0]:.1f}; Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
