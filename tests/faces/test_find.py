"""Drawn faces are found wherever they lie, and nothing else is."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fakefaces.faces.find import Face, find_faces
from fakefaces.faces.mesh import LEFT_EYE, RIGHT_EYE
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
Image = NDArray[np.uint8]


def read(path: Path) -> Image:
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


@pytest.fixture(scope="module")
def drawn() -> list[Image]:
    paths = sorted((ROOT / "samples" / "training_real").iterdir())
    return [read(path) for path in paths[::120]]


def landscape(height: int, width: int, seed: int = 0) -> Image:
    """A sky over hills, with grain."""
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 1, height)[:, None, None]
    ridge = 0.5 + 0.1 * np.sin(np.linspace(0, 9, width))[None, :, None]
    pixels = np.where(y < ridge, [120, 170, 230] + 60 * y, [70, 120, 50] + 40 * y)
    return np.clip(pixels + rng.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)


def turned(image: Image, degrees: float) -> tuple[Image, NDArray[np.float64]]:
    """The image turned anticlockwise about its middle, and the matrix of that."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), matrix


def size(face: Face) -> float:
    return float(np.linalg.norm(face.landmarks[RIGHT_EYE[0]] - face.landmarks[LEFT_EYE[0]]))


def distance(face: Face, landmarks: NDArray[np.floating]) -> float:
    """The mean distance of a face's landmarks from where they should be, in distances between the eyes."""
    return float(np.linalg.norm(face.landmarks - landmarks, axis=1).mean()) / size(face)


def test_a_face_has_landmarks_and_a_box_in_the_image(drawn):
    for image in drawn:
        (face,) = find_faces(image)
        height, width = image.shape[:2]
        assert face.landmarks.shape == (468, 2)
        assert face.landmarks.dtype == np.float32
        left, top, right, bottom = face.box
        assert 0 < left < right < width
        assert 0 < top < bottom < height
        assert 0.99 <= face.presence <= 1
        assert face.landmarks[LEFT_EYE[0], 0] < face.landmarks[RIGHT_EYE[0], 0]


def test_equal_images_have_equal_faces(drawn):
    first, second = (find_faces(drawn[0].copy())[0] for _ in range(2))
    assert (first.landmarks == second.landmarks).all()
    assert first.presence == second.presence


@pytest.mark.parametrize("share", [0.5, 0.25, 0.12])
def test_a_small_face_anywhere_in_a_large_picture_is_found(drawn, share):
    rng = np.random.default_rng(3)
    for image in drawn[:3]:
        picture = landscape(900, 1200)
        side = int(share * 1200)
        face = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        x, y = rng.integers(0, 1200 - side), rng.integers(0, 900 - side)
        picture[y : y + side, x : x + side] = face
        (found,) = find_faces(picture)
        expected = find_faces(image)[0].landmarks * (side / len(image)) + [x, y]
        assert distance(found, expected) < 0.1


@pytest.mark.parametrize("degrees", [-90, -30, 30, 90, 180])
def test_a_turned_face_is_found_and_its_left_eye_stays_its_left_eye(drawn, degrees):
    for image in drawn[:3]:
        picture, matrix = turned(image, degrees)
        (found,) = find_faces(picture)
        upright = find_faces(image)[0].landmarks - 0.5
        assert distance(found, upright @ matrix[:, :2].T + matrix[:, 2] + 0.5) < 0.1


def test_all_faces_are_found_the_largest_first(drawn):
    picture = landscape(700, 1000)
    for image, side, x, y in zip(drawn, (250, 420, 180), (20, 300, 780), (30, 200, 500), strict=False):
        picture[y : y + side, x : x + side] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    faces = find_faces(picture)
    assert len(faces) == 3
    assert [face.box[0] // 300 for face in faces] == [1, 0, 2]
    assert [face.area for face in faces] == sorted((face.area for face in faces), reverse=True)


@pytest.mark.parametrize(
    "picture",
    [
        np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8),
        np.full((200, 200, 3), 128, dtype=np.uint8),
        np.zeros((1, 1, 3), dtype=np.uint8),
        np.full((40000, 2, 3), 200, dtype=np.uint8),
        landscape(400, 600),
    ],
    ids=["noise", "flat", "one pixel", "a thread", "landscape"],
)
def test_where_there_is_no_face_none_is_found(picture):
    assert find_faces(picture) == ()


@pytest.mark.slow
def test_all_faces_of_the_sample_are_found():
    paths = sorted((ROOT / "samples").glob("training_*/*"))
    assert len(paths) == 800
    assert [path.name for path in paths if len(find_faces(read(path))) != 1] == []


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="no photographs of ours are shared")
@pytest.mark.parametrize("folder", ["ciplab", "strangers"])
def test_faces_of_photographs_are_found(folder):
    paths = sorted((SHARED / folder).glob("*/*"))
    without = [path.name for path in paths if not find_faces(read(path))]
    assert len(without) <= len(paths) / 1000, without
