from itertools import pairwise

import cv2
import numpy as np
import pytest

from fakefaces.data.face_regions import INNER_BOXES, MIRRORED, NAMES, portrait_boxes
from fakefaces.data.faces import PARTS
from fakefaces.features.crop import crop_face
from fakefaces.features.residuals.colour_cast import colour_cast
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations
from fakefaces.features.residuals.descriptor import GROUP_SIZES, residual_features
from fakefaces.features.residuals.planes import chroma, halved, in_steps, luma_and_chroma
from fakefaces.features.residuals.window import face_window, whole_boxes
from fakefaces.features.spec import FeatureSpec


def noise(size: int = 256, strength: float = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(128 + strength * rng.standard_normal((size, size, 3)), 0, 255).astype(np.uint8)


def pixel_boxes(height: int, width: int) -> np.ndarray:
    return whole_boxes(portrait_boxes(height, width), height, width)


def features_of(pixels: np.ndarray, longest: int = 512) -> np.ndarray:
    return residual_features(pixels, portrait_boxes(*pixels.shape[:2]), longest=longest)


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


@pytest.mark.parametrize("shape", [(64, 64), (600, 600), (451, 301)])
def test_the_window_is_the_smallest_around_the_regions_from_an_even_pixel_on(shape):
    pixels = np.dstack([*np.indices(shape), np.zeros(shape)]).astype(np.uint8)
    window, boxes = face_window(pixels, portrait_boxes(*shape), longest=1024), pixel_boxes(*shape)
    row, column = (int(index) for index in boxes[:, 1::-1].min(axis=0) // 2 * 2)
    assert (window.pixels.shape[0] % 2, window.pixels.shape[1] % 2) == (0, 0)
    assert np.array_equal(window.pixels, pixels[row:, column:][: len(window.pixels), : window.pixels.shape[1]])
    assert np.abs(window.boxes - (boxes - [column, row, column, row])).max() <= 1  # one where an odd row is left out
    assert (boxes[:, 2:].max(axis=0) - [column, row] - window.pixels.shape[1::-1] <= 1).all()


def test_only_large_faces_are_scaled_down_and_tiny_ones_up():
    pixels, boxes = noise(300), np.array([[100, 100, 130, 130], [170, 160, 200, 200.0]])
    assert face_window(pixels, boxes, longest=150).pixels.shape == (100, 100, 3)
    assert np.array_equal(face_window(pixels, boxes, longest=150).pixels, pixels[100:200, 100:200])
    smaller = face_window(pixels, boxes, longest=75)
    assert np.abs(smaller.pixels - halved(pixels[100:200, 100:200].astype(np.float32))).max() <= 0.5
    assert smaller.boxes.tolist() == [[0, 0, 15, 15], [35, 30, 50, 50]]
    assert max(face_window(pixels, boxes / 10, longest=150).pixels.shape) == 42


def test_regions_beyond_the_image_are_moved_into_it():
    boxes = np.array([[-30, 5, -10, 25], [90, 95, 120.4, 99], [40, 50, 41, 50.2], [-50, -50, 200, 300]])
    assert whole_boxes(boxes, 100, 110).tolist() == [
        [0, 5, 20, 25],
        [80, 92, 110, 100],
        [40, 50, 48, 58],
        [0, 0, 110, 100],
    ]
    assert whole_boxes(boxes, 4, 6)[2].tolist() == [0, 0, 6, 4]


def test_chroma_keeps_what_rounding_hides():
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[0, 0] = [1, 0, 0]
    cr, cb = np.moveaxis(chroma(pixels), -1, 0)
    assert (cr[0, 0], cb[0, 0]) == (0.5, -43 / 256)
    assert np.abs(chroma(noise())[..., 0] + 128 - luma_and_chroma(noise())[1]).max() < 1
    assert halved(chroma(pixels))[0].tolist() == [[0.125, -43 / 1024], [0, 0]]
    assert [plane.tolist() for plane in in_steps(chroma(pixels), 4)] == [
        [[2, 0, 0, 0], [0] * 4],
        [[-1, 0, 0, 0], [0] * 4],
    ]


BOXES = np.array([[70, 120, 230, 300], [250, 420, 330, 520.0]])


def test_a_crop_is_the_square_around_the_regions_at_native_resolution():
    pixels = noise(600)
    crop, shares = crop_face(pixels, BOXES, 448)
    assert np.array_equal(crop, pixels[96:544, 0:448])  # moved into the image
    assert shares == pytest.approx((BOXES - [0, 96, 0, 96]) / 448)


def test_a_crop_of_a_small_image_shows_it_mirrored_at_its_borders():
    pixels = noise(100)
    crop, shares = crop_face(pixels, np.array([[10, 20, 30, 40], [60, 40, 90, 80.0]]), 160)
    assert np.array_equal(crop[30:130, 30:130], pixels)
    assert np.array_equal(crop[30:130, 29], pixels[:, 1])
    assert shares[0] * 160 == pytest.approx([40, 50, 60, 70])


def test_a_crop_of_a_large_face_is_scaled_down():
    pixels = noise(600)
    crop, shares = crop_face(pixels, BOXES, 200)
    assert np.array_equal(crop, cv2.resize(pixels[120:520, 0:400], (200, 200), interpolation=cv2.INTER_AREA))
    assert shares == pytest.approx((BOXES - [0, 120, 0, 120]) / 400)


def test_noise_changes_the_features_of_its_region_alone():
    quiet, loud = noise(strength=2), noise(strength=2)
    left, top, right, bottom = pixel_boxes(256, 256)[NAMES.index("mouth")]
    loud[top:bottom, left:right] = noise(strength=12, seed=1)[top:bottom, left:right]
    change = np.abs(features_of(loud) - features_of(quiet)).mean(axis=1)
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
    shapes = {features_of(noise(size)).shape for size in (40, 64, 176, 600)}
    assert shapes == {(len(NAMES), sum(GROUP_SIZES))}
    flat = np.full((128, 128, 3), 200, np.uint8)
    assert np.isfinite(features_of(flat)).all()


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
    features = features_of(pixels)
    bounds = np.cumsum([0, *GROUP_SIZES])
    means = np.column_stack([features[:, a:b].mean(axis=1) for a, b in pairwise(bounds)])
    deviations = np.column_stack([features[:, a:b].std(axis=1) for a, b in pairwise(bounds)])
    assert means == pytest.approx(np.array(MEANS), abs=1e-3)
    assert deviations == pytest.approx(np.array(DEVIATIONS), rel=1e-2, abs=1e-3)


# of the features of each group (columns) in each region (rows) of that image
MEANS = [
    [0.1170, 0.0700, 0.0803, 0.4009, 0.0174],
    [0.1163, 0.0689, 0.0799, 0.4011, 0.0199],
    [0.1175, 0.0690, 0.0795, 0.4008, 0.0213],
    [0.1169, 0.0701, 0.0823, 0.4004, 0.0328],
    [0.1162, 0.0701, 0.0796, 0.4036, 0.0008],
    [0.1161, 0.0696, 0.0772, 0.3985, 0.0365],
    [0.1161, 0.0685, 0.0784, 0.4030, 0.0983],
]
DEVIATIONS = [
    [0.1093, 0.1440, 0.1385, 1.1925, 0.7446],
    [0.1101, 0.1445, 0.1388, 1.1987, 0.8055],
    [0.1088, 0.1445, 0.1390, 1.1918, 0.5481],
    [0.1094, 0.1440, 0.1374, 1.1956, 2.0675],
    [0.1101, 0.1440, 0.1389, 1.1971, 2.8835],
    [0.1102, 0.1442, 0.1403, 1.1922, 1.4871],
    [0.1102, 0.1447, 0.1396, 1.2016, 1.4725],
]


def test_each_specification_has_a_file_of_its_own():
    specs = [FeatureSpec("pixels", 32), FeatureSpec("pixels", 48), FeatureSpec("residuals", 32, 16)]
    assert [spec.file_name for spec in specs] == ["pixels-32.npy", "pixels-48.npy", "residuals-32-16.npy"]
