"""An evaluation as it comes back from the store, and the scores of a champion on images of another split."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fakefaces.base.errors import FakefacesError, ModelError, TrackingError
from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import images_digest
from fakefaces.evaluation.decision_metrics import OperatingPoint
from fakefaces.inference import detector
from fakefaces.registry import rescore
from fakefaces.registry.candidates import (
    PromotionCandidate,
    Unregistered,
    named_candidate,
    workspace_test_digest,
)
from fakefaces.registry.evidence import Evidence, find_evidence
from fakefaces.registry.promotion import ChampionScores
from fakefaces.registry.store import Registry, Version
from fakefaces.tracking.evaluations import training_images
from fakefaces.tracking.runs import stage_run
from fakefaces.tracking.store import connect
from tests.detectors import detector_of, mean
from tests.metrics import model_metrics
from tests.tracking.factories import RULE, evaluated, models, operating_point, promoted, trained


def version(digest: str, number: int = 1) -> Version:
    tags = {"digest": digest, "served.digest": "of the served", "test.digest": "whatever"}
    return Version(number, f"models:/fake-faces/{number}", tags, "run")


def table(split: str = "train validation validation test test") -> pd.DataFrame:
    """``images.csv`` of five images, the second and the last of one photograph."""
    images = pd.DataFrame({"image": list("abcde"), "label": [0, 1, 0, 1, 0], "group": list("pqrsq")})
    return images.assign(split=split.split(), sha256=["e5", "d4", "c3", "b2", "a1"], difficulty="")


def write(layout: Layout, images: pd.DataFrame) -> None:
    for part in PARTS:
        images = images.assign(**{part: images["label"]})
    write_text(layout.images, images.to_csv(index=False))


def test_training_images_are_all_but_the_test_images(workspace):
    layout = Layout(workspace)
    write(layout, table())
    assert training_images(layout.images) == ["c3", "d4", "e5"]


def test_with_folds_each_image_trains_or_validates_the_network_of_some_fold(workspace):
    layout = Layout(workspace)
    write(layout, table().assign(fold=[0, 0, 1, 1, 2], validates=[1, 0, 1, 0, 1]))
    assert training_images(layout.images) == ["a1", "b2", "c3", "d4", "e5"]


def test_the_digest_of_the_test_images_is_of_those_alone(workspace):
    layout = Layout(workspace)
    assert workspace_test_digest(layout) is None
    write(layout, table())
    assert workspace_test_digest(layout) == images_digest(pd.DataFrame({"sha256": ["a1", "b2"], "label": [0, 1]}))


def test_the_newest_finished_evaluation_of_a_model_on_those_images_is_found_with_its_training_images(tracked):
    trained(tracked, "m")
    first = evaluated(tracked, "m", 1, training_images=["x1", "x2"])
    assert find_evidence(first.digest).training_images == {"x1", "x2"}
    (tracked / "reports" / "m.json").unlink()
    second = evaluated(tracked, "m", 3, operating_point(0.5, low=0.5, high=0.5), training_images=["x3"])
    with pytest.raises(FakefacesError), stage_run("m", role="evaluate") as run:
        run.tag("model.digest", first.digest)
        run.tag("test.digest", first.test_digest)
        raise FakefacesError("an evaluation that failed")
    with stage_run("m", role="another") as run:
        run.tag("model.digest", first.digest)
        run.tag("test.digest", first.test_digest)
    evidence = find_evidence(first.digest, "these images")
    assert evidence.metrics == second.metrics != first.metrics
    assert (evidence.model, evidence.digest, evidence.test_digest) == ("m", first.digest, "these images")
    assert evidence.training_images == {"x3"}
    assert evidence.predictions["p_fake"].tolist() == pytest.approx(second.predictions["p_fake"].tolist())
    assert evidence.predictions["p_fake"].tolist() != pytest.approx(first.predictions["p_fake"].tolist())
    assert find_evidence(first.digest, "other images") is None
    assert find_evidence("0" * 32) is None
    champion, candidate = version(first.digest), replace(first, digest="another", metrics=model_metrics(threshold=0.9))
    assert rescore.score_champion(champion, candidate) == ChampionScores(
        0.5, dict(zip(evidence.predictions["sha256"], evidence.predictions["p_fake"], strict=True)), n_trained=1
    )
    for other in ((champion, replace(candidate, test_digest="other images")), (version("another"), candidate)):
        with pytest.raises(ModelError, match="evaluated on other images"):
            rescore.score_champion(*other)
    evaluated(tracked, "m", 1, training_images=["d4", "gone"])
    layout = Layout(tracked)
    write(layout, table())
    assert rescore.related_images(champion, layout) == {"d4", "a1"}  # of the photograph q
    assert rescore.related_images(version("another"), layout) == set()


def test_a_candidate_is_named_by_number_alias_or_address(tracked):
    layout, registry = Layout(tracked), Registry(RULE.name)
    weak, strong = models(tracked, ("weak", 0.5), ("stronger", 3))
    assert promoted(tracked, weak, force="I say so")[1].reason == "there was no champion"  # no force was needed
    promoted(tracked, strong)
    tags = registry.version(1).tags
    assert (tags["validation.roc_auc"], tags["test.roc_auc"]) == ("0.700000", "0.600000")
    for name, number in (
        ("1", 1),
        ("v1", 1),
        ("champion", 2),
        ("models:/fake-faces/1", 1),
        ("models:/fake-faces@champion", 2),
    ):
        candidate = named_candidate(registry, name, layout)
        assert candidate.source.number == number, name
        assert candidate.evidence.digest == (weak, strong)[number - 1].digest, name
    source = Unregistered("outputs/models/weak", tracked / "outputs/models/weak")
    assert PromotionCandidate(weak, source).version(registry).number == 1
    no_point = OperatingPoint(threshold=None, max_fpr=0.1)
    without_point = replace(weak, metrics=weak.metrics.model_copy(update={"operating_point": no_point}))
    assert PromotionCandidate(without_point, source).version(registry) is None
    connect().client.create_model_version(RULE.name, "file:///nowhere/3")
    with pytest.raises(TrackingError, match="no evaluation of the detector"):
        named_candidate(registry, "3", layout)


def test_the_evaluation_on_this_workspaces_images_is_preferred_to_a_later_one_on_others(tracked):
    layout, registry = Layout(tracked), Registry(RULE.name)
    (weak,) = models(tracked, ("weak", 0.5))
    promoted(tracked, weak)
    write(layout, table())
    for test_digest, threshold in ((workspace_test_digest(layout), 0.25), ("elsewhere", 0.75)):
        metrics = weak.metrics.model_copy(update={"test_digest": test_digest, "threshold": threshold})
        metrics.write(tracked / "reports" / "weak.json")
        weak.predictions.drop(columns="p_fake").to_csv(layout.predictions, index=False)
        with stage_run("weak", role="evaluate") as run:
            run.params({"model": "weak"})
            run.tag("model.digest", weak.digest)
            run.tag("test.digest", test_digest)
            run.artifact(tracked / "reports" / "weak.json")
            run.artifact(layout.predictions)
    assert named_candidate(registry, "1", layout).evidence.metrics.threshold == 0.25
    layout.images.unlink()
    assert named_candidate(registry, "1", layout).evidence.metrics.threshold == 0.75


@pytest.fixture
def split_anew(workspace, monkeypatch):
    """A workspace whose test images are three of five, and a champion without TensorFlow.

    Gives the layout, the champion's detector, and the images' names by sha256.
    """
    layout = Layout(workspace)
    names = sorted(path.relative_to(layout.data).as_posix() for path in layout.data.rglob("*.jpg"))[::17][:5]
    write(layout, table("validation test test train test").assign(image=names))
    champion = detector_of(mean(), threshold=0.625)
    monkeypatch.setattr(detector, "load", lambda folder: champion)
    monkeypatch.setattr(rescore, "with_graph", lambda store, uri, model_id, layout: Path(uri))
    monkeypatch.setattr(rescore, "connect", lambda: None)
    return layout, champion, dict(zip(table()["sha256"], names, strict=True))


def test_a_champion_scores_the_test_images_by_their_sha256_and_keeps_its_own_threshold(split_anew):
    layout, champion, names = split_anew
    threshold, scores = rescore.rescored(version("its digest", 1), layout)
    assert threshold == 0.625
    wanted = {
        sha256: champion.p_fake(champion.read((layout.data / names[sha256]).read_bytes())[None])[0]
        for sha256 in ("d4", "c3", "a1")
    }
    assert scores == pytest.approx(wanted)
    assert len(set(scores.values())) == 3


def test_a_rescored_champion_comes_with_the_images_related_to_its_training(split_anew, monkeypatch):
    layout, _, _ = split_anew
    rescored = []

    def scored(champion, layout):
        rescored.append(champion.uri)
        return 0.625, {"d4": 0.1}

    monkeypatch.setattr(rescore, "rescored", scored)
    own = Evidence("m", "its digest", "of old", model_metrics(), pd.DataFrame(), frozenset({"e5", "d4"}))

    def find_own(digest, test_digest=None):
        return own if (digest, test_digest) == ("its digest", None) else None

    monkeypatch.setattr(rescore, "find_evidence", find_own)
    champion = version("its digest", 4)
    candidate = Evidence("new", "d", workspace_test_digest(layout), model_metrics(), pd.DataFrame())
    wanted = ChampionScores(0.625, {"d4": 0.1}, frozenset({"e5", "d4", "a1"}), n_trained=2)
    assert rescore.score_champion(champion, candidate) == wanted
    assert rescored == ["models:/fake-faces/4"]
    with pytest.raises(ModelError, match="evaluated on other images"):
        rescore.score_champion(champion, replace(candidate, test_digest="elsewhere"))
    assert len(rescored) == 1
