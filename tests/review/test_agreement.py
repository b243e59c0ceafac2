"""Cohen's kappa of two people's labels, and its interval."""

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from fakefaces.review.agreement import agreement


def labels(real_real: int, real_fake: int, fake_real: int, fake_fake: int) -> list[tuple[str, str]]:
    return (
        [("real", "real")] * real_real
        + [("real", "fake")] * real_fake
        + [("fake", "real")] * fake_real
        + [("fake", "fake")] * fake_fake
    )


@pytest.mark.parametrize("counts", [(180, 20, 30, 170), (900, 25, 25, 50), (40, 160, 150, 50)])
def test_kappa_and_the_interval_of_many_labels_are_those_of_statsmodels(counts):
    found = agreement(labels(*counts))
    expected = cohens_kappa(np.reshape(counts, (2, 2)))
    assert found.kappa == pytest.approx(expected.kappa)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=0.02)
    assert (found.n, found.same) == (sum(counts), counts[0] + counts[3])


def test_few_labels_that_all_agree_leave_much_open():
    few, many = agreement(labels(3, 0, 0, 3)), agreement(labels(300, 0, 0, 300))
    assert few.kappa == many.kappa == 1
    assert few.low is not None and many.low is not None
    assert few.low < 0.5 < 0.95 < many.low


def test_the_interval_holds_the_true_kappa_about_as_often_as_it_says():
    random, shares = np.random.default_rng(5), np.array([0.5, 0.06, 0.04, 0.4])
    chance = (shares[0] + shares[1]) * (shares[0] + shares[2]) + (shares[2] + shares[3]) * (shares[1] + shares[3])
    true = (shares[0] + shares[3] - chance) / (1 - chance)
    found = [agreement(labels(*random.multinomial(25, shares))) for _ in range(150)]
    held = [one.low <= true <= one.high for one in found if one.low is not None and one.high is not None]
    assert 0.88 <= np.mean(held) <= 1


def test_equal_labels_give_an_equal_interval_and_swapped_people_the_same_kappa():
    first = agreement(labels(10, 3, 2, 9))
    assert agreement(labels(10, 3, 2, 9)) == first
    assert agreement(labels(10, 2, 3, 9)).kappa == pytest.approx(first.kappa)


def test_kappa_is_undefined_where_only_one_label_was_ever_given():
    found = agreement(labels(7, 0, 0, 0))
    assert (found.n, found.same, found.kappa, found.low, found.high) == (7, 7, None, None, None)
    assert agreement([]).n == 0
