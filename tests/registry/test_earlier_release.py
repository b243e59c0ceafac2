"""A store that release 0.1 of fakefaces wrote, before stages, keys and modules were renamed, is read by this one."""

import json
import shutil
from pathlib import Path

import mlflow
import pytest

from fakefaces.base.errors import FakefacesError, ModelError
from fakefaces.base.paths import Layout
from fakefaces.cli.doctor import doctor
from fakefaces.cli.registry import registry as list_registry
from fakefaces.features.files import extract_files
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.detector import load
from fakefaces.inference.metadata import read_metadata
from fakefaces.inference.predict import score_files
from fakefaces.models import runtime
from fakefaces.models.kinds import model_spec
from fakefaces.registry.evidence import find_evidence
from fakefaces.registry.promotion import read_decision
from fakefaces.registry.rescore import score_champion
from fakefaces.registry.store import Registry
from fakefaces.registry.upgrade import upgrade, with_graph
from fakefaces.tracking.detectors import fetch_detector
from fakefaces.tracking.digests import digest
from fakefaces.tracking.integrity import SERVED_TAG
from fakefaces.tracking.registration import is_packed
from fakefaces.tracking.runs import stage_run
from fakefaces.tracking.store import connect
from tests.tracking.factories import evaluated, promoted, trained

DETECTOR = {
    "model": "forensic",
    "kind": "forensic",
    "reads": "forensic",
    "image_size": 1024,
    "crop": 0,
    "weights": "trained from scratch",
    "threshold": 0.5,
    "operating": {"threshold": 0.38, "low": 0.2, "high": None},
    "positive": "fake",
    "parameters": 999,
    "format": 1,
}
DECISION = {
    "outcome": "champion",
    "reason": "roc_auc 0.6000 against the champion's 0.5000",
    "model": "forensic",
    "digest": "d",
    "test_digest": "these images",
    "against": 1,
    "margin": 0.05,
    "slice_margin": 0.2,
    "held": {
        "metric": "roc_auc",
        "n": 200,
        "groups": 200,
        "candidate": 0.6,
        "champion": 0.5,
        "difference": 0.1,
        "interval": [0.05, 0.15],
        "reason": None,
        "slices": [{"slice": "part", "name": "nose", "fakes": 10, "difference": 0.1, "reason": None}],
    },
}


@pytest.fixture
def earlier(tracked: Path) -> Path:
    """A champion of release 0.1: its detector, its decision, its history, and its evaluation's files."""
    trained(tracked, "forensic")
    evidence = evaluated(tracked, "forensic", 1, training_images=["a" * 64])
    version, _ = promoted(tracked, evidence)
    client = connect().client
    for name, value in {
        "decision": json.dumps(DECISION),
        "history.2026-01-31T12:00:00.000000Z": json.dumps(
            {"action": "found", "before": None, "by": "a@b", "reason": "the alias pointed here, without an entry"}
        ),
    }.items():
        client.set_model_version_tag("fake-faces", "1", name, value)
    model = Path(mlflow.artifacts.download_artifacts(version.uri))
    folder = model / "artifacts" / "forensic"
    (model / "artifacts" / "detector").rename(folder)
    (folder / "detector.json").write_text(json.dumps(DETECTOR))
    client.set_model_version_tag("fake-faces", "1", SERVED_TAG, digest(folder))
    (run,) = connect().search_runs("tags.role = 'evaluate'")
    files = Path(client.download_artifacts(run.info.run_id, ""))
    shutil.move(files / "predictions.csv", files / "tested.csv")
    return tracked


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_the_champion_of_an_earlier_release_is_read(earlier, capsys):
    registry = Registry("fake-faces")
    champion = registry.champion()
    assert [(event.action, event.version) for event in registry.history()] == [("found", 1), ("champion", 1)]
    metadata = read_metadata(fetch_detector(champion.uri))
    assert (metadata.extractor, metadata.operating.threshold, metadata.unsure(0.3)) == ("residuals", 0.38, True)
    decision = read_decision(champion)
    assert decision.comparison.interval == [0.05, 0.15]
    assert decision.comparison.slices[0].name == "nose"
    evidence = find_evidence(champion.tags["digest"], "these images")
    assert evidence.training_images == {"a" * 64}
    assert len(score_champion(champion, evidence).p_fake) == 200
    list_registry(as_json=True, last=20)
    listed = json.loads(capsys.readouterr().out)
    assert listed["versions"][0]["aliases"] == ["challenger", "champion"]
    assert [event["action"] for event in listed["history"]] == ["found", "champion"]


@pytest.fixture
def without_graph(tracked: Path) -> tuple[Path, object]:
    """A project whose champion release 0.1 registered: a Keras network, and no code; with the network."""
    import keras

    keras.utils.set_random_seed(3)
    runtime.start(seed=3, threads=1)
    network = model_spec("simple_cnn", {}, "here").build((32, 32, 3))
    folder = trained(tracked, "simple_cnn", network)
    (folder / "network.onnx").unlink()
    with stage_run("simple_cnn", role="train") as run:
        run.params({"model": "simple_cnn"})
        run.log_outputs("outputs/models/simple_cnn")
    promoted(tracked, evaluated(tracked, "simple_cnn", 1))
    return tracked, network


def scores_of(uri: str, paths: list[Path]) -> list[float]:
    return [score.p_fake for score in score_files(load(fetch_detector(uri)), paths, threads=1)]


@pytest.mark.slow
@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_the_doctor_gives_a_version_without_a_graph_one_that_agrees_with_its_network(without_graph, capsys):
    root, network = without_graph
    paths = sorted((root / "data").rglob("*.jpg"))[:6]
    uri = "models:/fake-faces@champion"
    with pytest.raises(ModelError, match=r"no inference graph \(network.onnx\), .* fakefaces doctor --fix"):
        scores_of(uri, paths)
    with pytest.raises(FakefacesError):
        doctor()
    assert "version 1 lacks the inference graph" in " ".join(capsys.readouterr().out.split())
    doctor(fix=True)
    capsys.readouterr()
    doctor()
    assert "version 1 lacks" not in " ".join(capsys.readouterr().out.split())
    pixels = extract_files(FeatureSpec("pixels", 32), paths, threads=1)
    expected = network.predict_on_batch(pixels.astype("float32"))[:, 0]
    assert scores_of(uri, paths) == pytest.approx(expected.tolist(), abs=2e-4)
    (champion,) = Registry("fake-faces").versions()
    assert len(champion.tags["graph.sha256"]) == 64
    assert is_packed(uri)


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_a_champion_without_a_graph_is_given_one_when_it_is_rescored(without_graph, capsys):
    root, _ = without_graph
    registry = Registry("fake-faces")
    champion = registry.champion()
    folder = with_graph(registry.store, champion.uri, champion.model_id, Layout(root))
    assert (folder / "network.onnx").is_file()
    assert "exporting the inference graph" in capsys.readouterr().err
    assert with_graph(registry.store, champion.uri, champion.model_id, Layout(root)) == folder  # once
    assert "exporting" not in capsys.readouterr().err
    upgrade(registry, champion, Layout(root))
    assert registry.champion().tags["graph.sha256"]


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_without_photographs_no_graph_is_exported(without_graph):
    root, _ = without_graph
    shutil.rmtree(root / "data")
    registry = Registry("fake-faces")
    with pytest.raises(ModelError, match=r"compared .* on photographs, and there are none .* dvc checkout data.dvc"):
        upgrade(registry, registry.champion(), Layout(root))
