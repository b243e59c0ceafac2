"""The score of a photograph is the same bytes alone, among others, in any order, with any number of threads."""

import random
import struct

import pytest

from fakefaces.features.files import extract_files
from fakefaces.inference.detector import load
from fakefaces.inference.predict import score_files
from fakefaces.inference.score import Score
from tests.conftest import write_photographs
from tests.graphs import write_detector, write_residual_detector


def bits(score: Score) -> tuple[bytes, ...]:
    assert score.p_fake is not None
    return tuple(struct.pack("d", value) for value in (score.p_fake, *(score.parts or {}).values()))


@pytest.fixture(params=["pixels", "residuals"])
def detector(request, tmp_path):
    write = write_detector if request.param == "pixels" else write_residual_detector
    return load(write(tmp_path / "detector"))


def test_a_score_depends_on_its_photograph_only(detector, tmp_path):
    files = sorted(write_photographs(tmp_path / "photographs", reals=13, fakes=12).rglob("*.jpg"))
    alone = {str(path): bits(next(score_files(detector, [path], threads=1))) for path in files}
    assert len(set(alone.values())) == len(files)
    rng = random.Random(4)
    for threads in (1, 2, 8):
        for size in (2, 7, 25):
            some = rng.sample(files, size)
            scores = list(score_files(detector, some, threads=threads))
            assert [score.path for score in scores] == [str(path) for path in some]
            assert all(bits(score) == alone[score.path] for score in scores)
    # As the score stage does it, from features that are extracted first.
    for threads in (1, 8):
        features = extract_files(detector.metadata.spec, files, threads=threads)
        outputs = detector.outputs(features, threads=threads)
        assert [tuple(map(bytes, map(struct.Struct("d").pack, row))) for row in outputs] == [
            alone[str(path)] for path in files
        ]
