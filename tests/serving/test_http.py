"""`fakefaces serve` as a process, asked over HTTP, beside `fakefaces predict` and the evaluation's scores."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakefaces.inference import detector
from fakefaces.inference.score import PART_COLUMNS, Prediction
from tests.conftest import ROOT
from tests.serving.conftest import N, photographs

pytestmark = pytest.mark.slow


class Server:
    """`fakefaces serve` as a process, on a free port."""

    def __init__(self, root: Path, *arguments: str):
        env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
        self.log = root / "server.log"
        with self.log.open("w") as out:
            command = [sys.executable, "-m", "fakefaces.cli", "serve", "--port", "0", *arguments]
            self.process = subprocess.Popen(command, cwd=root, env=env, stdout=out, stderr=out)
        match = None
        for _ in range(600):
            match = re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text())
            if match or self.process.poll() is not None:
                break
            time.sleep(0.2)
        if not match:
            self.process.kill()
            pytest.fail(self.log.read_text())
        self.url = match[0]

    def post(self, body: bytes, kind: str = "application/json") -> tuple[int, dict]:
        request = urllib.request.Request(f"{self.url}/invocations", body, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def scores(self, files: list[Path]) -> list[dict]:
        inputs = [base64.b64encode(path.read_bytes()).decode() for path in files]
        status, answer = self.post(json.dumps({"inputs": inputs}).encode())
        assert status == 200, answer
        return answer["predictions"]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)


@pytest.fixture
def server(registered: Path) -> Iterator[Server]:
    running = Server(registered)
    yield running
    running.stop()


def test_the_same_images_through_predict_and_the_server_have_equal_scores(registered, server):
    files = photographs(registered)
    assert len(files) == N
    trained = detector.load(registered / "outputs" / "models" / "m")
    command = [sys.executable, "-m", "fakefaces.cli", "predict", "--json", "more"]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    lines = subprocess.run(command, cwd=registered, env=env, capture_output=True, text=True, check=True).stdout
    predicted = {row["path"]: row for row in map(json.loads, lines.splitlines())}
    predicted = [predicted[path.relative_to(registered).as_posix()] for path in files]
    served = server.scores(files)
    assert [row["p_fake"] for row in predicted] == [trained.score("", path.read_bytes).p_fake for path in files]
    for key in Prediction.model_fields:
        assert [row[key] for row in served] == [row[key] for row in predicted]
    assert {row["model_version"] for row in served} == {"1"}
    assert all(row[part] is not None for row in served for part in PART_COLUMNS)
    assert 2 * N // 5 < sum(row["label"] == "fake" for row in served) < 3 * N // 5
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda path: server.post(path.read_bytes(), "image/jpeg"), files))
    assert [answer["predictions"] for _, answer in alone] == [[row] for row in served]
    assert "tensorflow" not in server.log.read_text()


def test_the_server_runs_without_tensorflow_and_mlflows_scoring_server(registered):
    code = (
        "import sys; from pathlib import Path; from fakefaces.serving.server import application;"
        "from fakefaces.inference.detector import load; from fakefaces.web.deployed import Deployed;"
        "application(Deployed(load(Path('outputs/models/m'))));"
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=registered, env=env, capture_output=True, text=True, check=True
    )
    assert "onnxruntime" in process.stdout
    for name in ("tensorflow", "keras", "mlflow", "pandas", "fastapi"):
        assert f"'{name}'" not in process.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_of_the_documents_work_as_pasted(registered, server):
    pasted = re.findall(r"^    (curl .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(pasted) == 1
    page = (ROOT / "docs" / "promotion.md").read_text()
    pasted += re.findall(r"^    (curl .*|printf .*\n      curl .*)$", page, re.MULTILINE)
    assert len(pasted) == 3
    photo = photographs(registered)[0]
    for command in pasted:
        # The port is free in the test, and a reader's photo.jpg is one of ours; all else is as it stands there.
        command = command.replace("http://127.0.0.1:5001", server.url).replace("photo.jpg", str(photo))
        process = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
        (row,) = json.loads(process.stdout)["predictions"]
        assert list(row) == list(Prediction.model_fields)
        assert 0 <= row["p_fake"] <= 1


def test_what_is_no_image_gets_a_reason_and_the_server_lives_on(registered, server):
    good = photographs(registered)[0]
    wanted = server.scores([good])

    def inputs(*images: bytes) -> bytes:
        return json.dumps({"inputs": [base64.b64encode(image).decode() for image in images]}).encode()

    bomb = b"BM" + (54).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    bomb += (30_000).to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    for body, kind, status, reason in (
        (inputs(b"no image"), "application/json", 400, "image 1: not an image"),
        (inputs(good.read_bytes()[:900]), "application/json", 400, "image 1: broken or truncated"),
        (b"no image", "image/jpeg", 400, "not an image"),
        (b"", "image/jpeg", 400, "empty"),
        (bomb, "image/bmp", 400, "110,000,000 pixels"),
        (b'{"inputs": ["' + str(good).encode() + b'"]}', "application/json", 400, "not base64"),
        (b'{"inputs": ["***"]}', "application/json", 400, "not base64"),
        (b"\x00\x01", "application/json", 400, "not JSON"),
        (b"[" * 10**6, "application/json", 400, "not JSON"),
        (b"a\n1", "text/csv", 415, "must be"),
        (b"x" * (90 * 2**20), "application/json", 413, "the limit"),
    ):
        got, answer = server.post(body, kind) if status != 413 else oversized(server, body)
        assert (got, set(answer)) == (status, {"error_code", "message"}), answer
        assert reason in answer["message"]
        assert len(json.dumps(answer)) < 500
        assert "Traceback" not in answer["message"]
        assert server.scores([good]) == wanted
    rows = server.post(inputs(good.read_bytes(), bomb, good.read_bytes()))[1]["predictions"]
    assert [row["problem"] for row in rows] == [None, "too_many_pixels", None]
    assert rows[0] == rows[2] == wanted[0]
    assert server.process.poll() is None
    assert "Traceback" not in server.log.read_text()
    assert server.stop() in (143, -15)  # after it has closed its connections


def oversized(server: Server, body: bytes) -> tuple[int, dict]:
    """A client that reads the answer although the server stopped reading the body."""
    import http.client
    from contextlib import closing

    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)) as connection:
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:1000])
        with connection.getresponse() as answer:
            return answer.status, json.loads(answer.read())
