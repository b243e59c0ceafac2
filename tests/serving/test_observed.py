"""What the HTTP server says of itself: ids, log, metrics, and the version in use."""

import asyncio
import hashlib
import io
import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fakefaces.inference.file_facts import file_facts
from fakefaces.monitoring.batches import read_batches
from fakefaces.monitoring.shadow import Shadow
from fakefaces.monitoring.shadow_log import read_pairs
from fakefaces.serving.log import Log
from fakefaces.serving.server import Records, application
from fakefaces.web.deployed import Change, Deployed, Kind
from tests.detectors import constant, detector_of
from tests.serving.test_server import ask, inputs, png, request


@pytest.fixture
def observed(mean_detector):
    records = Records()
    records.log = Log(io.StringIO(), records.metrics.log_line_lost)
    return application(Deployed(mean_detector, "models:/m/1"), records=records), records


def lines(records: Records) -> list[dict]:
    with records.log.running():
        pass
    return [json.loads(line) for line in records.log._stream.getvalue().splitlines()]


def values(app) -> dict[tuple[str, ...], float]:
    """The value of each sample by its name and the values of its labels."""
    status, text = request(app, "GET", "/metrics")
    assert status == 200
    families = text_string_to_metric_families(text.decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def headers_of(app, headers=()):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/ping", "headers": list(headers), "query_string": b""}
    asyncio.run(app(scope, None, send))
    return dict(sent[0]["headers"])


def test_a_line_of_the_log_holds_scores_and_neither_images_nor_names(observed):
    app, records = observed
    ask(app, inputs(png(51), b"no image", png(230)), path="/invocations", **{"x-request-id": "abc-1"})
    request(app, "GET", "/holiday-with-anna.jpg")
    request(app, "GET", "/ping")
    scored, unknown = lines(records)
    assert (scored["event"], scored["request_id"], scored["status"]) == ("request", "abc-1", 200)
    assert [score.get("label") for score in scored["scores"]] == ["real", None, "fake"]
    digest = hashlib.sha256(b"no image").hexdigest()
    assert scored["scores"][1] == {"problem": "not_an_image", "sha256": digest, "bytes": 8}
    assert scored["scores"][0].items() >= file_facts(png(51)).model_dump().items()
    assert (unknown["route"], unknown["status"]) == ("other", 404)
    assert "anna" not in json.dumps([scored, unknown])
    assert len(json.dumps(scored)) < 2500


def test_the_log_is_a_batch_that_can_be_watched(observed, tmp_path):
    app, records = observed
    ask(app, inputs(png(51), b"no image", png(230)))
    with records.log.running():
        pass
    (tmp_path / "server.jsonl").write_text(records.log._stream.getvalue())
    (batch,) = read_batches(tmp_path / "server.jsonl")
    assert batch.rows["label"].fillna("").tolist() == ["real", "", "fake"]
    assert batch.rows["format"].fillna("").tolist() == ["PNG", "", "PNG"]


def test_a_challenger_scores_a_share_of_what_is_asked_and_the_answer_is_the_champions(mean_detector, tmp_path):
    records = Records(Shadow(detector_of(constant(0.9)), tmp_path / "shadow.jsonl", 1.0))
    app = application(Deployed(mean_detector, "models:/m/1"), records=records)
    with records.shadow:
        status, answer = ask(app, inputs(png(51), b"no image", png(230)))
    labels = [row["label"] for row in json.loads(answer)["predictions"]]
    assert (status, labels) == (200, ["real", None, "fake"])
    pairs = read_pairs([tmp_path / "shadow.jsonl"])
    assert pairs[["champion", "challenger"]].to_numpy().tolist() == [[0, 1], [1, 1]]
    assert pairs["sha256"].tolist() == [hashlib.sha256(png(shade)).hexdigest() for shade in (51, 230)]


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 200, b'{"a"', b"\xff"])
def test_each_answer_has_an_id_and_a_strange_one_is_replaced(observed, given):
    app, _ = observed
    assert headers_of(app, [(b"x-request-id", b"from.proxy_7-A")])[b"x-request-id"] == b"from.proxy_7-A"
    ids = {headers_of(app, [(b"x-request-id", given)])[b"x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(len(id) == 32 for id in ids)


def test_an_error_of_ours_is_counted_and_logged_with_its_id():
    class Failing:
        def score(self, name, read):
            raise RuntimeError("secret.py")

    records = Records()
    records.log = Log(io.StringIO())
    app = application(Deployed(Failing()), records=records)
    with pytest.raises(RuntimeError):
        ask(app, png(1), "image/png", **{"x-request-id": "seven"})
    (line,) = lines(records)
    assert (line["request_id"], line["status"], line["error"]) == ("seven", 500, "RuntimeError")
    assert values(app)["fakefaces_requests_total", "/invocations", "500"] == 1


def test_the_metrics_count_requests_images_and_scores(observed):
    app, _ = observed
    ask(app, inputs(png(51), b"no image", png(230)))
    ask(app, b"x", "text/csv")
    request(app, "GET", "/a")
    request(app, "GET", "/b")
    counted = values(app)
    assert counted["fakefaces_requests_total", "/invocations", "200"] == 1
    assert counted["fakefaces_requests_total", "/invocations", "415"] == 1
    assert counted["fakefaces_requests_total", "other", "404"] == 2
    assert counted["fakefaces_images_total", "fake", ""] == counted["fakefaces_images_total", "real", ""] == 1
    assert counted["fakefaces_images_total", "not_an_image", ""] == 1
    assert counted["fakefaces_score_count", ""] == 2
    assert counted["fakefaces_requests_in_progress",] == 1  # that for the metrics
    assert counted["fakefaces_model_info", "models:/m/1"] == 1


def test_metrics_and_version_say_that_a_successor_was_refused(observed, capsys):
    app, records = observed
    deployed = Deployed(None, "models:/m/1")
    app = application(deployed, records=records)
    deployed.trouble = Change(Kind.REFUSED, "models:/m/2", "models:/m/1", "it is not what was evaluated")
    records.changed(deployed.trouble)
    assert "models:/m/2 (it is not what was evaluated)" in capsys.readouterr().err
    (line,) = lines(records)
    assert (line["event"], line["uri"]) == ("refused", "models:/m/2")
    counted = values(app)
    assert counted["fakefaces_champion_changes_total", "refused"] == 1
    assert counted["fakefaces_champion_current",] == 0
    state = json.loads(request(app, "GET", "/version")[1])["model"]
    assert (state["uri"], state["trouble"]["uri"]) == ("models:/m/1", "models:/m/2")
    records.changed(Change(Kind.SWITCHED, "models:/m/3", "models:/m/1"))
    counted = values(app)
    assert counted["fakefaces_model_info", "models:/m/3"] == counted["fakefaces_champion_current",] == 1
    assert ("fakefaces_model_info", "models:/m/1") not in counted


def test_a_log_that_nobody_reads_loses_lines_and_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("fakefaces.serving.log._MAX_WAITING", 3)
    lost = []
    log = Log(io.StringIO(), lambda: lost.append(1))
    for k in range(5):
        log.write("line", k=k)
    assert len(lost) == 2
