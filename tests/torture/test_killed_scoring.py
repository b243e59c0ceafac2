"""kill -9 at fifty random moments of ``fakefaces score``: the same command goes on, and ends in the same rows."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.graphs import write_detector
from tests.scoring.conftest import rows_of, write_images
from tests.torture.conftest import environ, fakefaces, scaled

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

KILLS = 50


def score(folder: Path, output: Path) -> list[str]:
    return ["score", str(folder), str(output), "--model", "model", "--jobs", "2", "--part-size", "7"]


@pytest.fixture
def folder(tmp_path) -> Path:
    write_detector(tmp_path / "model")
    for k, path in enumerate(write_images(tmp_path / "in", 20, size=400)):
        for copy in range(100):
            os.link(path, path.with_name(f"{copy:03d}_{path.name}"))
        if k == 3:
            path.with_name("broken.jpg").write_bytes(path.read_bytes()[:999])
    return tmp_path / "in"


def test_what_is_killed_goes_on_and_ends_as_what_is_not(folder, tmp_path):
    assert fakefaces(*score(folder, tmp_path / "undisturbed"), cwd=tmp_path).code == 0
    expected = rows_of(tmp_path / "undisturbed")
    assert len(expected) == 2_021 and len([row for row in expected if row["problem"]]) == 1
    rng, kills, outputs = random.Random(17), 0, [tmp_path / "out0"]
    while kills < scaled(KILLS):
        command = [sys.executable, "-m", "fakefaces.cli", *score(folder, outputs[-1])]
        log = tmp_path / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=environ(), stdout=file, stderr=file, start_new_session=True
            )
        try:
            code = process.wait(rng.uniform(0.2, 4))
        except subprocess.TimeoutExpired:
            kills += 1
            if rng.random() < 0.5:  # the engine alone, whose workers end by themselves, or all
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        else:
            assert code == 0, log.read_text()
            outputs.append(tmp_path / f"out{len(outputs)}")
        assert "Traceback" not in log.read_text()
    for output in outputs:
        done = fakefaces(*score(folder, output), cwd=tmp_path)
        assert done.code == 0, done.err
        assert rows_of(output) == expected
        others = {path.name for path in output.iterdir() if not path.name.startswith("part-")}
        assert others == {"_inputs", "_manifest.json", ".lock"}
    assert fakefaces("score", "--verify", outputs[0], cwd=tmp_path).code == 0
