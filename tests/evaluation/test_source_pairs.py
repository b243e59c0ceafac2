import pandas as pd

from fakefaces.evaluation.source_pairs import match_sources


def test_a_fake_has_the_real_it_shares_most_with_as_its_source():
    images = pd.DataFrame({"image": ["f1", "f2", "f3", "r1", "r2"], "label": [1, 1, 1, 0, 0]})
    pairs = pd.DataFrame(
        [("f1", "r1", 30), ("f1", "r2", 90), ("f1", "f2", 200), ("f2", "r1", 20)], columns=["a", "b", "inliers"]
    )
    found = match_sources(images, pairs, min_inliers=20)
    assert found.tolist()[:2] == ["r2", "r1"]
    assert found.isna().tolist() == [False, False, True, True, True]


def test_a_real_that_lent_a_fake_no_more_than_a_part_is_not_its_source():
    images = pd.DataFrame({"image": ["f1", "f2", "r1", "r2"], "label": [1, 1, 0, 0]})
    pairs = pd.DataFrame([("f1", "r1", 94), ("f2", "r1", 44), ("f2", "r2", 118)], columns=["a", "b", "inliers"])
    found = match_sources(images, pairs, min_inliers=100)
    assert found.isna().tolist() == [True, False, True, True]
    assert found[1] == "r2"


def test_of_reals_with_equal_inliers_the_first_by_name_is_the_source_whichever_end_of_the_pair_it_is():
    images = pd.DataFrame({"image": ["f1", "r1", "r2"], "label": [1, 0, 0]})
    for pairs in ([("f1", "r1", 60), ("f1", "r2", 60)], [("r2", "f1", 60), ("r1", "f1", 60)]):
        sources = match_sources(images, pd.DataFrame(pairs, columns=["a", "b", "inliers"]), min_inliers=60)
        assert sources[0] == "r1"
