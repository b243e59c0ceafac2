from scipy.stats import binom

from fakefaces.evaluation.unlike import LEAST, unlike


def test_a_batch_is_unlike_where_more_of_it_is_unfamiliar_than_of_left_out_copies():
    assert unlike(LEAST - 1, LEAST - 1, 200, 30) is None
    assert unlike(LEAST, 6, 200, 30) is None  # as many as of the copies
    assert unlike(LEAST, 9, 200, 30) is None  # and not many more
    assert unlike(LEAST, 0, 200, 0) is None
    sentence = unlike(LEAST, 30, 200, 30)
    assert sentence is not None
    assert "30 of 40 are unfamiliar, and 15% of corrupted copies of left-out photographs" in sentence
    assert "p = " in sentence


def test_few_familiar_batches_are_called_unlike():
    """Of batches that are refused at the rate of the copies, one in a hundred at most."""
    calls = [unlike(LEAST, k, 20_000, 1_600) is not None for k in range(LEAST + 1)]
    assert sorted(calls) == calls
    assert sum(binom.pmf(k, LEAST, 0.08) for k in range(LEAST + 1) if calls[k]) < 0.01
