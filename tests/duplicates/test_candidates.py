from itertools import combinations

import numpy as np
import pytest

from fakefaces.duplicates import candidates
from fakefaces.duplicates.hashing import SIGNATURE, band_keys
from fakefaces.duplicates.sketches import Sketch, Sketches, head_distances

EACH = 40  # keypoints of an image


@pytest.fixture(scope="module")
def sketches() -> Sketches:
    """Four images whose keypoints are like those of the others, with other last bytes.

    Those of the third differ in more than 42 bits, most of them in the first 32 bytes, those of the fourth in so many
    only if all bytes count. The last keypoint of an image is its first once more.
    """
    random = np.random.default_rng(0)
    common = random.integers(0, 256, (EACH - 1, SIGNATURE), dtype=np.uint8)
    images = []
    for changed, share in ((0, 0.0), (SIGNATURE, 0.01), (16, 0.5), (8, 0.8)):
        flipped = np.packbits(random.random((EACH - 1, SIGNATURE, 8)) < share, axis=2)[..., 0]
        flipped[:, : SIGNATURE - changed] = 0
        images.append(Sketch(common ^ flipped, np.zeros((EACH - 1, 4), np.uint16)))
    doubled = [Sketch(np.r_[each.signatures, each.signatures[:1]], np.zeros((EACH, 4), np.uint16)) for each in images]
    return Sketches(doubled, len(doubled))


@pytest.mark.parametrize("new", [[0, 1, 2, 3], [1], []])
def test_keypoints_collide_that_share_a_key_and_are_near_each_image_once_a_key(sketches, new):
    is_new = np.isin(np.arange(4), new)
    signatures, found, expected = sketches.columns.T, 0, 0
    for band in range(0, candidates.BANDS, 8):
        keys = band_keys(sketches.columns, band, slice(None))
        once = [k for k in range(len(keys)) if keys[k] not in keys[k - k % EACH : k]]
        pairs = [
            (k, m)
            for k, m in combinations(once, 2)
            if keys[k] == keys[m] and k // EACH != m // EACH and is_new[[k // EACH, m // EACH]].any()
        ]
        near = {(k, m) for k, m in pairs if np.bitwise_count(signatures[k] ^ signatures[m]).sum(dtype=int) <= 42}
        codes = candidates._sorted_codes(sketches, band, is_new, np.empty(len(keys), np.uint64))
        collisions = [
            pair
            for left, right in candidates._equal_keys(codes, sketches, is_new)
            for pair in zip(left, right, strict=True)
        ]
        assert len(collisions) == len(near) and set(collisions) == near
        found, expected = found + len(near), expected + len(pairs)
    assert (0 < found < expected) == bool(new)  # some are too far from each other, though they share a key


def test_opposite_heads_differ_in_all_bits():
    heads = np.array([[0] * 4, [2**64 - 1] * 4, [1, 2, 4, 8]], np.uint64)
    assert head_distances(heads, heads[[1, 1, 0]]).tolist() == [256, 0, 4]
