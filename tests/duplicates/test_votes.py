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


def test_the_pairs_are_the_same_however_often_votes_are_sorted_and_in_whatever_parts(sketches, monkeypatch):
    every = np.ones(sketches.n_images, np.bool_)
    pairs = candidate_pairs(sketches, every)
    of_one_photograph = {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (5, 6), (4, 8), (5, 8), (6, 8)}
    assert {tuple(pair) for pair in pairs.tolist()} == of_one_photograph
    monkeypatch.setattr(votes, "_WAITING", 8)
    monkeypatch.setattr(votes, "_LEAST", 8)
    monkeypatch.setattr(votes, "_IMAGES", 2)
    assert candidate_pairs(sketches, every).tolist() == pairs.tolist()


def test_of_a_pair_the_first_votes_are_kept_in_whatever_order_they_come(sketches, monkeypatch):
    monkeypatch.setattr(votes, "_WAITING", 8)
    monkeypatch.setattr(votes, "_LEAST", 8)
    left = np.flatnonzero(sketches.owner == 0)[:100]
    right = np.flatnonzero(sketches.owner == 1)[:100]
    for order in (np.arange(100), np.arange(100)[::-1], np.random.default_rng(0).permutation(100)):
        with votes.Votes(sketches) as kept:
            for start in range(0, 100, 9):
                kept.add(left[order[start : start + 9]], right[order[start : start + 9]])
                kept.add(left[order[:start]], right[order[:start]])
            codes = kept._sort(0)
        assert codes.tolist() == (left * len(sketches.owner) + right)[: votes.MOST_VOTES].tolist()


def test_no_image_and_no_new_image_have_no_pair(sketches):
    assert candidate_pairs(Sketches([], 0), np.zeros(0, np.bool_)).shape == (0, 2)
    assert candidate_pairs(sketches, np.zeros(sketches.n_images, np.bool_)).shape == (0, 2)
