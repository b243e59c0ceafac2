"""Two samples: the tests against scipy's, the effects by hand, and the level by simulation."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact, ks_2samp

from fakefaces.evaluation.two_samples import compare_categories, compare_numbers, holm


def test_the_effect_of_numbers_is_the_share_that_moved():
    reference = np.arange(100.0)
    moved = np.concatenate([np.arange(70.0), np.full(30, 1000.0)])
    difference = compare_numbers(reference, moved)
    assert difference.effect == pytest.approx(0.3)
    assert difference.p_value == pytest.approx(ks_2samp(reference, moved, method="exact").pvalue)


def test_the_effect_of_categories_is_the_share_that_moved():
    two = compare_categories(["a"] * 80 + ["b"] * 20, ["a"] * 50 + ["b"] * 50)
    assert two.effect == pytest.approx(0.3)
    assert two.p_value == pytest.approx(fisher_exact([[80, 20], [50, 50]]).pvalue)
    three = compare_categories(["a"] * 50 + ["b"] * 30 + ["c"] * 20, ["a"] * 50 + ["b"] * 10 + ["c"] * 40)
    assert three.effect == pytest.approx(0.2)
    assert three.p_value == pytest.approx(chi2_contingency([[50, 30, 20], [50, 10, 40]], correction=False).pvalue)


def test_equal_samples_do_not_differ():
    assert compare_categories(["a"] * 40, ["a"] * 40).p_value == 1
    assert compare_categories(["a", "b"] * 20, ["a", "b"] * 20).p_value == pytest.approx(1)
    assert compare_numbers(np.ones(40), np.ones(50)).p_value == pytest.approx(1)


def test_rare_categories_are_one_and_a_category_that_is_new_is_seen():
    reference = [f"once {k}" for k in range(60)]
    assert compare_categories(reference, [f"other {k}" for k in range(60)]).p_value == 1
    new = compare_categories(["a"] * 100, ["a"] * 70 + [f"new {k}" for k in range(30)])
    assert new.effect == pytest.approx(0.3) and new.p_value < 1e-6


def test_under_one_distribution_small_p_values_are_rare():
    rng = np.random.default_rng(1)
    numbers, categories = [], []
    for _ in range(400):
        numbers.append(compare_numbers(rng.normal(size=60), rng.normal(size=45)).p_value)
        shares = (0.7, 0.2, 0.06, 0.04)
        first, second = (rng.choice(list("abcd"), size=n, p=shares).tolist() for n in (60, 45))
        categories.append(compare_categories(first, second).p_value)
    for p_values in (numbers, categories):
        assert np.mean(np.array(p_values) <= 0.05) < 0.08


def test_holm_corrects_for_the_number_of_tests():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
