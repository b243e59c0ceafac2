"""A detector of faces scores no picture without one, and says how many it shows."""

import cv2
import numpy as np
import pytest

from fakefaces.inference.predict import score_files
from tests.conftest import ROOT, picture
from tests.detectors import constant, detector_of
from tests.faces.test_find import read

FACE = ROOT / "samples" / "training_real" / "real_00001.jpg"


@pytest.fixture
def files(tmp_path):
    """A face, two of them side by side, and noise."""
    cv2.imwrite(str(tmp_path / "two.png"), np.hstack([read(FACE)] * 2))
    picture(np.random.default_rng(0), fake=False, size=176).save(tmp_path / "noise.png")
    return [FACE, tmp_path / "two.png", tmp_path / "noise.png"]


def test_an_image_without_a_face_has_a_problem_and_no_label(files):
    one, two, none = score_files(detector_of(constant(0.9), needs_face=True), files, threads=2)
    assert [(score.faces, score.label, score.problem) for score in (one, two)] == [(1, "fake", None), (2, "fake", None)]
    assert (none.problem, none.label, none.p_fake, none.unsure, none.faces) == ("no_face", None, None, None, None)
    assert none.problem_detail == f"{files[2]}: no face is found in it, and this detector knows photographs of faces"


def test_a_detector_of_anything_scores_any_image(files):
    scores = list(score_files(detector_of(constant(0.9)), files, threads=1))
    assert [(score.faces, score.label, score.problem) for score in scores] == [(None, "fake", None)] * 3


def test_an_image_with_a_label_is_scored_whatever_it_shows(files):
    labelled = detector_of(constant(0.9), needs_face=True).of_labelled()
    assert [score.p_fake for score in score_files(labelled, files, threads=1)] == [pytest.approx(0.9)] * 3
