"""Signed models: a promotion signs, and whatever loads a registered model verifies, where keys are configured."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakefaces.base.environment import SIGNING_KEY, VERIFYING_KEY
from fakefaces.base.errors import SignatureError
from fakefaces.cli import arguments
from fakefaces.maintenance.signed_versions import check_signatures
from fakefaces.provenance import signatures
from fakefaces.tracking.detectors import fetch_detector, pyfunc
from fakefaces.tracking.store import connect
from tests.provenance.keys import write_pair
from tests.tracking.factories import evaluated, promoted, trained

pytest.importorskip("model_signing", reason="the extra 'signing' is not installed")
CHAMPION = "models:/fake-faces@champion"


@pytest.fixture
def keys(tmp_path_factory) -> tuple[Path, Path]:
    return write_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def signed(tracked: Path, keys: tuple[Path, Path], monkeypatch) -> Path:
    """The folder of a model that was promoted with a private key; only the public one is configured now."""
    monkeypatch.setenv(SIGNING_KEY, str(keys[0]))
    trained(tracked, "one")
    promoted(tracked, evaluated(tracked, "one", 1))
    monkeypatch.delenv(SIGNING_KEY)
    monkeypatch.setenv(VERIFYING_KEY, str(keys[1]))
    return fetch_detector(CHAMPION).parents[1]


def change_the_network(model: Path) -> None:
    (model / "artifacts/detector/network.onnx").write_bytes(b"another network")


def change_the_code(model: Path) -> None:
    next((model / "code").rglob("score.py")).write_text("import os")


def add_code(model: Path) -> None:
    (model / "code" / "numpy.py").write_text("import os")


def change_the_description(model: Path) -> None:
    (model / "MLmodel").write_text((model / "MLmodel").read_text() + "\n")


def remove_the_signature(model: Path) -> None:
    (model / signatures.SIGNATURE).unlink()


def claim_that_nothing_was_signed(model: Path) -> None:
    bundle = json.loads((model / signatures.SIGNATURE).read_text())
    bundle["dsseEnvelope"]["payload"] = "e30="
    (model / signatures.SIGNATURE).write_text(json.dumps(bundle))


def damage_the_signature(model: Path) -> None:
    (model / signatures.SIGNATURE).write_bytes(b"\xff{")


CHANGES = [
    change_the_network,
    change_the_code,
    add_code,
    change_the_description,
    remove_the_signature,
    claim_that_nothing_was_signed,
    damage_the_signature,
]


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_a_promoted_model_is_signed_and_each_change_of_it_refused(signed, keys, tmp_path, monkeypatch):
    signatures.verify(signed, "it")  # with the note that MLflow wrote into the folder, and once it has run
    (signed / "code" / "__pycache__").mkdir()
    (signed / "code" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"\0")
    (signed / "kept_examples").mkdir(exist_ok=True)
    (signed / "kept_examples" / "removable").write_bytes(b"a photograph")
    signatures.verify(signed, "it")
    for change in CHANGES:
        copy = tmp_path / change.__name__
        shutil.copytree(signed, copy)
        change(copy)
        with pytest.raises(SignatureError, match="it: it(s signature does not verify| carries no signature)"):
            signatures.verify(copy, "it")
    monkeypatch.setenv(VERIFYING_KEY, str(write_pair(tmp_path, "another")[1]))
    with pytest.raises(SignatureError, match="does not verify"):
        fetch_detector(CHAMPION)
    monkeypatch.setenv(VERIFYING_KEY, str(tmp_path / "missing"))
    with pytest.raises(SignatureError, match="there is no public key at"):
        fetch_detector(CHAMPION)


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_whoever_can_write_the_registry_too_deceives_nobody(signed, monkeypatch):
    """The digests in the registry lie where the files do; a changed file with a changed digest has no signature."""
    from fakefaces.tracking.digests import digest
    from fakefaces.tracking.integrity import SERVED_TAG

    (signed / "artifacts/detector/network.keras").write_bytes(b"another network")
    connect().client.set_model_version_tag("fake-faces", "1", SERVED_TAG, digest(signed / "artifacts/detector"))
    for uri in (CHAMPION, "models:/fake-faces/1"):
        with pytest.raises(SignatureError, match="does not verify"):
            arguments.fetched(uri)
    monkeypatch.delenv(VERIFYING_KEY)
    arguments.fetched(CHAMPION)  # as before there were signatures


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_a_version_from_before_the_key_is_named_and_signed(tracked, keys, monkeypatch):
    trained(tracked, "one")
    promoted(tracked, evaluated(tracked, "one", 1))
    monkeypatch.setenv(VERIFYING_KEY, str(keys[1]))
    store, aliases = connect(), {"champion": "1"}
    (fault,) = check_signatures(store, "fake-faces", aliases)
    assert (fault.level, fault.fix) == ("error", None) and "version 1: it carries no signature" in fault.text
    assert [result.level for result in check_signatures(store, "fake-faces", {})] == ["note"]
    monkeypatch.setenv(SIGNING_KEY, str(keys[0]))
    (fault,) = check_signatures(store, "fake-faces", aliases)
    fault.fix()
    assert [result.level for result in check_signatures(store, "fake-faces", aliases)] == ["ok"]
    fetch_detector(CHAMPION)
    # Promoting it again signs it by the key of today.
    private, public = write_pair(keys[0].parent, "next")
    monkeypatch.setenv(SIGNING_KEY, str(private))
    monkeypatch.setenv(VERIFYING_KEY, str(public))
    promoted(tracked, evaluated(tracked, "one", 1))
    fetch_detector(CHAMPION)


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_serve_wants_a_signature_of_a_folder_too(signed, tracked, monkeypatch):
    from fakefaces.cli import app
    from fakefaces.inference import detector
    from fakefaces.serving import server

    served: list[Path] = []
    monkeypatch.setattr(detector, "load", served.append)
    monkeypatch.setattr(server, "serve", lambda *arguments, **options: None)
    arguments = ["serve", "--port", "0", "--model"]
    result = CliRunner().invoke(app, [*arguments, str(tracked / "outputs/models/one")])
    assert isinstance(result.exception, SignatureError) and "carries no signature" in str(result.exception)
    folder = signed / "artifacts" / "detector"
    result = CliRunner().invoke(app, [*arguments, str(folder)])
    assert result.exit_code == 0, result.output
    assert served == [folder]


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_without_the_package_or_with_a_bad_key_nothing_is_registered(tracked, keys, monkeypatch):
    trained(tracked, "one")
    candidate = evaluated(tracked, "one", 1)
    for bad in (keys[1], keys[0].with_name("missing")):
        monkeypatch.setenv(SIGNING_KEY, str(bad))
        with pytest.raises(SignatureError, match="no private key that can sign"):
            promoted(tracked, candidate)
    monkeypatch.setenv(SIGNING_KEY, str(keys[0]))
    for name in ("model_signing.signing", "model_signing.verifying"):
        monkeypatch.setitem(sys.modules, name, None)  # as where it is not installed
    with pytest.raises(SignatureError, match="model-signing is not installed; install it: uv sync --extra signing"):
        promoted(tracked, candidate)
    assert not connect().client.search_model_versions("name = 'fake-faces'")


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_mlflow_loads_a_signed_model_as_any_other(signed):
    assert pyfunc().Model.load(str(signed)).flavors["python_function"]
