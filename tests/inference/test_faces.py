"""A detector of faces scores no picture without one, and says how many it shows."""

import cv2
import numpy as np
import pytest

from fakefaces.faces.find import find_faces
from fakefaces.features.extract import extract
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.predict import score_files
from tests.conftest import ROOT, picture
from tests.detectors import FunctionGraph, constant, detector_of
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


@pytest.mark.parametrize("needs_face", [True, False])
def test_of_several_faces_the_highest_score_leads(tmp_path, needs_face):
    paths = sorted(FACE.parent.iterdir())[:3]
    picture = np.hstack([read(path) for path in paths])
    cv2.imwrite(str(tmp_path / "three.png"), picture[:, :, ::-1])
    graph = FunctionGraph(lambda features: [abs(float(features.sum(dtype=np.float64))) % 1, 0.1, 0.2, 0.3, 0.4], 5)
    detector = detector_of(graph, extractor="residuals", image_size=600, needs_face=needs_face)
    (score,) = score_files(detector, [tmp_path / "three.png"], threads=1)
    faces = find_faces(picture)
    alone = [graph(extract(FeatureSpec("residuals", 600), picture, face))[0] for face in faces]
    assert len(set(alone)) == 3
    assert score.p_fake == pytest.approx(max(alone))
    assert score.faces == (3 if needs_face else None)
