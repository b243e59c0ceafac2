from dataclasses import replace

import numpy as np
import pytest

from fakefaces.duplicates.agreement import MIN_KEYPOINTS, MIN_VOTES, agreeing_pairs
from fakefaces.duplicates.features import Features, describe
from fakefaces.duplicates.hashing import distinctive
from fakefaces.duplicates.ranges import ranges
from fakefaces.duplicates.sketches import Sketches, sketch


@pytest.fixture(scope="module")
def one(picture) -> Features:
    """Keypoints that a sketch keeps, of places that are well apart."""
    features = describe(picture(0))
    rows: list[int] = []
    for row in np.flatnonzero(distinctive(features.descriptors)):
        if all(np.linalg.norm(features.keypoints[row, :2] - features.keypoints[k, :2]) > 12 for k in rows):
            rows.append(row)
    return replace(features, keypoints=features.keypoints[rows], descriptors=features.descriptors[rows])


def moved(features: Features, scale: float = 0.8, degrees: float = 25.0, shift: float = 40.0) -> Features:
    """As of the same image after a similarity transform."""
    z = features.keypoints[:, :2] @ [1, 1j] * scale * np.exp(1j * np.deg2rad(degrees)) + shift * (1 + 1j) + 100
    angle = (features.keypoints[:, 3] + degrees) % 360
    keypoints = np.stack([z.real, z.imag, features.keypoints[:, 2] * scale, angle], axis=1)
    assert keypoints.min() >= 0 and keypoints[:, :2].max() < 500
    return replace(features, keypoints=keypoints.astype(np.float32), shape=(500, 500))


def agree(a: Features, b: Features, left: list[int], right: list[int]) -> bool:
    sketches = Sketches([sketch(a), sketch(b)], 2)
    return len(agreeing_pairs(sketches, np.array(left), len(a) + np.array(right))) == 1


def test_three_votes_that_agree_are_enough_whatever_else_collides(one):
    other, wrong = moved(one), list(range(20, 33))
    assert agree(one, other, [0, 1, 2], [0, 1, 2])
    assert MIN_VOTES == 3 and not agree(one, other, [0, 1], [0, 1])
    for votes in (2, 3):
        left = [*range(votes), *wrong]
        assert agree(one, other, left, [*range(votes), *wrong[1:], wrong[0]]) == (votes == 3)


def test_three_votes_of_two_places_are_not_enough(one):
    keypoints = one.keypoints.copy()
    keypoints[2, :2] = keypoints[1, :2] + 0.5
    at_two = replace(one, keypoints=keypoints)
    assert not agree(at_two, moved(at_two), [0, 1, 2], [0, 1, 2])
    assert agree(at_two, moved(at_two), [0, 1, 2, 3], [0, 1, 2, 3])


@pytest.mark.parametrize(("column", "change"), [(0, 4.0), (2, 1.0), (3, 15.0)])
def test_place_size_and_orientation_of_a_vote_have_to_agree(one, column, change):
    keypoints = moved(one).keypoints.copy()
    keypoints[2, column] += keypoints[2, 2] if column == 2 else change
    assert not agree(one, replace(moved(one), keypoints=keypoints), [0, 1, 2], [0, 1, 2])


@pytest.mark.parametrize("common", [MIN_KEYPOINTS - 1, MIN_KEYPOINTS])
def test_so_many_keypoints_have_to_agree_in_the_sketches(one, picture, common):
    strange = describe(picture(1)).descriptors
    strange = strange[distinctive(strange)][: len(one) - common]
    descriptors = np.concatenate([one.descriptors[:common], strange])
    other = moved(replace(one, keypoints=one.keypoints[: len(descriptors)], descriptors=descriptors))
    assert agree(one, other, [0, 1, 2], [0, 1, 2]) == (common == MIN_KEYPOINTS)


def test_whether_a_pair_agrees_does_not_depend_on_the_others(one, picture):
    images = [one, moved(one), moved(one, 0.7, 10.0, 0.0), describe(picture(1))]
    sketches = Sketches([sketch(image) for image in images], 4)
    starts = np.searchsorted(sketches.owner, np.arange(4))
    rows = np.arange(5)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    left, right = (np.concatenate([starts[pair[side]] + rows for pair in pairs]) for side in range(2))
    assert agreeing_pairs(sketches, left, right).tolist() == [[0, 1], [0, 2], [1, 2]]
    for k, pair in enumerate(pairs):
        alone = agreeing_pairs(sketches, left[5 * k : 5 * k + 5], right[5 * k : 5 * k + 5])
        assert alone.tolist() == ([list(pair)] if pair[1] < 3 else [])


def test_ranges_follow_each_other():
    which, numbers = ranges(np.array([5, 0, 7]), np.array([2, 0, 3]))
    assert which.tolist() == [0, 0, 2, 2, 2] and numbers.tolist() == [5, 6, 7, 8, 9]
    assert [len(each) for each in ranges(np.zeros(0, np.int64), np.zeros(0, np.int64))] == [0, 0]
