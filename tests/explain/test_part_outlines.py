"""Outlines of parts, and what is drawn on them, follow the face."""

import numpy as np
import pytest

from fakefaces.data.faces import PARTS
from fakefaces.explain.ground_truth import SIDE, box_mask
from fakefaces.explain.heatmaps import MAX_SIDE, part_score_heatmaps
from fakefaces.explain.part_outlines import PORTRAIT, outlines_of, part_outlines
from tests.conftest import ROOT, picture
from tests.faces.test_find import read

FACE = ROOT / "samples" / "training_real" / "real_00001.jpg"


@pytest.fixture(scope="module")
def shifted():
    """A face in the lower right quarter of a grey picture."""
    face = read(FACE)
    grey = np.full((2 * len(face), 2 * len(face), 3), 128, np.uint8)
    grey[len(face) :, len(face) :] = face
    return grey


def test_outlines_follow_the_face(shifted):
    outlines = part_outlines(shifted)
    assert outlines.shape == (len(PARTS), 4)
    assert (outlines[:, :2] > 0.5).all()
    np.testing.assert_allclose(outlines, 0.5 + part_outlines(read(FACE)) / 2, atol=0.02)


def test_without_a_face_they_are_those_of_a_portrait():
    noise = np.asarray(picture(np.random.default_rng(0), fake=False))
    assert (part_outlines(noise) == PORTRAIT).all()


def test_files_have_their_outlines_in_their_order(tmp_path):
    picture(np.random.default_rng(0), fake=False).save(tmp_path / "noise.png")
    first, second, third = outlines_of([FACE, tmp_path / "noise.png", FACE], threads=2)
    assert (first == third).all()
    assert (second == PORTRAIT).all()
    assert (first != PORTRAIT).any()


def test_masks_and_blobs_lie_on_the_outlines(shifted):
    outlines = part_outlines(shifted)
    for k, part in enumerate(PARTS):
        left, top, right, bottom = outlines[k]
        (heat,) = part_score_heatmaps(np.eye(4)[[k]], outlines[None])
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert left < (column + 0.5) / MAX_SIDE < right and top < (row + 0.5) / MAX_SIDE < bottom
        mask = box_mask([part], outlines)
        assert mask.sum() == pytest.approx((right - left) * (bottom - top) * SIDE**2, rel=0.25)
        assert not mask[: SIDE // 2].any() and not mask[:, : SIDE // 2].any()
