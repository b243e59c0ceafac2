"""The confidence sequence holds the mean at all times, where an interval that is computed anew does not."""

import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.confidence_sequence import confidence_sequence, observations_until

SHARES = (0.05, 0.87, 0.08)  # of -1, 0 and 1: two models that agree on most photographs
MEAN = 0.03


def differences(seed: int, n: int, shares: tuple[float, ...] = SHARES) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], size=n, p=shares)


@pytest.mark.slow
def test_it_misses_the_mean_at_any_time_less_often_than_promised_where_a_repeated_interval_misses_it_often():
    missed, missed_by_repeated = 0, 0
    for seed in range(80):
        x = differences(seed, 250)
        sequence = confidence_sequence(x)
        missed += bool(((sequence.low > MEAN) | (sequence.high < MEAN)).any())
        n = np.arange(1, len(x) + 1)
        mean = np.cumsum(x) / n
        error = 1.96 * np.sqrt((np.cumsum(x**2) / n - mean**2) / n)
        missed_by_repeated += bool((np.abs(mean - MEAN) > error)[20:].any())
    assert missed <= 4  # 5 % of 80
    assert missed_by_repeated > 15


def test_it_rules_out_no_more_than_the_capital_of_a_gambler_does():
    """Computed step by step for a few values of the mean, as the paper writes it."""
    x = (differences(3, 120, (0.1, 0.2, 0.7)) + 1) / 2
    sequence = confidence_sequence(2 * x - 1)
    for m in (0.3, 0.6, 0.7, 0.9):
        up = down = 1.0
        total, squares, variance, inside = 0.5, 0.25, 0.25, True
        for k, value in enumerate(x, start=1):
            bet = np.sqrt(2 * np.log(2 / 0.05) / (variance * k * np.log(1 + k)))
            up *= 1 + min(bet, 0.5 / m) * (value - m)
            down *= 1 - min(bet, 0.5 / (1 - m)) * (value - m)
            inside &= max(up, down) / 2 < 1 / 0.05
            total += value
            squares += (value - total / (k + 1)) ** 2
            variance = squares / (k + 1)
            low, high = (sequence.low[k - 1] + 1) / 2, (sequence.high[k - 1] + 1) / 2
            assert inside == (low < m < high) or min(abs(low - m), abs(high - m)) <= 0.0011


def test_it_never_widens_and_closes_in_on_the_mean():
    x = np.tile([1.0, 0.0], 1000)
    sequence = confidence_sequence(x)
    assert (np.diff(sequence.low) >= 0).all() and (np.diff(sequence.high) <= 0).all()
    assert 0.4 < sequence.low[-1] < 0.5 < sequence.high[-1] < 0.6
    assert (sequence.low[0], sequence.high[0]) == (-1, 1)


def test_the_sign_of_the_observations_turns_it_round():
    x = differences(1, 200, (0.1, 0.6, 0.3))
    there, back = confidence_sequence(x), confidence_sequence(-x)
    np.testing.assert_allclose(there.low, -back.high, atol=1e-12)
    np.testing.assert_allclose(there.high, -back.low, atol=1e-12)


def test_an_empty_sequence_has_no_interval_and_observations_are_bounded():
    assert len(confidence_sequence(np.empty(0)).low) == 0
    for wrong in (1.5, np.nan):
        with pytest.raises(ModelError, match="from -1 to 1"):
            confidence_sequence(np.array([0.0, wrong]))


def test_more_observations_are_expected_as_many_as_are_then_needed():
    shares = (0.05, 0.85, 0.1)
    seen = np.tile([0.0] * 17 + [1.0, -1.0, 1.0], 3)
    expected = observations_until(seen, above=-0.05, below=0.0, limit=1500, seed=1)
    assert expected is not None
    needed = []
    for seed in range(8):
        x = np.concatenate([seen, differences(seed, 600, shares)])
        needed.append(int((confidence_sequence(x).low >= -0.05).argmax()) + 1 - len(seen))
    assert 0 < 0.5 * np.median(needed) <= expected <= 2 * np.median(needed)


def test_a_difference_at_the_margin_itself_is_never_decided():
    x = np.tile([-1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 30)
    assert observations_until(x, above=-0.1, below=-0.2, limit=500, seed=1) is None
