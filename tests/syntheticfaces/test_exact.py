from __future__ import annotations

import numpy as np
import pytest

from syntheticfaces.exact import blur, bump, downsample_by_two, integer_gaussian_kernel, smoothstep


@pytest.mark.parametrize("sigma", [0.25, 0.7, 1.5, 4.5])
def test_a_kernel_is_whole_symmetric_and_sums_to_4096(sigma):
    kernel = integer_gaussian_kernel(sigma)
    assert kernel.dtype == np.float32
    assert kernel.sum() == 4096
    assert (kernel == np.rint(kernel)).all()
    assert (kernel == kernel[::-1]).all()
    assert (kernel >= 0).all()


def test_blur_keeps_a_flat_image_and_spreads_a_point():
    flat = np.full((20, 30), 0.5, dtype=np.float32)
    assert np.abs(blur(flat, 1.0) - 0.5).max() < 2e-4
    point = np.zeros((21, 21, 3), dtype=np.float32)
    point[10, 10] = 1
    spread = blur(point, 1.0)
    assert spread[10, 10, 0] == pytest.approx(0.159, abs=0.01)
    assert spread[10, 12, 1] == spread[12, 10, 1] == spread[8, 10, 2]


def test_smooth_and_bump_are_clipped():
    x = np.array([-1, 0, 0.5, 1, 2], dtype=np.float32)
    assert smoothstep(x).tolist() == [0, 0, 0.5, 1, 1]
    assert bump(x[1:]).tolist() == [1, 0.25, 0, 0]


def test_halve_averages_blocks_and_rounds_half_up():
    image = np.array([[[0], [1]], [[1], [0]]], dtype=np.uint8).repeat(3, axis=2)
    assert downsample_by_two(image).tolist() == [[[1, 1, 1]]]
