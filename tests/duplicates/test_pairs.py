import cv2
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from fakefaces.base.errors import DataError
from fakefaces.duplicates import agreement, candidates, pairs
from fakefaces.duplicates.features import MAX_KEYPOINTS, Features, describe
from fakefaces.duplicates.pairs import COLUMNS, MIN_STORED_INLIERS, SearchState, find_pairs, name_pairs, update
from fakefaces.duplicates.sketches import sketch
from fakefaces.duplicates.verification import Similarity

MIN = 13


def moved(image: np.ndarray, scale: float, angle: float) -> np.ndarray:
    """Scale, and turn by degrees from x to y, about the centre."""
    height, width = image.shape
    return cv2.warpAffine(image, cv2.getRotationMatrix2D((width / 2, height / 2), -angle, scale), (width, height))


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def pasted(base: np.ndarray, donor: np.ndarray) -> np.ndarray:
    result = base.copy()
    result[120:250, 100:260] = donor[120:250, 100:260]
    return result


def search(images: dict[str, np.ndarray], **arguments: object) -> pd.DataFrame:
    features = {name: describe(image) for name, image in images.items()}
    return find_pairs(update(SearchState(), features, seed=3, **arguments), MIN)


@pytest.fixture(scope="module")
def features(picture) -> dict[str, Features]:
    """Eight photographs, and four images made of the first three."""
    images = {f"p{seed}": picture(seed) for seed in range(8)}
    images["crop"] = jpeg(picture(0)[40:320, 60:330], 80)
    images["fake"] = jpeg(moved(pasted(picture(1), picture(2)), 1.0, 4), 90)
    images["large"] = cv2.resize(picture(2), None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)
    images["small"] = cv2.resize(picture(0), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    return {name: describe(image) for name, image in images.items()}


def test_exactly_the_pairs_are_found(features):
    pairs = find_pairs(update(SearchState(), features, seed=3), MIN)
    assert list(zip(pairs["a"], pairs["b"], strict=True)) == [
        ("crop", "p0"),
        ("crop", "small"),
        ("fake", "large"),  # the pasted part
        ("fake", "p1"),
        ("fake", "p2"),
        ("large", "p2"),
        ("p0", "small"),
    ]
    assert tuple(pairs.columns) == COLUMNS
    assert [str(dtype) for dtype in pairs.dtypes] == ["str", "str", "int64", "float64", "float64"]


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (0.8, 0.0), (1.2, 7.0), (1.0, -35.0), (0.6, 170.0)])
def test_scale_and_angle_are_those_from_a_to_b(picture, scale, angle):
    pairs = search({"a": picture(5), "b": jpeg(moved(picture(5), scale, angle), 85)})
    assert len(pairs) == 1
    assert pairs["scale"][0] == pytest.approx(scale, rel=0.01)
    assert (pairs["angle"][0] - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.5)


def test_sizes_as_given_count_for_the_scale(picture):
    pairs = search({"a": cv2.resize(picture(5), (1080, 1080)), "b": picture(5)})
    assert pairs["scale"][0] == pytest.approx(1 / 3, rel=0.01)


def test_exact_copies_pair_and_mirrored_ones_do_not(picture):
    assert len(search({"a": picture(4), "b": picture(4)})) == 1
    assert search({"a": picture(4), "b": picture(4)[:, ::-1].copy()}).empty


def test_one_after_the_other_or_backwards_is_as_at_once(features):
    at_once = update(SearchState(), features, seed=3)
    names = list(features)
    for order in (names, names[::-1]):
        known = SearchState(seed=3)
        for start in range(0, len(order), 5):
            known = update(known, {name: features[name] for name in order[: start + 5]}, seed=3)
        assert_frame_equal(known.pairs, at_once.pairs)
        assert known.keys == at_once.keys


def test_images_that_go_leave_no_pair_and_come_back_as_they_were(features):
    at_once = update(SearchState(), features, seed=3)
    fewer = {name: each for name, each in features.items() if name not in ("fake", "p0")}
    without = update(at_once, fewer, seed=3)
    assert_frame_equal(without.pairs, update(SearchState(), fewer, seed=3).pairs)
    assert "p0" not in without.keys
    assert_frame_equal(update(without, features, seed=3).pairs, at_once.pairs)


def test_few_keypoints_and_images_at_a_time_change_nothing(features, monkeypatch):
    at_once = update(SearchState(), features, seed=3)
    monkeypatch.setattr(candidates, "_HASHED_ROWS", 300)
    monkeypatch.setattr(candidates, "_SORTED_ROWS", 500)
    monkeypatch.setattr(candidates, "_BATCH_COLLISIONS", 7)
    monkeypatch.setattr(agreement, "_PAIRS", 2)
    assert_frame_equal(update(SearchState(), features, seed=3).pairs, at_once.pairs)


def test_more_keypoints_than_can_be_numbered_are_refused(features, monkeypatch):
    monkeypatch.setattr(candidates, "_ROW", np.uint64(10))
    with pytest.raises(DataError, match="at most 1024"):
        update(SearchState(), features, seed=3)


def test_with_sketches_only_the_features_of_candidates_are_asked_for(features):
    asked: set[str] = set()

    class Asked(dict):
        def __getitem__(self, key):
            asked.add(key)
            return super().__getitem__(key)

    sketches = [sketch(features[name]) for name in sorted(features)]
    state = update(SearchState(), Asked(features), seed=3, sketches=iter(sketches))
    assert_frame_equal(state.pairs, update(SearchState(), features, seed=3).pairs)
    assert asked == {"crop", "fake", "large", "p0", "p1", "p2", "small"}


def test_only_pairs_with_new_images_are_verified(features, monkeypatch):
    compared: list[int] = []
    original = pairs.compare
    monkeypatch.setattr(pairs, "compare", lambda *a, **k: compared.append(1) or original(*a, **k))
    first = {name: each for name, each in features.items() if name != "small"}
    known = update(SearchState(), first, seed=3)
    before = len(compared)
    both = update(known, features, seed=3)
    assert len(compared) - before == 2  # small with p0 and with crop
    assert_frame_equal(both.pairs, update(SearchState(), features, seed=3).pairs)
    compared.clear()
    assert_frame_equal(update(both, features, seed=3).pairs, both.pairs)
    assert compared == []
    update(both, features, seed=4)  # another seed: verified anew
    assert compared


def test_threads_and_repetition_change_nothing(features):
    tables = [update(SearchState(), features, seed=3, workers=workers).pairs for workers in (1, 1, 3)]
    assert_frame_equal(tables[0], tables[1])
    assert_frame_equal(tables[0], tables[2])


def test_progress_ends_with_all(features):
    calls: list[tuple[int, int]] = []
    update(SearchState(), features, seed=3, progress=lambda done, total: calls.append((done, total)))
    assert calls and calls[-1][0] == calls[-1][1]


def test_nothing_to_compare():
    flat = describe(np.full((200, 200), 9, np.uint8))
    for images in ({}, {"a": flat}, {"a": flat, "b": flat}):
        pairs = find_pairs(update(SearchState(), images, seed=0), MIN)
        assert pairs.empty and tuple(pairs.columns) == COLUMNS


def test_an_added_image_without_structure_has_no_partner(features):
    known = update(SearchState(), features, seed=3)
    more = update(known, features | {"flat": describe(np.full((200, 200), 9, np.uint8))}, seed=3)
    assert "flat" in more.keys
    assert_frame_equal(more.pairs, known.pairs)


def test_fewer_inliers_than_are_stored_is_an_error():
    with pytest.raises(DataError, match="min_inliers"):
        find_pairs(SearchState(), MIN_STORED_INLIERS - 1)


def test_names_of_content_keys():
    pairs = pd.DataFrame([("k1", "k2", 40, 2.0, 10.0)], columns=list(COLUMNS))
    named = name_pairs(pairs, {"z": "k1", "b": "k2", "c": "k2", "alone": "k3"})
    assert named[["a", "b"]].to_numpy().tolist() == [["b", "c"], ["b", "z"], ["c", "z"]]
    assert named["scale"].tolist() == [1.0, 0.5, 0.5]
    assert named["angle"].tolist() == [0.0, -10.0, -10.0]


def test_a_pair_with_exactly_min_inliers_is_found():
    table = pd.DataFrame([("a", "b", 13, 1.0, 0.0), ("a", "c", 12, 1.0, 0.0)], columns=list(COLUMNS))
    state = SearchState(keys=tuple("abc"), pairs=table, seed=3)
    pairs = find_pairs(state, 13)
    assert pairs[["a", "b"]].to_numpy().tolist() == [["a", "b"]]
    assert len(find_pairs(state, MIN_STORED_INLIERS)) == 2


@pytest.mark.parametrize(("inliers", "stored"), [(MIN_STORED_INLIERS, 1), (MIN_STORED_INLIERS - 1, 0)])
def test_a_pair_is_stored_from_the_least_number_of_inliers_on(picture, monkeypatch, inliers, stored):
    similarity = Similarity(1 + 0j, 0j, inliers)
    monkeypatch.setattr(pairs, "compare", lambda a, b, seed: similarity)
    state = update(SearchState(), {"a": describe(picture(0)), "b": describe(picture(0))}, seed=3)
    assert len(state.pairs) == stored


def test_images_of_the_same_bytes_have_the_largest_number_of_inliers():
    named = name_pairs(pd.DataFrame([], columns=list(COLUMNS)), {"b": "k", "a": "k", "c": "l"})
    assert named.to_numpy().tolist() == [["a", "b", MAX_KEYPOINTS, 1.0, 0.0]]


def test_inliers_are_distinct_positions_in_either_image(picture):
    """A keypoint with two matches in the other image counts once."""
    once = picture(5)[:180, :180]
    pairs = search({"a": once, "b": np.hstack([once, picture(6)[:180, :180]])})
    assert len(pairs) == 1
    assert pairs["inliers"][0] <= len(np.unique(describe(once).keypoints[:, :2].round(1), axis=0))
