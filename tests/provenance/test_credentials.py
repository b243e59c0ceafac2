"""Content Credentials: read as facts, of hostile files too, and without a network."""

import json
import socket
import threading

import numpy as np
import pytest
from typer.testing import CliRunner

from fakefaces.cli import app
from fakefaces.explain.explanation import Explanation
from fakefaces.inference.score import Score
from fakefaces.provenance import credentials, credentials_process
from fakefaces.provenance.credentials import ContentCredentials, CredentialsReader
from fakefaces.review.answers import row_of
from fakefaces.review.queue import Arrival, Queue
from fakefaces.serving.server import application
from fakefaces.web.deployed import Deployed
from tests.detectors import detector_of, mean
from tests.graphs import write_detector
from tests.serving.test_server import ask

pytest.importorskip("c2pa", reason="the extra 'c2pa' is not installed")


@pytest.fixture(scope="module")
def authority():
    from tests.provenance.credentials import make_authority

    return make_authority("Imaginary Pictures")


@pytest.fixture(scope="module")
def reader():
    with CredentialsReader(seconds=120) as reader:
        yield reader


@pytest.fixture(scope="module")
def jpeg(authority) -> bytes:
    from tests.provenance.credentials import plain, signed

    return signed(plain(), authority)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_photograph_says_of_its_origin_is_read(reader, authority, kind):
    from tests.provenance.credentials import plain, signed

    data = plain(kind)
    assert reader.read(data) is None
    facts = reader.read(signed(data, authority, kind))
    (action,) = facts.actions
    assert (facts.state, facts.issuer, facts.claim_generator) == ("valid", "Imaginary Pictures", "Painter 7")
    assert (action.action, action.digital_source_type) == ("c2pa.created", "trainedAlgorithmicMedia")
    assert str(facts) == (
        "Content Credentials: valid, issued by Imaginary Pictures, which is on no list of trust; made by Painter 7; "
        "claimed: c2pa.created (trainedAlgorithmicMedia)"
    )


def test_a_changed_photograph_is_invalid_and_a_trusted_one_trusted(reader, jpeg, authority, tmp_path, monkeypatch):
    changed = bytearray(jpeg)
    changed[-40] ^= 1
    facts = reader.read(bytes(changed))
    assert facts.state == "invalid" and "INVALID: the file is not what Imaginary Pictures signed" in str(facts)
    (tmp_path / "roots.pem").write_bytes(authority.root)
    monkeypatch.setenv("FAKEFACES_C2PA_TRUST", str(tmp_path / "roots.pem"))
    with CredentialsReader(seconds=120) as trusting:
        assert trusting.read(jpeg).state == "trusted"
    monkeypatch.setenv("FAKEFACES_C2PA_TRUST", str(tmp_path / "missing.pem"))
    with CredentialsReader(seconds=120) as trusting:
        assert "FAKEFACES_C2PA_TRUST cannot be read" in trusting.read(jpeg).note


def test_damaged_files_are_none_with_a_note(reader, jpeg):
    rng = np.random.default_rng(5)
    start = jpeg.index(b"jumdc2pa")
    for k in range(40):
        damaged = bytearray(jpeg[: rng.integers(start + 8, len(jpeg))] if k % 2 else jpeg)
        for position in rng.integers(0, len(damaged), 30):
            damaged[position] = rng.integers(0, 256)
        facts = reader.read(bytes(damaged))
        assert facts is None or (facts.state in (None, "invalid") and (facts.state or facts.note))
    assert reader.read(jpeg[: len(jpeg) // 2]).note.startswith("they are damaged")
    assert reader.read(jpeg).state == "valid"  # the process goes on


def test_a_reading_that_hangs_or_dies_is_given_up_and_the_next_one_works(jpeg, monkeypatch):
    with CredentialsReader(seconds=120) as reader:
        assert reader.read(jpeg).state == "valid"
        reader._process.kill()
        assert "ended the process" in reader.read(jpeg).note
        reader._seconds = 0
        assert "took longer than 0 seconds" in reader.read(jpeg).note
        reader._seconds = 120
        assert [facts and facts.state for facts in reader.read_all([b"", jpeg], seconds=60)] == [None, "valid"]
        (none, late) = reader.read_all([b"", jpeg], seconds=0)
        assert none is None and "too many at a time" in late.note


def test_nothing_is_asked_of_a_network(reader, authority):
    from tests.provenance.credentials import plain, signed

    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def accept() -> None:
            try:
                while True:
                    calls.append(server.accept())
            except OSError:
                return

        url = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        elsewhere = signed(plain(), authority, url=url)
        assert url.encode() in elsewhere
        facts = reader.read(elsewhere)
        thread = threading.Thread(target=accept)
        thread.start()
        thread.join()
    assert (facts.state, facts.note) == (None, "they lie at an address, which is not asked")
    assert not calls


def test_the_answers_are_short_and_printable(reader, authority):
    from tests.provenance.credentials import plain, signed

    program = "\x1b[31mred\n" + "x" * 5000
    facts = reader.read(signed(plain(), authority, program=program))
    assert facts.claim_generator.startswith("[31mred xxx") and len(facts.claim_generator) == 200
    many = [{"action": f"c2pa.{k}", "digitalSourceType": 7} for k in range(1000)]
    store = {
        "active_manifest": "a",
        "manifests": {"a": {"assertions": [{"label": "c2pa.actions", "data": {"actions": many}}]}},
    }
    facts = ContentCredentials.model_validate(credentials_process.summary(store))
    assert (len(facts.actions), facts.state, facts.issuer) == (16, "invalid", "nobody who is named")
    for odd in ([], {"manifests": 3}, {"manifests": {"a": []}, "active_manifest": "a"}, None):
        ContentCredentials.model_validate(credentials_process.summary(odd))


def test_without_the_package_a_note_says_so(jpeg, monkeypatch):
    monkeypatch.setattr(credentials, "find_spec", lambda name: None)
    assert "uv sync --extra c2pa" in CredentialsReader().read(jpeg).note


def test_predict_serve_and_review_show_them_beside_the_score(jpeg, reader, tmp_path):
    from tests.provenance.credentials import plain

    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "made.jpg").write_bytes(jpeg)
    (folder / "plain.jpg").write_bytes(plain())
    arguments = ["predict", "--model", str(write_detector(tmp_path / "detector")), str(folder)]
    made, other = map(json.loads, CliRunner().invoke(app, [*arguments, "--json"]).stdout.splitlines())
    assert made["content_credentials"]["actions"][0]["digital_source_type"] == "trainedAlgorithmicMedia"
    assert "content_credentials" not in other
    lines = CliRunner().invoke(app, arguments).stdout.splitlines()
    assert [line.strip().startswith("Content Credentials: valid") for line in lines] == [False, False, True, False]

    server = application(Deployed(detector_of(mean()), "m"))
    answer = json.loads(ask(server, jpeg, "image/jpeg")[1])
    assert answer["predictions"][0]["content_credentials"]["issuer"] == "Imaginary Pictures"
    answer = json.loads(ask(server, plain(), "image/jpeg")[1])
    assert "content_credentials" not in answer["predictions"][0]

    score = Score(path="made.jpg", p_fake=0.1, label="real")
    queue = Queue(lambda files: [Explanation(score, None, ())], tmp_path / "queue", reader.read)
    queue.add([Arrival("made.jpg", folder / "made.jpg", owned=False)])
    (photograph,) = queue.since(0, 1)
    assert row_of(photograph)["credentials"] == str(reader.read(jpeg))
