import cv2
import numpy as np
import pytest

from fakefaces.base.errors import DataError
from fakefaces.duplicates.features import MAX_KEYPOINTS, NORM, Features, describe, describe_all
from fakefaces.duplicates.hashing import BANDS, BITS, BYTES, KEY_BITS, SIGNATURE, band_keys, distinctive, signatures
from fakefaces.duplicates.sketches import KEYPOINTS, Sketches, sketch


def test_arrays_are_bounded_and_normed(picture):
    features = describe(cv2.resize(picture(0), (2000, 1500)))
    assert 200 < len(features) <= MAX_KEYPOINTS
    assert features.keypoints.dtype == np.float32 and features.keypoints.shape == (len(features), 4)
    assert features.descriptors.dtype == np.uint8 and features.descriptors.shape == (len(features), 128)
    assert features.shape == (1500, 2000) and features.reduction == 0.2
    lengths = np.linalg.norm(features.descriptors.astype(float), axis=1)
    assert np.abs(lengths / NORM - 1).max() < 0.02
    # In pixels of the image as given, not of the working size.
    assert 1200 < features.keypoints[:, 0].max() < 2000 and 900 < features.keypoints[:, 1].max() < 1500


def test_the_same_pixels_give_the_same_bytes_on_any_number_of_threads(picture):
    alone = describe(picture(1))
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        single = describe(picture(1))
    finally:
        cv2.setNumThreads(threads)
    many = describe_all(((str(i), picture(1)) for i in range(6)), workers=3)
    for other in (single, *many.values()):
        assert other.keypoints.tobytes() == alone.keypoints.tobytes()
        assert other.descriptors.tobytes() == alone.descriptors.tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (128, 128)])
def test_an_image_without_structure_has_no_features(shape):
    features = describe(np.full(shape, 77, np.uint8))
    assert len(features) == 0 and features.descriptors.shape == (0, 128)
    assert signatures(features.descriptors).shape == (0, SIGNATURE)
    assert len(sketch(features).places) == 0


@pytest.mark.parametrize(
    "wrong", [np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.float32), np.zeros((0, 9), np.uint8)]
)
def test_an_array_that_is_no_grey_image_is_refused(wrong):
    with pytest.raises(DataError, match="grey image"):
        describe(wrong)


def test_a_name_comes_once(picture):
    with pytest.raises(DataError, match="repeated"):
        describe_all([("a", picture(0)), ("a", picture(1))])


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="must be"):
        Features(np.zeros((2, 4), np.float32), np.zeros((3, 128), np.uint8), (9, 9), 1.0)


def test_signatures_are_exact_balanced_and_do_not_depend_on_the_rows_beside(picture):
    descriptors = np.concatenate([describe(picture(seed)).descriptors for seed in range(4)])
    together = signatures(descriptors)
    alone = np.concatenate([signatures(row[None]) for row in descriptors[:50]])
    assert (together[:50] == alone).all()
    assert abs(np.unpackbits(together, axis=1).mean() - 0.5) < 0.05


def test_a_key_is_of_some_bytes_of_a_signature_and_all_bytes_are_of_keys():
    octets = np.random.default_rng(0).integers(0, 256, (5, SIGNATURE), dtype=np.uint8)
    reads, whole = np.zeros((2, BANDS, SIGNATURE), bool)
    for band in range(BANDS):
        before = band_keys(octets.T, band, np.arange(5))
        assert (before[1:4] == band_keys(octets.T, band, slice(1, 4))).all()
        assert before.dtype == np.uint64 and before.max() < 2**KEY_BITS
        for column in range(SIGNATURE):
            changed = octets.copy()
            changed[:, column] ^= 1
            reads[band, column] = (band_keys(changed.T, band, slice(5)) != before).all()
            changed[:, column] ^= 1 | 1 << BITS
            whole[band, column] = (band_keys(changed.T, band, slice(5)) != before).all()
    assert (reads.sum(axis=1) == BYTES + 1).all() and (whole.sum(axis=1) == BYTES).all()
    assert np.ptp(whole.sum(axis=0)) <= 2 and reads.sum(axis=0).min() >= BANDS * BYTES // SIGNATURE
    assert len(np.unique(reads, axis=0)) == BANDS


def test_a_keypoint_is_distinctive_where_many_cells_and_orientations_are_filled(picture):
    def of_equal(values: int) -> np.ndarray:
        return np.repeat([round(NORM / values**0.5), 0], [values, 128 - values]).astype(np.uint8)

    assert (
        distinctive(np.stack([of_equal(values) for values in (8, 40, 46, 48, 60, 128)])).tolist()
        == [False] * 3 + [True] * 3
    )
    bars = np.full((300, 300), 60, np.uint8)
    for k in range(6):
        cv2.rectangle(bars, (20 + 45 * k, 20), (38 + 45 * k, 80 + 30 * k), 90 + 25 * k, -1)
    shares = [distinctive(describe(image).descriptors).mean() for image in (bars, picture(0))]
    assert shares[0] < 0.5 and shares[1] > 0.95


def test_a_sketch_keeps_the_strongest_distinctive_keypoints_in_few_bytes(picture):
    features = describe(cv2.resize(picture(0), (1200, 900)))
    chosen = np.flatnonzero(distinctive(features.descriptors[:KEYPOINTS]))
    sketches = Sketches([sketch(features)] * 2, 2)
    n = len(chosen)
    assert 0 < n <= KEYPOINTS
    assert (sketches.owner == np.repeat([0, 1], n)).all()
    which, rows = sketches.rows(np.array([1, 0]))
    assert (which == np.repeat([0, 1], n)).all() and (rows == np.r_[n : 2 * n, :n]).all()
    rows, keypoints = rows[:n], features.keypoints[chosen]
    positions = sketches.positions(rows) * 1200
    assert np.abs(positions.real - keypoints[:, 0]).max() < 0.02
    assert np.abs(positions.imag - keypoints[:, 1]).max() < 0.02
    assert np.exp2(sketches.log_sizes(rows)) * 1200 == pytest.approx(keypoints[:, 2], rel=1e-3)
    turned = np.abs(sketches.orientations(rows) - keypoints[:, 3])
    assert np.minimum(turned, 360 - turned).max() < 0.01
    assert len(np.unique(sketches.places(rows))) == len(np.unique(keypoints[:, :2], axis=0))
    of_chosen = signatures(features.descriptors[chosen])
    assert (sketches.columns[:, n:] == of_chosen.T).all()
    differing = np.unpackbits(of_chosen[:-1] ^ of_chosen[1:], axis=1).sum(axis=1)
    assert (sketches.distances(rows[:-1], rows[1:]) == differing).all()
