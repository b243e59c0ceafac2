"""Regions follow the face, and swap sides with it."""

import numpy as np
import pytest

from fakefaces.data.face_regions import MIRRORED, NAMES
from fakefaces.faces.find import Face, find_faces
from fakefaces.faces.regions import mirrored, pixel_boxes, regions, unit
from tests.conftest import ROOT
from tests.faces.test_find import read


@pytest.fixture(scope="module")
def image():
    return read(ROOT / "samples" / "training_real" / "real_00001.jpg")


@pytest.fixture(scope="module")
def face(image):
    return find_faces(image)[0]


def middles(boxes):
    return {name: ((left + right) / 2, (top + bottom) / 2) for name, (left, top, right, bottom) in boxes.items()}


def test_regions_lie_as_in_a_face(face):
    boxes = regions(face)
    assert tuple(boxes) == NAMES
    middle = middles(boxes)
    assert middle["left_eye"][0] < middle["nose"][0] < middle["right_eye"][0]
    assert middle["left_cheek"][0] < middle["mouth"][0] < middle["right_cheek"][0]
    heights = [middle[name][1] for name in ("forehead", "left_eye", "nose", "mouth")]
    assert heights == sorted(heights)
    left, top, right, bottom = face.box
    assert all(left < x < right and top < y < bottom for x, y in middle.values())


def test_regions_scale_and_shift_with_the_face(face):
    moved = Face(face.landmarks * 3 + np.float32([40, -25]), face.presence)
    expected = np.array(list(regions(face).values())) * 3 + [40, -25, 40, -25]
    np.testing.assert_allclose(np.array(list(regions(moved).values())), expected, atol=0.01)
    assert unit(moved) == pytest.approx(3 * unit(face), rel=1e-4)


def test_regions_keep_their_size_when_the_face_turns(face):
    turned = Face(face.landmarks @ np.float32([[0, 1], [-1, 0]]), face.presence)
    for one, other in zip(regions(face).values(), regions(turned).values(), strict=True):
        assert one[2] - one[0] == pytest.approx(other[2] - other[0], rel=1e-4)


def test_a_face_that_looks_aside_keeps_the_size_of_its_regions(face):
    aside = Face(face.landmarks * np.float32([0.3, 1]), face.presence)
    assert unit(aside) > 0.8 * unit(face)


def test_the_mirror_image_has_the_mirrored_regions(image, face):
    width = image.shape[1]
    (other,) = find_faces(np.ascontiguousarray(image[:, ::-1]))
    expected, found = mirrored(regions(face), width), regions(other)
    assert tuple(expected) == NAMES
    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], atol=0.1 * unit(face))
    assert {name: pytest.approx(box) for name, box in mirrored(expected, width).items()} == regions(face)
    assert [NAMES[k] for k in MIRRORED[:4]] == ["right_eye", "left_eye", "nose", "mouth"]


def test_whole_pixels_stay_in_the_image():
    boxes = pixel_boxes({"a": (-9.0, -9.0, -1.0, 3.6), "b": (4.4, 1.0, 99.0, 2.0), "c": (3.0, 3.0, 3.1, 3.1)}, 5, 8)
    assert boxes.tolist() == [[0, 0, 1, 4], [4, 1, 8, 2], [3, 3, 4, 4]]
