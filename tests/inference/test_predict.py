"""Which output belongs to which file and part, with networks that are computed by hand."""

import pytest

from fakefaces.features.extract import extract_bytes
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.predict import score_files
from tests.conftest import write_photographs
from tests.detectors import constant, detector_of, mean


@pytest.fixture
def files(tmp_path):
    return sorted(write_photographs(tmp_path, reals=19, fakes=18).rglob("*.jpg"))


def test_the_first_output_is_p_fake_and_the_others_are_of_the_parts(files):
    files[1].write_bytes(b"no image")
    first, broken, last = score_files(detector_of(constant(0.5, 0.1, 0.2, 0.3, 0.4)), files[:3], threads=2)
    assert (first.p_fake, first.label) == (0.5, "fake")  # from the threshold on
    assert first.parts == pytest.approx({"left_eye": 0.1, "right_eye": 0.2, "nose": 0.3, "mouth": 0.4})
    assert (broken.p_fake, broken.parts) == (None, None)
    assert last.parts == first.parts
    (score,) = score_files(detector_of(constant(0.49)), files[:1], threads=1)
    assert (score.label, score.parts, score.unsure) == ("real", None, None)


def test_a_detector_of_whole_fakes_scores_no_parts(files):
    (score,) = score_files(detector_of(constant(0.5, 0.1, 0.2, 0.3, 0.4), whole_fakes=True), files[:1], threads=1)
    assert (score.p_fake, score.parts, score.p_nose) == (0.5, None, None)


def test_each_score_belongs_to_its_file_among_many_and_beside_unreadable_ones(files):
    unreadable = [files[k] for k in (0, 17, 33)]
    for path in unreadable:
        path.write_bytes(b"no image")
    spec = FeatureSpec("pixels", 32)
    means = {path: extract_bytes(spec, path.read_bytes()).mean() / 255 for path in files if path not in unreadable}
    many = [*files, *files[::-1]]  # more than are decoded at a time
    for path, score in zip(many, score_files(detector_of(mean()), many, threads=2), strict=True):
        assert score.path == str(path)
        assert score.p_fake == (None if path in unreadable else pytest.approx(means[path], abs=1e-6))
