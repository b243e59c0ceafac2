"""A real server under load while the alias moves: no request is lost, and each answer names who scored it."""

import json
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from fakefaces.inference import detector
from fakefaces.registry.store import Registry
from fakefaces.tracking.detectors import fetch_detector
from tests.graphs import write_residual_detector
from tests.serving.conftest import photographs
from tests.serving.test_http import Server
from tests.tracking.factories import evaluated, promoted, trained

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)]


class Load:
    """Clients that ask without a pause; all answers by the time they came."""

    def __init__(self, server: Server, photographs: list[Path], clients: int = 4):
        self.answers: list[tuple[int, dict]] = []
        self._stop = threading.Event()
        images = [path.read_bytes() for path in photographs]

        def client(k: int) -> None:
            while not self._stop.is_set():
                self.answers.append((k % len(images), *server.post(images[k % len(images)], "image/jpeg")))
                k += clients

        self.threads = [threading.Thread(target=client, args=(k,)) for k in range(clients)]
        for thread in self.threads:
            thread.start()

    def wait(self, n: int) -> None:
        """Until n more requests are answered."""
        before = len(self.answers)
        wait_for(lambda: len(self.answers) > before + n)

    def stop(self) -> list[tuple[int, int, dict]]:
        self._stop.set()
        for thread in self.threads:
            thread.join(60)
        return self.answers


def state(server: Server) -> dict:
    with urllib.request.urlopen(f"{server.url}/version", timeout=20) as answer:
        return json.load(answer)["model"]


def wait_for(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def successor(root: Path, tmp_path: Path, name: str, seed: int, strength: float) -> None:
    trained(root, name, detector=write_residual_detector(tmp_path / name, seed))
    promoted(root, evaluated(root, name, strength), force="a test")


def test_no_request_is_lost_while_the_champion_changes(registered, tmp_path):
    files = photographs(registered)[:12]
    server = Server(registered, "--poll", "0.2")
    try:
        load = Load(server, files)
        load.wait(20)
        successor(registered, tmp_path, "second", 1, 3)
        wait_for(lambda: state(server)["uri"] == "models:/fake-faces/2")
        load.wait(20)

        successor(registered, tmp_path, "third", 2, 5)
        graph = fetch_detector("models:/fake-faces/3") / "network.onnx"
        wait_for(lambda: state(server)["uri"] == "models:/fake-faces/3")
        Registry("fake-faces").roll_back()
        wait_for(lambda: state(server)["uri"] == "models:/fake-faces/2")
        # its files are damaged before the server reads them again
        graph.write_bytes(graph.read_bytes()[:-1] + b"?")
        Registry("fake-faces").store.client.set_registered_model_alias("fake-faces", "champion", "3")
        wait_for(lambda: state(server)["trouble"] is not None)
        assert state(server)["uri"] == "models:/fake-faces/2"
        load.wait(20)
        answers = load.stop()
        with urllib.request.urlopen(f"{server.url}/metrics", timeout=20) as answer:
            metrics = answer.read().decode()
    finally:
        server.stop()
    assert {status for _, status, _ in answers} == {200}
    scored = {(k, answer["predictions"][0]["model_version"]): answer["predictions"][0] for k, _, answer in answers}
    assert {version for _, version in scored} == {"1", "2", "3"}
    for name, version in (("m", "1"), ("second", "2"), ("third", "3")):
        alone = detector.load(registered / "outputs" / "models" / name)
        for (k, scored_by), row in scored.items():
            if scored_by == version:
                assert row["p_fake"] == alone.score("", files[k].read_bytes).p_fake
    assert 'fakefaces_champion_changes_total{kind="refused"} 1.0' in metrics
    assert 'fakefaces_model_info{uri="models:/fake-faces/2"} 1.0' in metrics
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    events = [line["event"] for line in lines if line["event"] != "request"]
    assert events == ["started", "switched", "switched", "switched", "refused"]
    assert len([line for line in lines if line["event"] == "request"]) >= len(answers)
    assert "are not those that were registered" in next(line for line in lines if line["event"] == "refused")["reason"]
