import numpy as np
import pytest

from fakefaces.data import images
from fakefaces.features.strangers import WAYS, stranger
from tests.conftest import ROOT

FACE = ROOT / "samples" / "training_real" / "real_00001.jpg"


@pytest.fixture(scope="module")
def photograph():
    return images.decode(images.read(FACE))


@pytest.mark.parametrize("number", range(len(WAYS)))
def test_each_way_changes_a_photograph_and_depends_on_what_is_drawn_only(photograph, number):
    one, again, other = (stranger(photograph, number, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.uint8
    assert one.shape[2] == 3
    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)
    height, width = min(one.shape[0], 176) // 2 * 2, min(one.shape[1], 176) // 2 * 2
    if one.shape == photograph.shape:  # it still shows the same face
        difference = one[:height, :width].astype(float) - photograph[:height, :width]
        assert 0.3 < np.abs(difference).mean() < 60
    else:
        assert 1.2 < one.shape[0] / photograph.shape[0] < 2


def test_ways_follow_each_other(photograph):
    first, again = (stranger(photograph, number, np.random.default_rng(3)) for number in (0, len(WAYS)))
    assert np.array_equal(first, again)
    kinds = [stranger(photograph, number, np.random.default_rng(3)) for number in range(len(WAYS))]
    assert len({kind.tobytes() for kind in kinds}) == len(WAYS)


def test_sides_may_be_odd(photograph):
    odd = photograph[:121, :99]
    for number in range(len(WAYS)):
        assert min(stranger(odd, number, np.random.default_rng(4)).shape[:2]) >= 98
