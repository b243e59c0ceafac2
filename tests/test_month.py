"""The month of docs/operations.md: its short form, and that it notices what goes otherwise."""

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from benchmarks.month.__main__ import main
from benchmarks.month.clone import Clone, linked
from benchmarks.month.diary import Diary
from benchmarks.month.month import MODELS, Month, play
from benchmarks.month.servers import Client
from fakefaces.ingest.record import track
from syntheticfaces import write_samples
from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_short_form_of_the_month(make_project, tmp_path, monkeypatch, capfd):
    checkout = make_project(tmp_path / "checkout")
    for name in ("samples", "data"):
        shutil.rmtree(checkout.root / name)
    write_samples(checkout.root / "samples", images=240, seed=1)
    shutil.copytree(checkout.root / "samples", checkout.root / "data")
    track(checkout.root, "samples")
    whole, params = yaml.safe_load((ROOT / "params.yaml").read_text()), checkout.params()
    params["prepare"]["features"]["residuals"] = whole["prepare"]["features"]["residuals"]
    params["train"]["models"] = {name: whole["train"]["models"][name] for name in MODELS}
    params["promote"] |= {"margin": 0.2, "slice_margin": 0.5}  # of few images
    checkout.write_params(params)
    shutil.copy(ROOT / "Makefile", checkout.root)
    checkout.run("git", "add", "-A")
    checkout.run("git", "commit", "-qm", "drawn faces")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "network_guard"))
    monkeypatch.setenv("NETWORK_LOG", str(tmp_path / "network.log"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/else.db")  # which is not the month's
    month = Month(tmp_path / "month", checkout.root, images=80, days=3, change=2)
    play(month)
    told: dict[str, str] = {}
    for _, when, what in month.diary.rows:
        told.setdefault(when, what)  # the last day is told again, by the next version
    assert told["day 1"].startswith("quiet") and all(told[f"day {day}"].startswith("ALARM: ") for day in (2, 3))
    assert told["promotion"].startswith("version 2 is champion: roc_auc ")
    assert "none lost" in told["in all"]
    said = capfd.readouterr().out
    assert all(what in said for _, _, what in month.diary.rows)
    assert "rollback" in said.split("| minute |")[1]
    assert json.loads((month.folder / "watch" / "02" / "watch.json").read_text())["batches"][0]["alarms"]
    assert not (tmp_path / "network.log").exists()


class Flaky(BaseHTTPRequestHandler):
    """Answers every third request with an error."""

    asked = 0

    def do_POST(self):
        Flaky.asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(500 if Flaky.asked % 3 == 0 else 200)
        self.send_header("X-Model-Version", "1")
        self.end_headers()
        self.wfile.write(json.dumps({"predictions": [{"p_fake": 0.5}]}).encode())

    def log_message(self, *arguments):
        pass


def test_a_request_that_is_lost_is_counted(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"a photograph")
    server = HTTPServer(("127.0.0.1", 0), Flaky)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        client = Client(f"http://127.0.0.1:{server.server_port}", [tmp_path / "photo.jpg"], pause=0.001)
        end = time.monotonic() + 60
        while len(client.versions) < 8 and time.monotonic() < end:
            time.sleep(0.01)
        answers = client.stop()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert answers["1"] >= 8 and len(client.failed) >= 3 and "500" in client.failed[0]


def test_a_command_that_ends_otherwise_ends_the_month(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "elsewhere")
    clone = Clone(tmp_path, tmp_path)
    assert (
        clone.run("sh", "-c", "echo $MLFLOW_TRACKING_URI; exit 3", code=3) == f"sqlite:///{tmp_path}/store/mlflow.db\n"
    )
    with pytest.raises(SystemExit, match=r"(?s)no disk\n.*exit code 4; .*log\.txt"):
        clone.run("sh", "-c", "echo no disk >&2; exit 4")
    assert "no disk" in (tmp_path / "log.txt").read_text()
    with pytest.raises(SystemExit, match="expected: an alarm; seen: 0"):
        Diary().expect(False, "an alarm", 0)


def test_the_cache_of_a_checkout_is_lent_and_a_folder_in_use_refused(tmp_path, monkeypatch):
    (tmp_path / "object").write_text("bytes")
    linked(str(tmp_path / "object"), str(tmp_path / "lent"))
    assert (tmp_path / "lent").samefile(tmp_path / "object")
    monkeypatch.setattr("sys.argv", ["month.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="is not empty"):
        main()
