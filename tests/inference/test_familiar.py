"""What is unlike the photographs that a detector has learned from is said to be."""

import json

import cv2
import pytest

from fakefaces.faces.find import find_faces
from fakefaces.faces.regions import unit
from fakefaces.inference.familiar import Familiar
from fakefaces.inference.predict import score_files
from fakefaces.scoring.counts import Counts, Tally
from tests.conftest import ROOT
from tests.detectors import constant, detector_of
from tests.faces.test_find import read

FACE = ROOT / "samples" / "training_real" / "real_00001.jpg"
KNOWS = Familiar(threshold=0.4, left_out=200, refused=30)


def score(familiar: Familiar | None, *outputs: float, path=FACE):
    detector = detector_of(
        constant(*outputs), extractor="residuals", image_size=600, needs_face=True, familiar=familiar
    )
    (scored,) = score_files(detector, [path], threads=1)
    return scored


@pytest.mark.parametrize(("output", "unfamiliar"), [(0.1, False), (0.39, False), (0.41, True), (1.0, True)])
def test_an_image_above_the_threshold_is_unfamiliar(output, unfamiliar):
    scored = score(KNOWS, 0.9, 0.1, 0.2, 0.3, 0.5, output)
    assert (scored.unfamiliar, scored.unfamiliarity) == (unfamiliar, pytest.approx(output))
    assert (scored.p_fake, scored.p_mouth) == (pytest.approx(0.9), pytest.approx(0.5))


def test_a_detector_that_has_not_learned_it_cannot_tell():
    for familiar, outputs in ((None, (0.9, 0.1, 0.2, 0.3, 0.5)), (KNOWS, (0.9, 0.1, 0.2, 0.3, 0.5)), (KNOWS, (0.9,))):
        scored = score(familiar, *outputs)
        assert (scored.unfamiliar, scored.unfamiliarity) == (None, None)


def test_a_face_of_a_size_that_was_not_learned_from_is_unfamiliar(tmp_path):
    pixels = read(FACE)
    cv2.imwrite(str(tmp_path / "large.png"), cv2.resize(pixels, None, fx=3, fy=3)[:, :, ::-1])
    size = unit(find_faces(pixels)[0])
    knows = KNOWS.model_copy(update={"face_sizes": (0.6 * size, 2 * size)})
    outputs = (0.9, 0.1, 0.2, 0.3, 0.5, 0.2)
    usual, large = score(knows, *outputs), score(knows, *outputs, path=tmp_path / "large.png")
    assert (usual.unfamiliar, usual.unfamiliarity) == (False, pytest.approx(0.2))
    assert (large.unfamiliar, large.unfamiliarity) == (True, 1.0)
    assert knows.unfamiliarity(0.2, 0.5 * size) == 1.0
    assert knows.unfamiliarity(0.2, None) == 0.2


def test_unfamiliar_images_are_counted_where_the_detector_can_tell():
    tally = Tally()
    for label, unfamiliar, problem in (("fake", True, None), ("real", False, None), (None, None, "no_face")):
        tally.add(label, False, problem, unfamiliar)
    assert tally.counts == Counts(fake=1, real=1, unsure=0, problems={"no_face": 1}, unfamiliar=1)
    assert str(tally.counts).startswith("1 fake, 1 real (0 of them unsure, 1 unfamiliar), 1 with problems")
    other = Tally()
    other.add("fake", False, None)
    assert other.counts.unfamiliar is None
    assert "unfamiliar" not in str(other.counts)
    older = {"fake": 1, "real": 0, "unsure": 0, "problems": {}}  # in a receipt of an earlier release
    assert Counts.model_validate_json(json.dumps(older)) == other.counts
