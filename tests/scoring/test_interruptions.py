"""Processes that end in the middle: what is finished stays, nothing else is left, and the next start completes it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.scoring.conftest import rows_of, write_images

# As the command line does, in a process of its own: source, output, seconds an image, images in a part.
_CODE = """
import signal, sys
from functools import partial
from fakefaces.base.stage import error_boundary
from tests.scoring.conftest import MeanScorer, score
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
source, output, seconds, part_size = sys.argv[1:]
load = partial(MeanScorer, seconds=float(seconds))
sys.exit(error_boundary(lambda: score(source, output, load=load, part_size=int(part_size)) and None))
"""


def start(source: Path, output: Path, seconds: float = 0.01, part_size: int = 10) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-c", _CODE, str(source), str(output), str(seconds), str(part_size)]
    return subprocess.Popen(
        command,
        env=environ,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for success; what was said to standard error."""
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    return said


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def parts(output: Path) -> list[Path]:
    return sorted(output.glob("part-*.parquet"))


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=0)[1]


@pytest.mark.slow
def test_an_interrupt_says_how_to_resume_and_leaves_no_process(tmp_path):
    write_images(tmp_path / "in", 200)
    process = start(tmp_path / "in", tmp_path / "out", seconds=0.1)
    wait_for(lambda: len(parts(tmp_path / "out")) >= 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as ^C in a terminal does, the workers included
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "interrupted; run the same command again to resume"
    assert "Traceback" not in stderr and not stdout
    wait_for(lambda: gone(workers))
    kept = {path: path.stat().st_mtime_ns for path in parts(tmp_path / "out")}
    assert 2 <= len(kept) < 20
    said = finish(start(tmp_path / "in", tmp_path / "out", seconds=0))
    assert f"{len(kept)} of 20 parts are finished already" in said
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(rows_of(tmp_path / "out")) == 200


@pytest.mark.slow
def test_workers_end_with_an_engine_that_is_killed(tmp_path):
    write_images(tmp_path / "in", 100)
    process = start(tmp_path / "in", tmp_path / "out", seconds=0.1)
    wait_for(lambda: parts(tmp_path / "out"))
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    wait_for(lambda: gone(workers), seconds=10)


def test_a_worker_that_is_killed_is_replaced_and_no_image_suffers(tmp_path):
    write_images(tmp_path / "in", 150)
    process = start(tmp_path / "in", tmp_path / "out")
    for count in (1, 5):
        wait_for(lambda count=count: len(parts(tmp_path / "out")) >= count)
        workers = [
            child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())
        ]
        workers[0].kill()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert stderr.count("signal SIGKILL); another takes its place") == 2
    rows = rows_of(tmp_path / "out")
    assert len({row["path"] for row in rows}) == len(rows) == 150
    assert all(row["p_fake"] is not None for row in rows)


@pytest.mark.slow
def test_killed_twenty_times_each_image_has_one_row_in_the_end(tmp_path):
    files = write_images(tmp_path / "in", 600)
    files[77].write_bytes(b"no image")
    output, rng, finished = tmp_path / "out", random.Random(5), [0]
    # What is reached decides when it is killed: a busy machine takes seconds for what an idle one does at once.
    reached = (lambda: True, output.is_dir, (output / "_inputs").is_dir, lambda: len(parts(output)) > finished[-1])
    for kill in range(20):
        process = start(tmp_path / "in", output, seconds=0.1, part_size=3)
        wait_for(reached[kill % 4])
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        finished.append(len(parts(output)))
    assert finished == sorted(finished) and 5 <= finished[-1] < 200
    finish(start(tmp_path / "in", output, seconds=0, part_size=3))
    rows = rows_of(output)
    assert [row["path"] for row in rows] == [str(path) for path in files]
    assert [row["path"] for row in rows if row["problem"]] == [str(files[77])]
    names = {path.name for path in output.iterdir()}
    assert names == {path.name for path in parts(output)} | {"_inputs", "_manifest.json", ".lock"}


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    def peak(count: int) -> int:
        """The largest sum of resident memory of the engine and its workers, in bytes."""
        write_images(tmp_path / f"in{count}", count)
        process = start(tmp_path / f"in{count}", tmp_path / f"out{count}", seconds=0, part_size=100)
        family = psutil.Process(process.pid)
        largest = 0
        while process.poll() is None:
            try:
                largest = max(largest, sum(one.memory_info().rss for one in (family, *family.children(recursive=True))))
            except psutil.NoSuchProcess:
                continue
            time.sleep(0.02)
        finish(process)
        return largest

    small, large = peak(2_000), peak(10_000)
    assert large < 1.3 * small
