"""Python environments for tests, made by uv from PyPI; a test is skipped where uv or the network is missing."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT

_PREDICT = """
import importlib.util, json, sys
from pathlib import Path
import mlflow
if len(sys.argv) > 3:
    mlflow.set_tracking_uri(sys.argv[3])
model = mlflow.pyfunc.load_model(sys.argv[1])
rows = model.predict([path.read_bytes() for path in sorted(Path(sys.argv[2]).rglob("*.jpg"))])
assert importlib.util.find_spec("fakefaces") is None
print(json.dumps([row.model_dump() for row in rows]))
"""

_OFFLINE = ("Failed to fetch", "dns error", "error sending request", "Could not connect")
_UV = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".uv" / "bin"))


def uv() -> Path:
    """The program uv."""
    if _UV is None:
        pytest.skip("uv is not on the PATH")
    return Path(_UV)


def clean_environ(**more: str) -> dict[str, str]:
    """A shell's environment that knows neither this project nor its MLflow store; uv is on its PATH."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_", "PYTHON", "VIRTUAL_ENV"))}
    return kept | {"PATH": f"{uv().parent}:{kept['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"} | more


def new_environment(folder: Path, packages: Sequence[str], *, pip: bool = False) -> Path:
    """Make an environment with nothing but these packages and what they require; return its Python.

    ``packages`` are arguments of ``uv pip install``; ``pip`` adds pip itself.
    """
    seed = ["--seed"] if pip else []
    _run([str(uv()), "venv", "--quiet", "--python", sys.executable, *seed, str(folder)])
    python = folder / "bin" / "python"
    _run([str(uv()), "pip", "install", "--quiet", "--python", str(python), *packages])
    return python


def predictions(python: Path, where: Path, *arguments: str) -> list[dict]:
    """What a model predicts in another environment, run in the folder ``where``.

    ``arguments`` are the model's URI or folder, a folder of photographs, and the MLflow store if it is needed.
    """
    command = [str(python), "-c", _PREDICT, *arguments]
    done = subprocess.run(command, cwd=where, env=clean_environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=clean_environ(), capture_output=True, text=True, check=False)
    if done.returncode and any(text in done.stderr for text in _OFFLINE):
        pytest.skip("PyPI cannot be reached")
    assert done.returncode == 0, done.stderr
