"""The HTTP server's app, in this process: what reaches the detector, and how the rest is answered."""

import asyncio
import base64
import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.inference.familiar import Familiar
from fakefaces.inference.score import Prediction
from fakefaces.serving.limits import Limits
from fakefaces.serving.server import application
from fakefaces.web.connections import listener
from fakefaces.web.deployed import Deployed
from fakefaces.web.same_origin import LOOPBACK, SameOrigin
from tests.pictures import encoded, striped


def png(grey: int) -> bytes:
    return encoded(striped((grey,) * 3))


def inputs(*files: bytes) -> bytes:
    return json.dumps({"inputs": [base64.b64encode(file).decode() for file in files]}).encode()


def ask(app, body: bytes, kind: str | None = "application/json", path: str = "/invocations", chunk: int = 1000, **more):
    """One POST to an ASGI app: its status, and its answer."""
    headers = [] if kind is None else [(b"content-type", kind.encode())]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    parts = [body[k : k + chunk] for k in range(0, len(body), chunk)] or [b""]
    waiting = [{"type": "http.request", "body": p, "more_body": k + 1 < len(parts)} for k, p in enumerate(parts)]

    async def receive():
        if not waiting:
            await asyncio.Event().wait()  # the client stays
        return waiting.pop(0)

    return request(app, "POST", path, headers, receive)


def request(app, method: str, path: str, headers=(), receive=None):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b""}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_each_image_has_the_prediction_of_its_own(mean_detector):
    app = application(Deployed(mean_detector), threads=2)
    status, answer = ask(app, inputs(*(png(grey) for grey in (51, 230, 102))))
    rows = json.loads(answer)["predictions"]
    assert status == 200
    assert [list(row) for row in rows] == [list(Prediction.model_fields)] * 3
    assert [row["p_fake"] for row in rows] == pytest.approx(np.array([51, 230, 102]) / 255)
    assert [row["label"] for row in rows] == ["real", "fake", "real"]
    assert [row["p_nose"] for row in rows] == pytest.approx(np.array([51, 230, 102]) / 255 * 0.3)
    assert ask(app, inputs(png(51)), "application/json; charset=utf-8")[0] == 200
    lines = base64.encodebytes(png(51)).decode()
    assert json.loads(ask(app, json.dumps({"inputs": [lines]}).encode())[1])["predictions"] == rows[:1]
    assert json.loads(ask(app, png(51), "image/png")[1])["predictions"] == rows[:1]


def test_a_batch_that_is_unlike_what_was_learned_from_is_said_once():
    class Knowing:
        metadata = SimpleNamespace(familiar=Familiar(threshold=0.5, left_out=200, refused=10))

        def score(self, name, read):
            return Prediction(p_fake=0.5, label="fake", unfamiliar=read() == b"other")

    answers = [
        json.loads(ask(application(Deployed(Knowing())), inputs(*files))[1])
        for files in ([b"own"] * 40, [b"other"] * 40)
    ]
    assert [list(answer) for answer in answers] == [["predictions"], ["unlike", "predictions"]]
    assert "40 of 40 are unfamiliar" in answers[1]["unlike"]
    assert [row["unfamiliar"] for row in answers[1]["predictions"]] == [True] * 40


def test_a_bad_image_is_a_row_among_others_and_400_alone(mean_detector):
    app = application(Deployed(mean_detector))
    body = json.dumps({"inputs": [base64.b64encode(png(51)).decode(), "***", base64.b64encode(b"x").decode()]})
    status, answer = ask(app, body.encode())
    good, text, other = json.loads(answer)["predictions"]
    assert (status, good["problem"], text["problem"], other["problem"]) == (200, None, "not_base64", "not_an_image")
    assert good["p_fake"] == pytest.approx(0.2)
    assert text["p_fake"] is None
    assert text["problem_detail"].startswith("image 2: not base64")
    for body, kind, reason in (
        (b'{"inputs": ["***"]}', "application/json", "image 1: not base64"),
        (inputs(b"x"), "application/json", "image 1: not an image"),
        (inputs(png(51)[:60]), "application/json", "image 1: broken"),
        (b"", "image/png", "image 1: the file is empty"),
    ):
        status, answer = ask(app, body, kind)
        error = json.loads(answer)
        assert (status, error["error_code"], set(error)) == (400, "BAD_REQUEST", {"error_code", "message"})
        assert error["message"].startswith(reason)


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"not json", "application/json", 400, "not JSON"),
        (b"\xff\xfe\x00", "application/json", 400, "not JSON"),
        (b"[" * 200_000, "application/json", 400, "not JSON"),
        (b"[]", "application/json", 400, "the body must be"),
        (b"{}", "application/json", 400, "the body must be"),
        (b'{"inputs": []}', "application/json", 400, "the body must be"),
        (b'{"inputs": [7]}', "application/json", 400, "the body must be"),
        (b'{"inputs": "abc"}', "application/json", 400, "the body must be"),
        (b'{"inputs": ["abcd"], "params": {}}', "application/json", 400, "the body must be"),
        (b'{"dataframe_split": {}}', "application/json", 400, "the body must be"),
        (b"a,b\n1,2", "text/csv", 415, "not 'text/csv'"),
        (b"PAR1", "application/x-parquet", 415, "must be application/json or image/..."),
        (b"{}", None, 415, "must be application/json or image/..."),
        (b"x" * 6000, "image/jpeg", 413, "the limit is"),
    ],
)
def test_what_cannot_be_answered_has_a_reason_and_never_reaches_the_detector(body, kind, status, reason):
    app = application(Deployed(None), limits=Limits(body=5000 if status == 413 else 10**6))
    got, answer = ask(app, body, kind, **{"content-length": str(len(body))})
    assert got == status
    error = json.loads(answer)
    assert set(error) == {"error_code", "message"}
    assert reason in error["message"]
    assert len(answer) < 400


def test_a_body_that_grows_beyond_the_limit_is_not_read_to_its_end():
    taken = 0

    async def endless():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    app = application(Deployed(None), limits=Limits(body=10_000))
    assert request(app, "POST", "/invocations", [(b"content-type", b"image/png")], endless)[0] == 413
    assert taken == 11


def test_a_connection_that_ends_early_is_no_fault_of_ours():
    async def gone():
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"image/png")]
    assert request(application(Deployed(None)), "POST", "/invocations", headers, gone)[0] == 400


def test_an_error_of_the_detector_is_logged_and_not_told():
    class Failing:
        def score(self, name, read):
            raise RuntimeError("secret.py")

    sent = []

    async def receive():
        return {"type": "http.request", "body": png(1), "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": [(b"content-type", b"image/png")]}
    with pytest.raises(RuntimeError, match="secret"):  # the web server writes it to its log
        asyncio.run(application(Deployed(Failing()))(scope | {"query_string": b""}, receive, send))
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"]) == {
        "error_code": "INTERNAL_ERROR",
        "message": "the model failed; the server's log says why",
    }


def test_as_many_images_are_scored_at_a_time_as_there_are_threads():
    together = threading.Barrier(2, timeout=30)  # broken if only one image is scored at a time

    class Waiting:
        def score(self, name, read):
            together.wait()
            return Prediction(p_fake=0.5)

    assert ask(application(Deployed(Waiting()), threads=2), inputs(b"a", b"b", b"c", b"d"))[0] == 200


def test_the_server_says_that_it_is_there():
    app = application(Deployed(None))
    assert request(app, "GET", "/ping") == (200, b"\n")
    assert request(app, "GET", "/health") == (200, b"\n")
    assert request(app, "GET", "/version")[0] == 200
    status, answer = request(app, "GET", "/elsewhere")
    assert (status, json.loads(answer)) == (404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "Not Found"})
    assert request(app, "GET", "/invocations")[0] == 405


def test_a_port_that_is_taken_is_one_message():
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(FakefacesError, match=f"127.0.0.1:{port}: .*another port"), listener("127.0.0.1", port):
            pass


def test_a_request_has_its_limits_of_images_and_pixels(mean_detector):
    app = application(Deployed(mean_detector), limits=Limits(images=3, pixels=2100))
    assert ask(app, inputs(*[png(9)] * 2))[0] == 200  # of 1,024 pixels each
    status, answer = ask(app, inputs(*[png(9)] * 3))
    assert (status, "3,072 pixels" in json.loads(answer)["message"]) == (413, True)
    status, answer = ask(app, inputs(*[b"x"] * 4))
    assert (status, "4 images; the limit is 3" in json.loads(answer)["message"]) == (413, True)


def test_images_of_a_client_that_has_gone_are_not_scored():
    class Slow:
        scored = 0

        def score(self, name, read):
            Slow.scored += 1
            return Prediction(p_fake=0.5)

    body, messages = inputs(*[b"x"] * 50), []
    headers = [(b"content-type", b"application/json")]

    async def receive():
        if not messages:
            messages.append("body")
            return {"type": "http.request", "body": body, "more_body": False}
        if Slow.scored < 2:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    assert request(application(Deployed(Slow())), "POST", "/invocations", headers, receive)[0] == 400
    assert Slow.scored == 2


def test_small_requests_and_large_ones_take_turns():
    order = []

    class Noting:
        def score(self, name, read):
            order.append(read())
            return Prediction(p_fake=0.5)

    app = application(Deployed(Noting()))

    async def one(files: list[bytes]) -> None:
        sent, body = [], inputs(*files)
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if not waiting:
                await asyncio.Event().wait()
            return waiting.pop()

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/invocations", "query_string": b""}
        await app(scope | {"headers": [(b"content-type", b"application/json")]}, receive, send)
        assert sent[0]["status"] == 200

    async def both() -> None:
        await asyncio.gather(one([b"large"] * 200), one([b"small"] * 3))

    asyncio.run(both())
    assert len(order) == 203
    assert max(k for k, name in enumerate(order) if name == b"small") < 150  # not behind all of the large one


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:5001", None, 200),
        ("localhost", None, 200),
        ("[::1]:5001", None, 200),
        ("127.0.0.1:5001", "http://127.0.0.1:5001", 200),
        ("evil.invalid", None, 403),
        ("127.0.0.1.evil.invalid:5001", None, 403),
        ("[:::", None, 403),
        ("", None, 403),
        ("127.0.0.1:5001", "http://evil.invalid", 403),
        ("127.0.0.1:5001", "http://127.0.0.1:8080", 403),
        ("127.0.0.1:5001", "null", 403),
    ],
)
def test_only_its_own_pages_may_ask_a_server_on_this_machine(mean_detector, host, origin, status):
    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    app = application(Deployed(mean_detector), hosts=LOOPBACK)
    assert request(app, "GET", "/ping", headers)[0] == status
    anywhere = application(Deployed(mean_detector))  # bound to another address, where its name is not known
    expected = 403 if origin and origin.removeprefix("http://") != host else 200
    assert request(anywhere, "GET", "/ping", headers)[0] == expected


def test_sockets_of_other_pages_are_closed():
    reached, sent = [], []

    async def app(scope, receive, send):
        reached.append(scope["type"])

    async def send(message):
        sent.append(message)

    for origin in (b"http://127.0.0.1:8080", b"http://evil.invalid"):
        headers = [(b"host", b"127.0.0.1:8080"), (b"origin", origin)]
        asyncio.run(SameOrigin(app)({"type": "websocket", "headers": headers}, None, send))
    assert reached == ["websocket"]
    assert [message["type"] for message in sent] == ["websocket.close"]
