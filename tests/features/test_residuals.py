from itertools import pairwise

import cv2
import numpy as np
import pytest

from fakefaces.data.face_regions import (
    CROP,
    INNER_BOXES,
    MIRRORED,
    NAMES,
    cell_weights,
    crop_face,
    face_window,
    pixel_boxes,
)
from fakefaces.data.faces import PARTS
from fakefaces.features.extract import FeatureSpec
from fakefaces.features.residuals.colour_cast import colour_cast
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


@pytest.mark.parametrize("shape", [(64, 64), (600, 600), (450, 301)])
def test_the_window_is_the_smallest_around_the_inner_boxes(shape):
    window = face_window(*shape)
    offset = [window.columns.start, window.rows.start] * 2
    assert np.array_equal(window.boxes + offset, pixel_boxes(*shape))
    assert (window.boxes.min(axis=0)[:2] == 0).all()
    size = window.columns.stop - window.columns.start, window.rows.stop - window.rows.start
    assert (window.boxes.max(axis=0)[2:] == size).all()


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


def test_a_crop_covers_the_same_shares_of_width_and_height():
    rows, columns = np.indices((120, 60), dtype=np.uint8)
    crop = crop_face(np.dstack([columns, rows, 0 * rows]), 44)
    assert crop[..., 0].min() == 8  # 76 to 524 of 600 columns
    assert crop[..., 0].max() == 51
    assert crop[..., 1].min() in range(23, 26)
    assert crop[..., 1].max() in range(111, 114)


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
    boxes = pixel_boxes(256, 256)
    before, after = correlations(sharp, boxes), correlations(soft, boxes)
    assert (after[:, :3] < before[:, :3]).all()
    assert (after[:, 9] > before[:, 9]).all()  # one step along the rows


def test_cooccurrences_are_roots_of_frequencies_and_equal_after_mirroring():
    planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(noise(), -1, 0)]
    boxes = pixel_boxes(256, 256)
    histograms = cooccurrences(planes[:1], boxes)
    shares = (histograms**2).reshape(len(NAMES), 8, 39).sum(axis=-1)
    assert shares == pytest.approx(np.ones_like(shares), abs=1e-5)
    mirrored = cooccurrences([np.ascontiguousarray(planes[0][:, ::-1])], boxes)[list(MIRRORED)]
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


def test_a_colour_cast_is_a_regions_chroma_minus_the_skins_and_half_the_difference_of_its_sides():
    cr, cb = (np.full((200, 200), value, np.uint8) for value in (100, 60))
    left, top, right, bottom = pixel_boxes(200, 200)[NAMES.index("nose")]
    cr[top:bottom, left:right] = 120
    cb[top:bottom, left : (left + right) // 2] = 70
    boxes = pixel_boxes(200, 200)
    casts = colour_cast([cr, cb], boxes).reshape(len(NAMES), 2, 2, 2)  # plane, row of cells, mean and half difference
    nose = casts[NAMES.index("nose")]
    assert nose[0] == pytest.approx(np.array([[20, 0], [20, 0]]), abs=1e-3)
    assert nose[1] == pytest.approx(np.array([[5, 5], [5, 5]]), abs=1e-3)
    skin = [NAMES.index(name) for name in ("forehead", "left_cheek", "right_cheek")]
    assert casts[skin] == pytest.approx(0)
    left, top, right, bottom = pixel_boxes(200, 200)[skin[0]]
    cr[top:bottom, left:right] = 130  # a third of the skin, whose mean is subtracted
    assert colour_cast([cr, cb], boxes)[skin, 0] == pytest.approx([20, -10, -10], abs=1e-3)


def test_colour_casts_are_equal_after_mirroring():
    rng = np.random.default_rng(4)
    planes = [cv2.GaussianBlur(rng.integers(0, 256, (200, 200), dtype=np.uint8), (0, 0), 6) for _ in range(2)]
    boxes = pixel_boxes(200, 200)
    casts = colour_cast(planes, boxes)
    mirrored = colour_cast([np.ascontiguousarray(plane[:, ::-1]) for plane in planes], boxes)
    assert np.abs(mirrored[list(MIRRORED)] - casts).max() < 0.5
    assert np.abs(mirrored - casts).max() > 2


def test_correlations_depend_on_direction_and_lag():
    stripes = np.tile(np.float32([0, 0, 8, 8]), 50)[None, :, None] * np.ones((200, 1, 3), np.float32)
    boxes = pixel_boxes(200, 200)
    values = correlations((100 + stripes).astype(np.uint8), boxes)
    # of a residual of ±2: log variance, log kurtosis of 1, equal channels; then the lags, in rows and columns
    assert values[:, :3] == pytest.approx(np.log(4.01), abs=0.05)
    assert values[:, 3:6] == pytest.approx(0, abs=0.05)
    assert values[:, 6:9] == pytest.approx(1, abs=0.01)
    for lag, expected in enumerate([0, 1, 0, -1, 1, 0, 1]):
        assert values[:, 9 + lag] == pytest.approx(expected, abs=0.05)
        assert values[:, 16 + lag] == pytest.approx(values[:, 9 + lag], abs=1e-6)
    inverted = np.stack([100 + stripes[..., 0], 100 - stripes[..., 0] / 2, 100 + 0 * stripes[..., 0]], axis=-1)
    pairs = correlations(inverted.astype(np.uint8), boxes)[:, 6:9]
    assert pairs == pytest.approx(np.tile([-1, 0, 0], (len(NAMES), 1)), abs=0.01)


def test_the_residual_features_of_an_image_do_not_change():
    # a change of any feature invalidates all detectors that were trained on them
    rng = np.random.default_rng(11)
    ramp = np.linspace(0, 60, 256)[:, None, None] * np.float64([1, 0.6, 0.3])
    pixels = np.clip(90 + ramp + 7 * rng.standard_normal((256, 256, 3)), 0, 255).astype(np.uint8)
    features = residual_features(pixels, longest=512)
    bounds = np.cumsum([0, *GROUP_SIZES])
    means = np.column_stack([features[:, a:b].mean(axis=1) for a, b in pairwise(bounds)])
    deviations = np.column_stack([features[:, a:b].std(axis=1) for a, b in pairwise(bounds)])
    assert means == pytest.approx(np.array(MEANS), abs=1e-3)
    assert deviations == pytest.approx(np.array(DEVIATIONS), rel=1e-2, abs=1e-3)


# of the features of each group (columns) in each region (rows) of that image
MEANS = [
    [0.1170, 0.1015, 0.4009, 0.0192],
    [0.1163, 0.1004, 0.4012, 0.0218],
    [0.1175, 0.1008, 0.4008, 0.0232],
    [0.1168, 0.1018, 0.4010, 0.0265],
    [0.1162, 0.1013, 0.4036, 0.0026],
    [0.1161, 0.1010, 0.3986, 0.0384],
    [0.1159, 0.1006, 0.4030, 0.0945],
]
DEVIATIONS = [
    [0.1093, 0.1239, 1.1925, 0.7440],
    [0.1101, 0.1247, 1.1987, 0.8049],
    [0.1088, 0.1244, 1.1918, 0.5481],
    [0.1095, 0.1236, 1.1951, 2.1071],
    [0.1102, 0.1240, 1.1978, 2.8827],
    [0.1102, 0.1243, 1.1925, 1.4878],
    [0.1105, 0.1246, 1.2010, 1.4705],
]


def test_each_specification_has_a_file_of_its_own():
    specs = [FeatureSpec("pixels", 32), FeatureSpec("pixels", 48), FeatureSpec("residuals", 32, 16)]
    assert [spec.file_name for spec in specs] == ["pixels-32.npy", "pixels-48.npy", "residuals-32-16.npy"]
