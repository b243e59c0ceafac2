from __future__ import annotations

import math

import numpy as np
import pytest

from syntheticfaces.colour import blend, encode, lab_to_srgb, linear_to_srgb, srgb_to_lab, srgb_to_linear


@pytest.mark.parametrize("value", [0, 5, 100, 200, 255])
def test_coding_undoes_linear_light(value):
    assert linear_to_srgb(srgb_to_linear(value)) == pytest.approx(value, abs=1e-3)


def test_lab_of_known_colours():
    assert srgb_to_lab((255, 255, 255)) == pytest.approx((100, 0, 0), abs=0.05)
    assert srgb_to_lab((255, 0, 0)) == pytest.approx((53.24, 80.09, 67.2), abs=0.1)
    assert srgb_to_lab((0, 0, 0)) == pytest.approx((0, 0, 0), abs=1e-6)


@pytest.mark.parametrize("colour", [(200.0, 150.0, 120.0), (90.0, 60.0, 45.0), (30.0, 200.0, 250.0)])
def test_from_lab_undoes_lab(colour):
    assert lab_to_srgb(srgb_to_lab(colour)) == pytest.approx(colour, abs=0.2)


def test_a_lab_step_has_its_length_in_delta_e():
    start = srgb_to_lab((190.0, 140.0, 115.0))
    end = srgb_to_lab(lab_to_srgb((start[0] + 3, start[1] - 4, start[2])))
    assert math.dist(start, end) == pytest.approx(5, abs=0.05)


def test_encode_is_monotone_and_covers_the_range():
    ramp = np.linspace(0, 3, 400, dtype=np.float32)
    image = encode(np.stack([ramp[None]] * 3))
    assert image.shape == (1, 400, 3)
    assert image.dtype == np.uint8
    assert (np.diff(image[0, :, 0].astype(int)) >= 0).all()
    assert (image[0, 0, 0], image[0, -1, 0]) == (0, 255)


def test_over_blends_inside_its_window_only():
    canvas = np.zeros((3, 4, 4), dtype=np.float32)
    blend(canvas, (slice(1, 3), slice(1, 3)), (1.0, 0.5, 0.0), np.full((2, 2), 0.5, dtype=np.float32))
    assert canvas[:, 1, 1].tolist() == [0.5, 0.25, 0]
    assert canvas.sum() == pytest.approx(4 * 0.75)
