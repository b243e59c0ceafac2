"""A champion whose evaluation was on other images, scored on those of this workspace."""

import hashlib
from dataclasses import replace

import pytest

from fakefaces.base.errors import ModelError
from fakefaces.base.paths import Layout
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import images_digest
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import aligned_scores
from fakefaces.registry.rescore import related_images, score_champion
from fakefaces.registry.store import Registry
from fakefaces.tracking.detectors import fetch_detector
from tests.graphs import write_residual_detector
from tests.tracking.factories import evaluated, promoted, trained


def test_a_champion_that_was_evaluated_on_other_images_is_scored_on_these(tracked, tmp_path):
    trained(tracked, "m", detector=write_residual_detector(tmp_path / "residual"))
    promoted(tracked, evaluated(tracked, "m", 1))
    faces = list_photographs(tracked / "data")
    paths = [tracked / "data" / image for image in faces["image"]]
    sha256 = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    table = faces.assign(group=faces["image"], split="test", sha256=sha256)
    table.to_csv(tracked / "outputs" / "images.csv", index=False)
    champion = Registry("fake-faces").champion()
    candidate = Evidence("new", "its digest", images_digest(table), {}, table.assign(p_fake=0.5))
    scores = score_champion(champion, candidate)
    alone = p_fakes(score_files(detector.load(fetch_detector(champion.uri)), paths, threads=2))
    assert scores.p_fake == dict(zip(sha256, alone, strict=True))
    assert scores.threshold == 0.625  # of the registered operating point
    assert scores.training_images == set()
    assert aligned_scores(scores, candidate.predictions).notna().all()
    evaluated(tracked, "m", 1, training_images=sha256[:3])
    table.assign(group=["one photograph"] * 5 + list(table["group"][5:])).to_csv(
        tracked / "outputs" / "images.csv", index=False
    )
    assert related_images(champion, Layout(tracked)) == set(sha256[:5])
    with pytest.raises(ModelError, match="evaluated on other images than the candidate"):
        score_champion(champion, replace(candidate, test_digest="images that are not here"))
