import cv2
import numpy as np
import pytest

from fakefaces.data.face_regions import CROP, INNER_BOXES, MIRRORED, NAMES, cell_weights, crop_face, pixel_boxes
from fakefaces.data.faces import PARTS
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations
from fakefaces.features.residuals.descriptor import GROUP_SIZES, residual_features


def noise(size: int = 256, strength: float = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(128 + strength * rng.standard_normal((size, size, 3)), 0, 255).astype(np.uint8)


def test_the_first_regions_are_the_parts_and_mirroring_exchanges_the_sides():
    assert NAMES[: len(PARTS)] == PARTS
    assert [NAMES[k] for k in MIRRORED][:4] == ["right_eye", "left_eye", "nose", "mouth"]
    for name, other in zip(NAMES, MIRRORED, strict=True):
        left, top, right, bottom = INNER_BOXES[name]
        assert INNER_BOXES[NAMES[other]] == pytest.approx((1 - right, top, 1 - left, bottom))


@pytest.mark.parametrize("shape", [(64, 64), (600, 600), (450, 300)])
def test_inner_boxes_lie_in_the_image_and_are_not_empty(shape):
    boxes = pixel_boxes(*shape)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [shape[1], shape[0]]).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 8).all()


@pytest.mark.parametrize("size", [3, 14, 56])
def test_the_weights_of_cells_are_those_of_the_cells_in_the_region(size):
    weights = cell_weights(size)
    assert weights.sum(axis=1) == pytest.approx(1)
    left, top, right, bottom = CROP
    for mask, (a, b, c, d) in zip(weights.reshape(-1, size, size), INNER_BOXES.values(), strict=True):
        row, column = (axis.mean() for axis in np.nonzero(mask))
        x, y = left + (column + 0.5) / size * (right - left), top + (row + 0.5) / size * (bottom - top)
        middle = (max(a, left) + min(c, right)) / 2, (max(b, top) + min(d, bottom)) / 2
        assert (x, y) == pytest.approx(middle, abs=0.75 * (right - left) / size)


def test_a_crop_of_the_right_size_is_not_scaled():
    large = noise(600)
    assert np.array_equal(crop_face(large, 448), large[118:566, 76:524])
    assert crop_face(noise(300), 448).shape == (448, 448, 3)


def test_noise_changes_the_features_of_its_region_alone():
    quiet, loud = noise(strength=2), noise(strength=2)
    left, top, right, bottom = pixel_boxes(256, 256)[NAMES.index("mouth")]
    loud[top:bottom, left:right] = noise(strength=12, seed=1)[top:bottom, left:right]
    change = np.abs(residual_features(loud, longest=512) - residual_features(quiet, longest=512)).mean(axis=1)
    assert NAMES[change.argmax()] == "mouth"
    far = [NAMES.index(name) for name in ("left_eye", "right_eye", "forehead")]
    assert (change[far] < 0.01 * change.max()).all()


def test_smoothing_raises_the_correlation_of_neighbours_and_lowers_the_variance():
    sharp, soft = noise(strength=20), cv2.GaussianBlur(noise(strength=20), (0, 0), 1)
    before, after = correlations(sharp), correlations(soft)
    assert (after[:, :3] < before[:, :3]).all()
    assert (after[:, 9] > before[:, 9]).all()  # one step along the rows


def test_cooccurrences_are_roots_of_frequencies_and_equal_after_mirroring():
    planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(noise(), -1, 0)]
    histograms = cooccurrences(planes[:1])
    shares = (histograms**2).reshape(len(NAMES), 8, 39).sum(axis=-1)
    assert shares == pytest.approx(np.ones_like(shares), abs=1e-5)
    mirrored = cooccurrences([np.ascontiguousarray(planes[0][:, ::-1])])[list(MIRRORED)]
    assert np.abs(mirrored - histograms).max() < 0.05


def test_residual_features_have_one_shape_and_are_finite():
    shapes = {residual_features(noise(size), longest=512).shape for size in (40, 64, 176, 600)}
    assert shapes == {(len(NAMES), sum(GROUP_SIZES))}
    flat = np.full((128, 128, 3), 200, np.uint8)
    assert np.isfinite(residual_features(flat, longest=512)).all()


def test_only_images_beyond_the_longest_side_are_scaled():
    large = noise(400)
    assert np.array_equal(residual_features(large, longest=400), residual_features(large, longest=1024))
    smaller = cv2.resize(large, (200, 200), interpolation=cv2.INTER_AREA)
    assert np.array_equal(residual_features(large, longest=200), residual_features(smaller, longest=200))
