"""The registered model as it is used: loaded by MLflow, called by `predict`, asked over HTTP."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakefaces.base.errors import ModelError
from fakefaces.base.paths import Layout
from fakefaces.data.photographs import find_faces
from fakefaces.data.splits import images_digest
from fakefaces.features.extract import FeatureSpec
from fakefaces.features.files import extract_files
from fakefaces.inference import detector
from fakefaces.inference.metadata import DetectorMetadata, Operating
from fakefaces.inference.predict import score_files
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import aligned_scores
from fakefaces.registry.rescore import related_images, score_champion
from fakefaces.registry.store import Registry
from fakefaces.tracking.detectors import fetch_detector, pyfunc
from tests.conftest import ROOT, write_photographs
from tests.tracking.factories import evaluated, operating_point, promoted, trained

N = 200


@pytest.fixture
def registered(tracked: Path) -> Path:
    """A project whose champion is a real network, unsure of half of the 200 photographs that lie beside it."""
    runtime.start(seed=5, threads=2)
    folder = trained(tracked, "m", model_spec("custom_cnn", {}, "here").build((32, 32, 3)))
    write_photographs(tracked / "more", reals=N // 2, fakes=N // 2)
    middle = float(np.median(scores_in_training(tracked, folder)))
    promoted(tracked, evaluated(tracked, "m", 1, operating_point(middle, low=middle)))
    return tracked


def photographs(root: Path) -> list[Path]:
    return sorted((root / "more").rglob("*.jpg"))


def scores_in_training(root: Path, folder: Path) -> list[float]:
    """The scores of the arrays that the prepare stage makes for training; in chunks as serving takes them."""
    names = [path.relative_to(root).as_posix() for path in photographs(root)]
    arrays = extract_files(FeatureSpec("pixels", 32), [root / name for name in names], threads=2)
    loaded = detector.load(folder)
    return [p for k in range(0, N, 64) for p in loaded.p_fake(arrays[k : k + 64]).tolist()]


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


def test_mlflow_loads_it_and_it_takes_bytes_paths_and_base64_alike(registered, monkeypatch):
    model = pyfunc().load_model(str(fetch_detector("models:/fake-faces@champion").parents[1]))
    files = photographs(registered)[::20]
    of_bytes = model.predict([path.read_bytes() for path in files])
    assert [prediction.p_fake for prediction in model.predict([str(path) for path in files])] == [
        prediction.p_fake for prediction in of_bytes
    ]
    assert [prediction.p_fake for prediction in model.predict(files)] == [prediction.p_fake for prediction in of_bytes]
    assert {prediction.label for prediction in of_bytes} == {"fake", "real"}
    # This operating point: unsure from the threshold on, and never surely fake.
    assert [prediction.unsure for prediction in of_bytes] == [prediction.label == "fake" for prediction in of_bytes]
    assert {prediction.parts for prediction in of_bytes} == {None}
    from mlflow.exceptions import MlflowException

    for invalid, reason in (
        (["absent.jpg"], "absent.jpg: cannot be read"),
        ([7], "not int"),
        ([b"x"], "not an image"),
    ):
        with pytest.raises(MlflowException, match=reason) as raised:
            model.predict(invalid)
        assert raised.value.get_http_status_code() == 400
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    as_text = [base64.encodebytes(path.read_bytes()).decode() for path in files]  # with line ends
    assert [prediction.p_fake for prediction in model.predict(as_text)] == [
        prediction.p_fake for prediction in of_bytes
    ]
    with pytest.raises(MlflowException, match="not base64"):
        model.predict([str(files[0])])  # a stranger's path


class MeanNetwork:
    """A network whose score of an image is its mean, and of its parts one to four tenths of that."""

    output_shape = (None, 5)

    def predict_on_batch(self, batch):
        mean = np.asarray(batch, dtype=np.float64).reshape(len(batch), -1).mean(axis=1) / 255
        return np.stack([mean * share for share in (1, 0.1, 0.2, 0.3, 0.4)], axis=1)


def test_a_prediction_has_the_score_label_abstention_and_parts_of_its_own_image(tmp_path):
    pyfunc()
    from mlflow.exceptions import MlflowException

    from fakefaces.serving.pyfunc_model import FakeFaces

    point = Operating(threshold=0.6, low=0.3, high=0.8)
    metadata = DetectorMetadata(
        model="m", kind="k", image_size=32, weights="w", threshold=0.5, parameters=1, operating=point
    )
    model, files = FakeFaces(), []
    model.detector, model.lock = detector.Detector(MeanNetwork(), metadata), threading.Lock()
    for grey in (51, 230, 102, 178, 140):
        files.append(tmp_path / f"{grey}.png")
        Image.new("RGB", (32, 32), (grey,) * 3).save(files[-1])
    predictions = model.predict(None, [path.read_bytes() for path in files])
    assert [p.p_fake for p in predictions] == pytest.approx([0.2, 230 / 255, 0.4, 178 / 255, 140 / 255])
    assert [p.label for p in predictions] == ["real", "fake", "real", "fake", "real"]
    assert [p.unsure for p in predictions] == [False, False, True, True, True]
    parts = {"left_eye": 0.02, "right_eye": 0.04, "nose": 0.06, "mouth": 0.08}
    assert predictions[0].parts == pytest.approx(parts)
    model.detector = detector.Detector(MeanNetwork(), metadata.model_copy(update={"operating": None}))
    (plain,) = model.predict(None, [files[4].read_bytes()])
    assert (plain.label, plain.unsure) == ("fake", None)
    with pytest.raises(MlflowException, match="image 2: not an image"):
        model.predict(None, [files[0].read_bytes(), b"x"])


@pytest.mark.slow
def test_it_loads_with_nothing_but_mlflow_and_the_package(registered, tmp_path):
    folder, image = fetch_detector("models:/fake-faces@champion").parents[1], photographs(registered)[0]
    code = (
        "import sys, pathlib, mlflow; model = mlflow.pyfunc.load_model(sys.argv[1]);"
        "print(model.predict([pathlib.Path(sys.argv[2]).read_bytes()])[0].p_fake)"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "DVC_"))}
    process = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(image)],
        cwd=elsewhere,
        env=clean | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    alone = detector.load(fetch_detector("models:/fake-faces@champion")).p_fake(
        extract_files(FeatureSpec("pixels", 32), [image], threads=1)
    )
    assert float(process.stdout) == alone[0]
    assert list(elsewhere.iterdir()) == []


@pytest.mark.slow
def test_the_same_200_images_through_training_predict_and_the_server_have_equal_scores(registered, server):
    files = photographs(registered)
    assert len(files) == N
    training = scores_in_training(registered, registered / "outputs" / "models" / "m")
    command = [sys.executable, "-m", "fakefaces.cli", "predict", "--json", "more"]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    lines = subprocess.run(command, cwd=registered, env=env, capture_output=True, text=True, check=True).stdout
    predicted = {row["path"]: row for row in map(json.loads, lines.splitlines())}
    predicted = [predicted[path.relative_to(registered).as_posix()] for path in files]
    served = server.scores(files)
    assert [row["p_fake"] for row in predicted] == training
    assert [row["p_fake"] for row in served] == training
    for key in ("label", "unsure", "parts"):
        assert [row[key] for row in served] == [row[key] for row in predicted]
    assert 80 < sum(row["label"] == "fake" for row in served) < 120
    # One at a time the batch is another one, so the last digit of a float32 may differ, and no more.
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda path: server.post(path.read_bytes(), "image/jpeg"), files))
    assert {status for status, _ in alone} == {200}
    assert [answer["predictions"][0]["p_fake"] for _, answer in alone] == pytest.approx(training, abs=1e-6)


@pytest.mark.slow
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
        assert list(row) == ["p_fake", "label", "unsure", "parts"]
        assert 0 <= row["p_fake"] <= 1


@pytest.mark.slow
def test_what_is_no_image_gets_a_reason_and_the_server_lives_on(registered, server):
    good = photographs(registered)[0]
    wanted = server.scores([good])

    def inputs(*images: bytes) -> bytes:
        return json.dumps({"inputs": [base64.b64encode(image).decode() for image in images]}).encode()

    bomb = b"BM" + (54).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    bomb += (30_000).to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    for body, kind, status, reason in (
        (inputs(b"no image"), "application/json", 400, "image 1: not an image"),
        (inputs(good.read_bytes(), good.read_bytes()[:900]), "application/json", 400, "image 2: broken or truncated"),
        (b"no image", "image/jpeg", 400, "not an image"),
        (b"", "image/jpeg", 400, "empty"),
        (bomb, "image/bmp", 400, "50,000,000 pixels"),
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


@pytest.mark.slow
def test_a_champion_that_was_tested_on_other_images_is_measured_on_these(registered):
    faces = find_faces(registered / "data")
    paths = [registered / "data" / image for image in faces["image"]]
    sha256 = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    table = faces.assign(group=faces["image"], split="test", sha256=sha256)
    table.to_csv(registered / "outputs" / "images.csv", index=False)
    champion = Registry("fake-faces").champion()
    candidate = Evidence("new", "its digest", images_digest(table), {}, table.assign(p_fake=0.5))
    scores = score_champion(champion, candidate)
    alone = score_files(detector.load(fetch_detector(champion.uri)), paths, threads=2)
    assert scores.p_fake == pytest.approx(
        {key: prediction.p_fake for key, prediction in zip(sha256, alone, strict=True)}, abs=1e-6
    )
    assert scores.threshold == 0.5
    assert scores.training_images == set()
    assert aligned_scores(scores, candidate.predictions).notna().all()
    evaluated(registered, "m", 1, training_images=sha256[:3])
    table.assign(group=["one photograph"] * 5 + list(table["group"][5:])).to_csv(
        registered / "outputs" / "images.csv", index=False
    )
    assert related_images(champion, Layout(registered)) == set(sha256[:5])
    with pytest.raises(ModelError, match="evaluated on other images than the candidate"):
        score_champion(champion, replace(candidate, test_digest="images that are not here"))
