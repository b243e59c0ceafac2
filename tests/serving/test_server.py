"""The request filter before MLflow's scoring server, without a model: what passes, and how the rest is answered."""

import asyncio
import base64
import json

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.serving.server import RequestFilter, serve


def ask(app, body: bytes, kind: str | None = "application/json", path: str = "/invocations", chunk: int = 1000, **more):
    """One POST to an ASGI app: its status, and its answer."""
    headers = [] if kind is None else [(b"content-type", kind.encode())]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    parts = [body[k : k + chunk] for k in range(0, len(body), chunk)] or [b""]
    waiting = [{"type": "http.request", "body": p, "more_body": k + 1 < len(parts)} for k, p in enumerate(parts)]
    sent = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


class Inner:
    """An app that answers with what it was given, or with an error as MLflow's."""

    def __init__(self, status: int = 200, answer: bytes | None = None):
        self.status, self.answer, self.requests = status, answer, []

    async def __call__(self, scope, receive, send):
        message = await receive()
        self.requests.append((dict(scope["headers"]), message["body"]))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": message["body"] if self.answer is None else self.answer})


def test_images_as_base64_go_through_as_they_are():
    inner = Inner()
    body = json.dumps({"inputs": [base64.b64encode(b"x" * 5000).decode()]}).encode()
    assert ask(RequestFilter(inner), body) == (200, body)
    assert ask(RequestFilter(inner), body, "application/json; charset=utf-8") == (200, body)
    assert {headers[b"content-type"] for headers, _ in inner.requests} == {b"application/json"}


def test_an_image_file_goes_through_as_base64():
    status, answer = ask(RequestFilter(Inner()), b"\xff\xd8 bytes", "image/jpeg")
    assert (status, json.loads(answer)) == (200, {"inputs": [base64.b64encode(b"\xff\xd8 bytes").decode()]})


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
def test_what_cannot_be_answered_has_a_reason_and_never_reaches_the_model(body, kind, status, reason):
    inner = Inner()
    limit = 5000 if status == 413 else 10**6
    got, answer = ask(RequestFilter(inner, limit), body, kind, **{"content-length": str(len(body))})
    assert got == status
    error = json.loads(answer)
    assert set(error) == {"error_code", "message"}
    assert reason in error["message"]
    assert len(answer) < 400
    assert inner.requests == []


def test_a_body_that_grows_beyond_the_bound_is_not_read_to_its_end():
    class Endless:
        taken = 0

        async def receive(self):
            Endless.taken += 1
            return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": [(b"content-type", b"image/png")]}
    asyncio.run(RequestFilter(Inner(), 10_000)(scope, Endless().receive, send))
    assert sent[0]["status"] == 413
    assert Endless.taken == 11


def test_a_connection_that_ends_early_is_no_fault_of_ours():
    async def receive():
        return {"type": "http.disconnect"}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
    asyncio.run(RequestFilter(Inner())(scope, receive, send))
    assert sent[0]["status"] == 400


def test_an_error_keeps_its_reason_and_loses_the_rest():
    body = b'{"inputs": ["abcd"]}'
    mlflow_error = json.dumps({"error_code": "BAD_REQUEST", "message": "image 1: broken", "sqlstate": "22"}).encode()
    status, answer = ask(RequestFilter(Inner(400, mlflow_error)), body)
    assert (status, json.loads(answer)["message"]) == (400, "image 1: broken")
    failed = json.dumps({"error_code": "BAD_REQUEST", "message": "m", "stack_trace": "File secret.py"}).encode()
    status, answer = ask(RequestFilter(Inner(400, failed)), body)  # MLflow's 400 for a fault of the model's own
    assert (status, b"secret" in answer) == (500, False)
    assert ask(RequestFilter(Inner(500, b"Internal Server Error")), body)[0] == 500


def test_other_paths_are_mlflows():
    inner = Inner(200, b"pong")
    assert ask(RequestFilter(inner, 3), b"long body", None, "/ping") == (200, b"pong")


def test_a_port_that_is_taken_is_one_message(tmp_path):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(FakefacesError, match=f"127.0.0.1:{port}: .*another port"):
            serve(tmp_path, "127.0.0.1", port)
