"""Folders in MLflow's format whose pickle or code would run: no command of ours runs them."""

import pickle
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import write_photographs
from tests.graphs import write_detector
from tests.serving.servers import free_port, running
from tests.torture.conftest import environ, fakefaces

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

_MLMODEL = """
flavors:
  python_function:
    loader_module: {loader}
    python_model: python_model.pkl
    model_code_path: code.py
    data: artifacts
    code: code
    env: {{virtualenv: python_env.yaml}}
"""


class Touch:
    """What creates a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("loader", ["mlflow.pyfunc.model", "payload"])
def test_no_code_of_a_models_folder_runs(workspace, loader):
    ran, folder = workspace / "ran", workspace / "model"
    write_detector(folder)
    (folder / "code").mkdir()
    code = f"from pathlib import Path\nPath({str(ran)!r}).touch()\n"
    for path in (folder / "code.py", folder / "code" / "payload.py", folder / "__init__.py", folder / "detector.py"):
        path.write_text(code)
    (folder / "MLmodel").write_text(_MLMODEL.format(loader=loader))
    (folder / "python_model.pkl").write_bytes(pickle.dumps(Touch(ran)))
    (folder / "network.keras").write_bytes(pickle.dumps(Touch(ran)))
    photograph = next(write_photographs(workspace / "in", 1, 1).rglob("*.jpg"))
    for command in (
        ["predict", photograph, "--model", folder],
        ["score", workspace / "in", workspace / "out", "--model", folder, "--jobs", 1],
        ["explain", folder, photograph],
    ):
        done = fakefaces(*command, cwd=workspace)
        assert not ran.exists(), command
        assert done.code == (0 if command[0] in ("predict", "score") else 1), done.err
        assert done.code == 0 or len(done.errors()) == 1, done.err
    port = free_port()
    serve = [sys.executable, "-m", "fakefaces.cli", "serve", "--model", str(folder), "--port", str(port)]
    with running(serve, workspace, port, "/ping", PYTHONPATH=environ()["PYTHONPATH"]) as address:
        headers = {"Content-Type": "image/jpeg"}
        request = urllib.request.Request(f"{address}/invocations", photograph.read_bytes(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200
    assert not ran.exists()
