import numpy as np
import pytest

from fakefaces.duplicates import votes
from fakefaces.duplicates.candidates import candidate_pairs
from fakefaces.duplicates.features import describe
from fakefaces.duplicates.sketches import Sketches, sketch


@pytest.fixture(scope="module")
def sketches(picture) -> Sketches:
    """Two photographs, three crops of each, and one without a keypoint."""
    crops = [picture(seed)[10 * k : 250 + 10 * k, 20:300] for seed in range(2) for k in range(3)]
    images = [picture(0), *crops, np.zeros((40, 50), np.uint8), picture(1)]
    return Sketches((sketch(describe(image)) for image in images), len(images))


def test_the_pairs_are_the_same_however_often_votes_are_counted_and_in_whatever_parts(sketches, monkeypatch):
    every = np.ones(sketches.n_images, np.bool_)
    pairs = candidate_pairs(sketches, every)
    of_one_photograph = {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (5, 6), (4, 8), (5, 8), (6, 8)}
    assert {tuple(pair) for pair in pairs.tolist()} >= of_one_photograph
    monkeypatch.setattr(votes, "_LEAST", 8)
    monkeypatch.setattr(votes, "_IMAGES", 2)
    assert candidate_pairs(sketches, every).tolist() == pairs.tolist()


def test_collisions_of_a_pair_that_has_enough_votes_are_dropped(sketches, monkeypatch):
    monkeypatch.setattr(votes, "_LEAST", 8)
    left = np.flatnonzero(sketches.owner == 0)
    same = np.flatnonzero(sketches.owner == 1)[: len(left)]
    with votes.Votes(sketches) as counted:
        for _ in range(3):
            counted.add(left[: len(same)], same)  # of whatever shift, scale and rotation: some agree
        assert counted.pairs().tolist() == [[0, 1]]
        assert sum(file.seek(0, 2) for file in counted._files) == 0


def test_bytes_are_ordered_block_by_block_as_at_once(monkeypatch):
    from fakefaces.duplicates import candidates

    octets = np.random.default_rng(0).integers(0, 256, 1000, dtype=np.uint8)
    octets[300:600] = 7
    for rows in (64, 999, 1000, 5000):
        monkeypatch.setattr(candidates, "_SORTED_ROWS", rows)
        order, ends = candidates._by_byte(octets)
        assert np.array_equal(order, np.argsort(octets, kind="stable"))
        assert np.array_equal(np.diff(ends), np.bincount(octets, minlength=256))
    order, ends = candidates._by_byte(octets[:0])
    assert len(order) == 0 and not ends.any()
