"""The engine ``spark`` on a standalone master with two workers, which the test starts and stops.

It needs PySpark and Java: ``uv sync --extra spark`` and, on Debian, ``apt install openjdk-17-jre-headless``.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from fakefaces.base.files import read_json, write_json
from fakefaces.inference.predict import score_files
from tests.conftest import ROOT
from tests.detectors import copy_detector
from tests.scoring.conftest import rows_of, write_images

pytestmark = pytest.mark.spark
IMAGES, CORRUPT, PART = 2_000, 20, 100


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


class Cluster:
    """A master and two workers, with a core each."""

    def __init__(self, folder: Path):
        import pyspark

        self._home, self._folder = Path(pyspark.__file__).parent, folder
        port = free_port()
        self.master = f"spark://127.0.0.1:{port}"
        listening = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
        self.processes = [self._start("master", "master.Master", *listening)]
        wait_for(lambda: "started at" in self._log("master").lower() or "Starting Spark master" in self._log("master"))
        resources = ("--cores", "1", "--memory", "1g", "--webui-port", "0", "--host", "127.0.0.1")
        for name in ("one", "two"):
            work = ("--work-dir", str(folder / name))
            self.processes.append(self._start(name, "worker.Worker", *resources, *work, self.master))
        wait_for(lambda: self._log("master").count("Registering worker") == 2)

    def _start(self, name: str, java_class: str, *arguments: str) -> subprocess.Popen[bytes]:
        environ = os.environ | {"SPARK_HOME": str(self._home), "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [str(self._home / "bin" / "spark-class"), f"org.apache.spark.deploy.{java_class}", *arguments]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)

    def _log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def kill_a_worker(self) -> None:
        """Kill a worker with its executor and that one's Python processes."""
        worker = psutil.Process(self.processes[1].pid)
        family = [worker, *worker.children(recursive=True)]
        assert len(family) >= 3
        for process in family:
            process.kill()

    def stop(self) -> None:
        for process in self.processes:
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            for one in family:
                one.kill()
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    files = write_images(folder, IMAGES, size=32)
    for path in files[50 :: IMAGES // CORRUPT]:
        path.write_bytes(path.read_bytes()[:200])
    return folder


@pytest.fixture
def model(loaded, photographs, tmp_path) -> Path:
    """A detector with an operating point, so that ``unsure`` is true, false and null."""
    files = sorted(photographs.rglob("*.jpg"))[:40]
    low, middle, high = np.quantile([score.p_fake for score in score_files(loaded, files, threads=1)], (0.3, 0.5, 0.7))
    copy_detector(loaded, tmp_path / "model")
    metadata = read_json(tmp_path / "model" / "detector.json")
    metadata["operating"] = {"threshold": middle, "low": low, "high": high}
    write_json(tmp_path / "model" / "detector.json", metadata)
    return tmp_path / "model"


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster")
    yield cluster
    cluster.stop()


def start(source: Path, output: Path, model: Path, *options: str) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "SPARK_LOCAL_IP": "127.0.0.1"}
    arguments = [str(source), str(output), "--model", str(model), "--part-size", str(PART), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "fakefaces.cli", "score", *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    stdout, stderr = process.communicate(timeout=600)
    assert process.returncode == 0, stderr
    assert not stdout
    return stderr


def parts(output: Path) -> list[Path]:
    return sorted(output.glob("part-*.parquet"))


def test_each_image_has_one_row_though_a_worker_is_killed_and_the_rows_are_those_of_the_local_engine(
    cluster, photographs, model, tmp_path
):
    process = start(photographs, tmp_path / "out", model, "--engine", "spark", "--master", cluster.master)
    wait_for(lambda: len(parts(tmp_path / "out")) >= 3 or process.poll() is not None)
    cluster.kill_a_worker()
    left = IMAGES // PART - len(parts(tmp_path / "out"))
    assert left > 5
    said = finish(process)
    assert f"{IMAGES:,} images" in said and f"{CORRUPT} with problems ({CORRUPT} broken)" in said
    rows = rows_of(tmp_path / "out")
    assert {row["unsure"] for row in rows} == {True, False, None}
    assert [row["path"] for row in rows] == [str(path) for path in sorted(photographs.rglob("*.jpg"))]
    finish(start(photographs, tmp_path / "local", model))
    for one, other in zip(parts(tmp_path / "out"), parts(tmp_path / "local"), strict=True):
        assert pq.read_table(one).equals(pq.read_table(other))
        assert one.read_bytes() == other.read_bytes()


def test_what_spark_began_the_local_engine_completes_and_the_other_way_round(photographs, model, tmp_path):
    output = tmp_path / "out"
    first = start(photographs, output, model, "--engine", "spark", "--master", "local[2]")
    wait_for(lambda: len(parts(output)) >= 2 or first.poll() is not None)
    first.send_signal(signal.SIGINT)
    stderr = first.communicate(timeout=60)[1]
    assert first.returncode == 130
    assert "run the same command again to resume" in stderr and "Traceback" not in stderr
    finish(start(photographs, output, model))
    before = {path.name: path.read_bytes() for path in parts(output)}
    assert len(before) == IMAGES // PART
    parts(output)[3].unlink()
    parts(output)[4].write_bytes(b"half a part")
    said = finish(start(photographs, output, model, "--engine", "spark", "--jobs", "2"))
    assert f"{len(before) - 2} of {len(before)} parts are finished already" in said
    assert {path.name: path.read_bytes() for path in parts(output)} == before


def test_a_master_that_is_not_there_is_a_sentence(photographs, model, tmp_path):
    master = f"spark://127.0.0.1:{free_port()}"
    process = start(photographs, tmp_path / "out", model, "--engine", "spark", "--master", master)
    stderr = process.communicate(timeout=300)[1]
    assert process.returncode == 1
    assert stderr.splitlines()[-1].startswith("ERROR") and master in stderr and "Traceback" not in stderr
