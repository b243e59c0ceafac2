"""The champion of a registry, by each engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.scoring.conftest import rows_of
from tests.serving.conftest import N, registered  # noqa: F401, a fixture

pytestmark = pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)


def run(root: Path, *arguments: str) -> str:
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-m", "fakefaces.cli", "score", *arguments]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


def scored(root: Path, output: str, *options: str) -> list[dict]:
    (root / "more" / "training_real" / "real_00003.jpg").write_bytes(b"no image")
    run(root, "more", output, "--part-size", "12", *options)
    rows = rows_of(root / output)
    assert len(rows) == N
    assert {(row["problem"], row["model_version"]) for row in rows} == {(None, "1"), ("not_an_image", "1")}
    assert sum(row["unsure"] is True for row in rows) in range(2 * N // 5, 3 * N // 5 + 1)
    assert all(row["p_nose"] is not None for row in rows if not row["problem"])
    assert '"source": "models:/fake-faces/1"' in (root / output / "_manifest.json").read_text()
    return rows


def test_the_champion_scores_and_its_version_verifies(registered):  # noqa: F811
    scored(registered, "out")
    assert f"{N} images have a row each" in run(registered, "--verify", "out")


@pytest.mark.spark
def test_spark_runs_the_registered_model_with_the_code_that_it_carries(registered):  # noqa: F811
    one = scored(registered, "spark", "--engine", "spark", "--jobs", "2")
    assert one == scored(registered, "local")
    assert "50 scored again, and agree" in run(registered, "--verify", "spark")
