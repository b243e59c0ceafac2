import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.explain.localization import energy_in_mask, localization_metrics, pointing_game


def masks(n: int, side: int = 8) -> np.ndarray:
    masked = np.zeros((n, side, side), dtype=bool)
    masked[:, 2:4, 2:6] = True  # 8 of 64 cells
    return masked


def spot(n: int, y: int, x: int, side: int = 8) -> np.ndarray:
    heat = np.full((n, side, side), 0.1)
    heat[:, y, x] = 1.0
    return heat


def test_a_hot_spot_in_the_mask_is_a_hit_and_one_outside_is_a_miss():
    assert pointing_game(spot(3, 2, 5), masks(3)).tolist() == [1, 1, 1]
    assert pointing_game(spot(3, 2, 6), masks(3)).tolist() == [0, 0, 0]


def test_equally_hot_places_count_by_their_share_and_an_empty_heatmap_misses():
    assert pointing_game(np.ones((1, 8, 8)), masks(1)).tolist() == [8 / 64]
    assert pointing_game(np.zeros((1, 8, 8)), masks(1)).tolist() == [0]
    assert energy_in_mask(np.zeros((1, 8, 8)), masks(1)).tolist() == [0]


def test_energy_is_the_share_of_heat_inside():
    assert energy_in_mask(np.ones((1, 8, 8)), masks(1)) == pytest.approx(8 / 64)
    assert energy_in_mask(masks(1).astype(float), masks(1)).tolist() == [1]
    heat = spot(1, 3, 3)
    assert energy_in_mask(heat, masks(1)) == pytest.approx((1 + 7 * 0.1) / (1 + 63 * 0.1))


def test_heatmaps_that_point_at_the_forgery_beat_random_ones():
    n, rng = 60, np.random.default_rng(0)
    hits = np.where(rng.random(n) < 0.7, 2, 7)
    heat = np.stack([spot(1, y, 3)[0] for y in hits])
    noise = rng.random((200, 8, 8))
    metrics = localization_metrics(heat, masks(n), np.arange(n), baselines={"random": noise}, n_resamples=500, seed=1)
    assert (metrics.n, metrics.groups, metrics.area) == (n, n, 8 / 64)
    pointing = metrics.model.pointing
    assert pointing.value == pytest.approx((hits == 2).mean(), abs=1e-6)
    assert pointing.interval[0] < pointing.value < pointing.interval[1]
    random = metrics.baselines["random"]
    assert random.metrics.pointing.value == pytest.approx(8 / 64, abs=0.06)
    assert random.metrics.energy.value == pytest.approx(8 / 64, abs=0.01)
    assert random.gain.pointing.value == pytest.approx(pointing.value - random.metrics.pointing.value, abs=2e-6)
    assert random.gain.pointing.interval[0] > 0.3


def test_random_heatmaps_have_no_gain_over_random_ones():
    n, rng = 200, np.random.default_rng(3)
    metrics = localization_metrics(
        rng.random((n, 8, 8)),
        masks(n),
        np.arange(n) // 2,
        baselines={"random": rng.random((200, 8, 8))},
        n_resamples=500,
        seed=1,
    )
    low, high = metrics.baselines["random"].gain.pointing.interval
    assert low < 0 < high


def test_images_of_one_group_are_resampled_together():
    n, rng = 80, np.random.default_rng(5)
    heat = spot(n, 7, 7)
    heat[: n // 2] = spot(n // 2, 2, 3)
    order = rng.permutation(n)

    def width(group):
        metrics = localization_metrics(heat[order], masks(n), group, baselines={}, n_resamples=500, seed=1)
        low, high = metrics.model.pointing.interval
        return high - low

    assert width((order // 4).astype(str)) > 1.5 * width(np.arange(n))  # four of a group agree


def test_few_groups_have_no_interval_and_wrong_shapes_are_refused():
    metrics = localization_metrics(spot(4, 2, 3), masks(4), list("aabb"), baselines={}, n_resamples=100, seed=1)
    assert metrics.model.pointing.interval is metrics.model.energy.interval is None
    with pytest.raises(ModelError, match="of different images"):
        localization_metrics(spot(4, 2, 3), masks(3), list("abcd"), baselines={}, n_resamples=100, seed=1)


def test_empty_heatmaps_are_counted_and_point_nowhere_as_baselines_too():
    heat = np.zeros((12, 8, 8))
    heat[3:, 2, 3] = 1
    maps = np.zeros((4, 8, 8))
    maps[0, 2, 3] = 1
    maps[1, 7, 7] = 1
    metrics = localization_metrics(heat, masks(12), np.arange(12), baselines={"known": maps}, n_resamples=100, seed=1)
    assert (metrics.empty, metrics.model.pointing.value) == (0.25, 0.75)
    known = metrics.baselines["known"].metrics
    assert (known.pointing.value, known.energy.value) == (0.25, 0.25)


def test_a_gain_is_in_its_own_metric_with_its_own_interval():
    n, rng = 10, np.random.default_rng(2)
    heat, maps = rng.random((n, 8, 8)), np.ones((3, 8, 8))
    metrics = localization_metrics(heat, masks(n), np.arange(n), baselines={"even": maps}, n_resamples=100, seed=1)
    even = metrics.baselines["even"]
    for name in ("pointing", "energy"):
        model, baseline, gain = (getattr(of, name).value for of in (metrics.model, even.metrics, even.gain))
        assert baseline == pytest.approx(8 / 64)
        assert gain == pytest.approx(model - 8 / 64, abs=2e-6)
    wanted = [bound - 8 / 64 for bound in metrics.model.energy.interval]
    assert even.gain.energy.interval == pytest.approx(wanted, abs=2e-6)
    assert even.metrics.energy.interval is None  # the same for every fake
