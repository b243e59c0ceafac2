import cv2
import numpy as np
import pytest

from fakefaces.data.faces import PARTS
from fakefaces.features.residuals.boxes import BOXES, CROP, MIRRORED, NAMES, cells, cropped, windows
from fakefaces.features.residuals.cooccurrences import cooccurrences
from fakefaces.features.residuals.correlations import correlations
from fakefaces.features.residuals.features import FAMILIES, describe, mirrored


def noise(size: int = 256, strength: float = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(128 + strength * rng.standard_normal((size, size, 3)), 0, 255).astype(np.uint8)


def test_the_first_boxes_are_the_parts_and_a_mirror_swaps_the_sides():
    assert NAMES[: len(PARTS)] == PARTS
    assert [NAMES[k] for k in MIRRORED][:4] == ["right_eye", "left_eye", "nose", "mouth"]
    for name, other in zip(NAMES, MIRRORED, strict=True):
        left, top, right, bottom = BOXES[name]
        assert BOXES[NAMES[other]] == pytest.approx((1 - right, top, 1 - left, bottom))


@pytest.mark.parametrize("shape", [(64, 64), (600, 600), (450, 300)])
def test_boxes_lie_in_the_image_and_are_not_empty(shape):
    boxes = windows(*shape)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [shape[1], shape[0]]).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 8).all()


@pytest.mark.parametrize("size", [3, 14, 56])
def test_cells_share_a_box_among_the_cells_that_lie_in_it(size):
    found = cells(size)
    assert found.sum(axis=1) == pytest.approx(1)
    left, top, right, bottom = CROP
    for share, (a, b, c, d) in zip(found.reshape(-1, size, size), BOXES.values(), strict=True):
        row, column = (axis.mean() for axis in np.nonzero(share))
        x, y = left + (column + 0.5) / size * (right - left), top + (row + 0.5) / size * (bottom - top)
        middle = (max(a, left) + min(c, right)) / 2, (max(b, top) + min(d, bottom)) / 2
        assert (x, y) == pytest.approx(middle, abs=0.75 * (right - left) / size)


def test_a_crop_of_the_right_size_is_not_scaled():
    large = noise(600)
    assert np.array_equal(cropped(large, 448), large[118:566, 76:524])
    assert cropped(noise(300), 448).shape == (448, 448, 3)


def test_a_noisier_part_is_seen_in_its_box_alone():
    quiet, loud = noise(strength=2), noise(strength=2)
    left, top, right, bottom = windows(256, 256)[NAMES.index("mouth")]
    loud[top:bottom, left:right] = noise(strength=12, seed=1)[top:bottom, left:right]
    change = np.abs(describe(loud, longest=512) - describe(quiet, longest=512)).mean(axis=1)
    assert NAMES[change.argmax()] == "mouth"
    far = [NAMES.index(name) for name in ("left_eye", "right_eye", "forehead")]
    assert (change[far] < 0.01 * change.max()).all()


def test_smoothing_raises_the_correlation_of_neighbours_and_lowers_the_variance():
    sharp, soft = noise(strength=20), cv2.GaussianBlur(noise(strength=20), (0, 0), 1)
    before, after = correlations(sharp), correlations(soft)
    assert (after[:, :3] < before[:, :3]).all()
    assert (after[:, 9] > before[:, 9]).all()  # one step along the rows


def test_cooccurrences_are_roots_of_shares_and_the_same_in_a_mirror():
    planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(noise(), -1, 0)]
    found = cooccurrences(planes[:1])
    shares = (found**2).reshape(len(NAMES), 8, 39).sum(axis=-1)
    assert shares == pytest.approx(np.ones_like(shares), abs=1e-5)
    other = cooccurrences([np.ascontiguousarray(planes[0][:, ::-1])])
    assert np.abs(mirrored(other) - found).max() < 0.05


def test_a_description_has_one_shape_whatever_the_size_and_is_finite():
    shapes = {describe(noise(size), longest=512).shape for size in (40, 64, 176, 600)}
    assert shapes == {(len(NAMES), sum(FAMILIES))}
    flat = np.full((128, 128, 3), 200, np.uint8)
    assert np.isfinite(describe(flat, longest=512)).all()


def test_only_images_beyond_the_longest_side_are_scaled():
    large = noise(400)
    assert np.array_equal(describe(large, longest=400), describe(large, longest=1024))
    smaller = cv2.resize(large, (200, 200), interpolation=cv2.INTER_AREA)
    assert np.array_equal(describe(large, longest=200), describe(smaller, longest=200))
