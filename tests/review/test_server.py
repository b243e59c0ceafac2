"""What the review page's server answers, and to whom."""

import json
import os
import socket
import time

import pytest

from fakefaces.data.images import MAX_BYTES
from fakefaces.evaluation.base_rate import ErrorRates
from fakefaces.inference.familiar import Familiar
from fakefaces.inference.metadata import Operating
from fakefaces.review import arrivals
from fakefaces.review.arrivals import Arrivals
from fakefaces.review.queue import Queue
from fakefaces.web.deployed import Deployed
from tests.review.queues import Client, arrived, encoded, explaining, explanation, private, queue_of, review_of, serving


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    queue = queue_of(folder / "queue", 0.9, 0.1, 0.55)
    return review_of(folder, queue)


@pytest.fixture(scope="module")
def client(review):
    with serving(review) as client:
        yield client


def keys(client: Client, reviewer: str = "anna", **since: int) -> dict:
    query = "&".join(f"{name}={value}" for name, value in {"reviewer": reviewer, **since}.items())
    status, answer = client.ask("GET", f"/changes?{query}")
    assert status == 200, answer
    return answer


def until(condition, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_page_and_its_files_are_sent_with_headers_that_keep_it_to_itself(client):
    status, page = client.ask("GET", "/")
    assert status == 200 and b"fakefaces review" in page
    policy = client.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert client.headers["cache-control"] == "no-store"
    for name in ("main.js", "review.css", "icon.svg"):
        assert client.ask("GET", f"/page/{name}")[0] == 200
        assert client.headers["x-content-type-options"] == "nosniff"
    for name in ("nothing.js", "..%2frouter.py", "__init__.py"):
        assert client.ask("GET", f"/page/{name}")[0] == 404


def test_only_what_is_new_is_sent(client):
    first = keys(client)
    assert [row["name"] for row in first["photographs"]] == ["a.png", "b.png", "c.png"]
    assert first["photographs"][0]["p_fake"] == 0.9
    again = keys(client, photographs=3, event=first["event"])
    assert again["photographs"] == [] and again["labels"] == {} and again["session"] == first["session"]
    key = first["photographs"][1]["key"]
    assert client.post("/labels", photograph=key, reviewer="ben", label="fake")[0] == 200
    assert keys(client, photographs=3, event=first["event"])["labels"] == {
        key: {"mine": None, "sure": None, "others": 1, "disagree": False}
    }
    assert keys(client, "ben", photographs=3)["labels"][key]["mine"] == "fake"


@pytest.mark.parametrize(("unfamiliar", "said"), [(20, True), (3, False)])
def test_a_batch_that_is_unlike_what_was_learned_from_is_said_once(tmp_path, unfamiliar, said):
    scored = [explanation(str(k), 0.5, unfamiliar=k < unfamiliar) for k in range(40)]
    queue = Queue(lambda files: [scored.pop(0) for _ in files], private(tmp_path / "queue"))
    arrivals = [arrived(queue, f"{k}.png", encoded(k)) for k in range(40)]
    queue.add(arrivals[:39])
    familiar = Familiar(threshold=0.5, left_out=200, refused=10)
    review = review_of(tmp_path, queue, familiar=familiar)
    with serving(review) as client:
        assert keys(client)["unlike"] is None
        queue.add(arrivals[39:])
        sentence = keys(client, photographs=39)["unlike"]
        review.use(review.metadata, "2", None)
        assert keys(client)["unlike"] is None  # another champion has scored none of them
    assert (sentence is not None) == said
    if sentence:
        assert "unlike the photographs that this model has learned from: 20 of 40 are unfamiliar" in sentence


def test_a_person_sees_the_labels_of_others_after_labelling(client):
    key = keys(client)["photographs"][0]["key"]
    client.post("/labels", photograph=key, reviewer="cleo", label="fake")
    assert client.ask("GET", f"/history/{key}?reviewer=dan")[1] == {"events": [], "hidden": 1}
    client.post("/labels", photograph=key, reviewer="dan", label="real")
    _, shown = client.ask("GET", f"/history/{key}?reviewer=dan")
    assert [(event["reviewer"], event["label"]) for event in shown["events"]] == [("cleo", "fake"), ("dan", "real")]
    assert keys(client, "dan")["labels"][key] == {"mine": "real", "sure": True, "others": 1, "disagree": True}
    assert client.post("/undo", reviewer="dan")[1]["photograph"] == key
    assert keys(client, "dan")["labels"][key]["disagree"] is False
    assert client.post("/undo", reviewer="dan")[1]["photograph"] is None


def test_agreement_is_told_for_each_two_people(client):
    for row, (first, second) in zip(keys(client)["photographs"], [("real", "real"), ("fake", "fake")], strict=False):
        client.post("/labels", photograph=row["key"], reviewer="eva", label=first)
        client.post("/labels", photograph=row["key"], reviewer="finn", label=second)
    found = {tuple(pair["people"]): pair for pair in client.ask("GET", "/agreement")[1]}
    assert (found["eva", "finn"]["n"], found["eva", "finn"]["kappa"]) == (2, 1)
    assert found["eva", "finn"]["low"] < 0.9


def test_a_precision_is_told_for_a_stated_base_rate_only(client, review):
    assert client.ask("GET", "/precision?one_in=100")[0] == 404
    review.rates = ErrorRates(recall=0.9, fpr=0.05, n_fakes=100, n_reals=100)
    try:
        assert client.ask("GET", "/settings")[1]["rates"]["recall"] == 0.9
        status, found = client.ask("GET", "/precision?one_in=100")
        assert (status, found["value"]) == (200, pytest.approx(0.9 / (0.9 + 99 * 0.05)))
        assert found["interval"][0] < found["value"] < found["interval"][1]
        assert client.ask("GET", "/precision?one_in=1")[0] == 400
        assert client.ask("GET", "/precision")[0] == 400
    finally:
        review.rates = None


def test_pictures_are_scaled_and_of_known_sizes_only(client):
    key = keys(client)["photographs"][0]["key"]
    assert client.ask("GET", f"/picture/{key}?side=96")[1].startswith(b"\xff\xd8")
    assert client.headers["cache-control"] == "no-store"
    assert client.ask("GET", f"/picture/{key}?side=97")[0] == 400
    assert client.ask("GET", "/picture/nothing?side=96")[0] == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/labels", b"{"),
        ("/labels", b"[]"),
        ("/labels", b"[" * 60_000),
        ("/labels", b'{"photograph": "x", "reviewer": "a", "label": "maybe"}'),
        ("/labels", b'{"photograph": "x", "reviewer": "a", "label": "real"}'),
        ("/labels", b'{"photograph": "x", "reviewer": "\\ud800", "label": "real"}'),
        ("/labels", b'{"photograph": "x", "label": "real"}'),
        ("/labels", b" " * 70_000),
        ("/undo", b"{}"),
    ],
)
def test_what_is_not_understood_is_one_sentence(client, path, body):
    status, answer = client.ask("POST", path, body)
    assert 400 <= status < 500 and answer["problem"]
    assert client.ask("GET", "/changes?reviewer=a&photographs=-1")[0] == 400
    assert client.ask("GET", f"/changes?reviewer=a&event={'9' * 400}")[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.invalid"},
        {"origin": "null"},
        {"origin": None},
        {"origin": "http://127.0.0.1"},  # another port
        {"host": "elsewhere.invalid", "origin": "http://elsewhere.invalid"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_nothing_is_changed_for_another_site(client, headers):
    before = keys(client)
    body = json.dumps({"photograph": before["photographs"][2]["key"], "reviewer": "eve", "label": "real"}).encode()
    for path, data in (("/labels", body), ("/undo", body), ("/export", b"{}"), ("/files?name=a.png", encoded(9))):
        assert client.ask("POST", path, data, **headers)[0] == 403
    after = keys(client)
    assert (after["event"], after["scored"], after["waiting"]) == (before["event"], 3, 0)


def test_other_pages_show_no_picture_and_links_open_the_page(client):
    key = keys(client)["photographs"][0]["key"]
    picture = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}
    assert client.ask("GET", f"/picture/{key}?side=96", **picture)[0] == 403
    frame = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
    assert client.ask("GET", "/", **frame)[0] == 403
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert client.ask("GET", "/", **link)[0] == 200
    assert client.ask("GET", "/", host="elsewhere.invalid")[0] == 403


def test_a_web_socket_is_not_opened(client):
    status, _ = client.ask("GET", "/", connection="Upgrade", upgrade="websocket", sec_websocket_version="13",
                           sec_websocket_key="AAAAAAAAAAAAAAAAAAAAAA==")  # fmt: skip
    assert status != 101


def test_an_upload_is_scored_and_one_of_no_image_refused(tmp_path):
    with serving(review_of(tmp_path, Queue(explaining(0.8), private(tmp_path / "queue")))) as client:
        assert client.ask("POST", "/files?name=faces/a.png", encoded(1))[0] == 202
        until(lambda: keys(client)["scored"] == 1)
        assert keys(client)["photographs"][0]["name"] == "faces/a.png"
        assert client.ask("POST", "/files?name=b%0Ac.png", encoded(2)[:50])[0] == 202  # the model has no score for it
        until(lambda: keys(client)["n_refused"] == 1)
        assert keys(client)["refused"][0][0] == "b\\nc.png"
        assert keys(client)["waiting"] == 0


def test_named_files_are_scored_where_they_lie_after_the_uploads(tmp_path):
    names = []

    def explain(files):
        names.extend(name for name, _ in files)
        return [explanation(name, 0.3) for name, _ in files]

    files = [private(tmp_path / "mine") / f"{k:02}.png" for k in range(40)]
    for k, path in enumerate(files):
        path.write_bytes(encoded(k))
    queue = Queue(explain, private(tmp_path / "queue"))
    review = review_of(tmp_path, queue)
    review.arrivals = Arrivals(queue, [*files, tmp_path / "missing.png"])
    assert review.arrivals.waiting == 41
    with serving(review) as client:
        until(lambda: keys(client)["scored"] == 40)
        assert names == [str(path) for path in files]
        until(lambda: keys(client)["waiting"] == 0)
        assert [name for name, _ in keys(client)["refused"]] == [str(tmp_path / "missing.png")]
    assert not list(queue.folder.iterdir())
    assert [path.read_bytes() for path in files] == [encoded(k) for k in range(40)]


@pytest.mark.parametrize(
    ("operating", "threshold", "band"),
    [
        (Operating(threshold=0.55, low=0.3, high=0.7), 0.55, [0.3, 0.7]),
        (Operating(threshold=0.55, low=None, high=None), 0.55, [0, 1]),
        (None, 0.5, None),
    ],
)
def test_the_page_learns_the_threshold_that_decides_and_its_band(tmp_path, operating, threshold, band):
    with serving(review_of(tmp_path, Queue(explaining(), private(tmp_path / "queue")), operating=operating)) as client:
        settings = client.ask("GET", "/settings")[1]
    assert (settings["threshold"], settings["band"], settings["reviewer"]) == (threshold, band, "anna")


def test_the_page_follows_the_champion_and_keeps_who_scored_what(tmp_path):
    queue = Queue(lambda files: [explanation(name, 0.9, model_version=version[0]) for name, _ in files], tmp_path / "q")
    queue.folder.mkdir()
    version = ["1"]
    queue.add([arrived(queue, "a.png", encoded(1))])
    review = review_of(tmp_path, queue, model="first")
    review.deployed = Deployed(None, "models:/fake-faces/1")
    review.use(review.metadata, "1", None)
    with serving(review) as client:
        assert client.ask("GET", "/health") == (200, b"\n")
        assert client.ask("GET", "/settings")[1]["uri"] == keys(client)["uri"] == "models:/fake-faces/1"
        version[0] = "2"
        review.deployed.replace(None, "models:/fake-faces/2")
        review.use(review.metadata.model_copy(update={"model": "second", "threshold": 0.7}), "2", None)
        queue.add([arrived(queue, "b.png", encoded(2))])
        news = keys(client)
        assert news["uri"] == client.ask("GET", "/version")[1]["model"]["uri"] == "models:/fake-faces/2"
        assert [row["version"] for row in news["photographs"]] == ["1", "2"]
        settings = client.ask("GET", "/settings")[1]
        assert (settings["model"], settings["threshold"]) == ("second", 0.7)
        for row in news["photographs"]:
            client.post("/labels", reviewer="anna", photograph=row["key"], label="real")
        assert [review.model_of(photograph) for photograph in queue.since(0, 2)] == ["first", "second"]


def test_an_upload_that_is_broken_off_leaves_nothing_and_no_traceback(tmp_path, capfd):
    queue = Queue(explaining(0.8), private(tmp_path / "queue"))
    with serving(review_of(tmp_path, queue)) as client:
        head = (
            f"POST /files?name=a.png HTTP/1.1\r\nHost: {client.host}:{client.port}\r\nOrigin: {client.origin}\r\n"
            "Content-Length: 500000\r\n\r\n"
        )
        for _ in range(3):
            with socket.create_connection((client.host, client.port)) as broken:
                broken.sendall(head.encode() + b"x" * 1000)
                until(lambda: any(queue.folder.iterdir()))
            until(lambda: not any(queue.folder.iterdir()))
        with socket.create_connection((client.host, client.port)) as broken:
            broken.sendall(head.replace("/files?name=a.png", "/labels").encode() + b"{")
        assert client.ask("POST", "/files?name=a.png", encoded(1))[0] == 202
        until(lambda: keys(client)["scored"] == 1)
    assert "Traceback" not in capfd.readouterr().err
    assert queue.n_refused == 0


def test_an_upload_that_sends_nothing_for_long_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(arrivals, "_SILENCE", 0.2)
    queue = Queue(explaining(), private(tmp_path / "queue"))
    with serving(review_of(tmp_path, queue)) as client:
        with socket.create_connection((client.host, client.port), 10) as slow:
            slow.sendall(
                f"POST /files?name=a HTTP/1.1\r\nHost: {client.host}:{client.port}\r\nOrigin: {client.origin}\r\n"
                "Content-Length: 500000\r\n\r\nabc".encode()
            )
            assert b"400" in slow.recv(100)
        until(lambda: not any(queue.folder.iterdir()))


def test_too_large_an_upload_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(arrivals, "MAX_BYTES", 1000)
    queue = Queue(explaining(), private(tmp_path / "queue"))
    with serving(review_of(tmp_path, queue)) as client:
        status, answer = client.ask("POST", "/files?name=large.png", b"x" * 1500)
        assert (status, answer["problem"]) == (413, "more than 1,000 bytes")
        assert keys(client)["refused"] == [["large.png", "more than 1,000 bytes"]]
    assert not any(queue.folder.iterdir())
    assert MAX_BYTES > 2**20


def test_a_folder_or_a_journal_that_cannot_be_written_is_one_sentence(tmp_path, capfd):
    review = review_of(tmp_path, queue_of(tmp_path / "queue", 0.9))
    with serving(review) as client:
        key = keys(client)["photographs"][0]["key"]
        review.labels._database.execute("PRAGMA query_only = 1")
        status, answer = client.post("/labels", photograph=key, reviewer="anna", label="real")
        assert status == 409 and "labels.db: labels cannot be kept in this file" in answer["problem"]
        review.labels._database.execute("PRAGMA query_only = 0")
        assert client.post("/labels", photograph=key, reviewer="anna", label="real")[0] == 200
        (review.exports / "images").touch()  # where the photographs' folder should be
        status, answer = client.post("/export")
        assert status == 507 and "images" in answer["problem"]
        for path in list(review.queue.folder.iterdir()):
            path.unlink()
        review.queue.folder.rmdir()
        status, answer = client.ask("POST", "/files?name=a.png", encoded(3))
        assert status == 507 and "cannot be written" in answer["problem"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_batch_that_fails_does_not_end_the_page(tmp_path):
    def explain(files):
        if files[0][0] == "bad.png":
            raise RuntimeError("a fault\nof two lines")
        return explaining(0.7)(files)

    queue = Queue(explain, private(tmp_path / "queue"))
    with serving(review_of(tmp_path, queue)) as client:
        client.ask("POST", "/files?name=bad.png", encoded(1))
        until(lambda: keys(client)["n_refused"] == 1)
        client.ask("POST", "/files?name=good.png", encoded(2))
        until(lambda: keys(client)["scored"] == 1)
        assert keys(client)["refused"] == [["bad.png", "it could not be scored (a fault of two lines)"]]


def test_a_label_is_there_after_the_server_was_started_again(tmp_path):
    for folder, before in (("first", None), ("second", "fake")):
        queue = Queue(explaining(0.8), private(tmp_path / folder))
        queue.add([arrived(queue, "a.png", encoded(1))])
        with serving(review_of(tmp_path, queue)) as client:
            ((key, labels),) = keys(client)["labels"].items()
            assert labels["mine"] == before
            client.post("/labels", photograph=key, reviewer="anna", label="fake")


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_uploads_lie_in_a_folder_that_nobody_else_may_enter(monkeypatch, tmp_path):
    from fakefaces.base.leftovers import temporary_folder

    with temporary_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
