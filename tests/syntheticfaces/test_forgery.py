from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from syntheticfaces.camera import draw_camera, encode_jpeg, jpeg_round_trip, photograph
from syntheticfaces.colour import srgb_to_lab
from syntheticfaces.decoys import DECOYS, apply_decoy
from syntheticfaces.drawing.face import draw_face
from syntheticfaces.forgery import ForgerySettings, Shot, draw_forgery_settings, resample, transplant
from syntheticfaces.identity import draw_identity, draw_scene
from syntheticfaces.regions import PARTS, draw_outline, feather_mask

LIMITS = {
    "easy": {"residual": (6, 10), "noise": (2, 4), "gap": (0.15, 0.25), "feather": (1, 2)},
    "mid": {"residual": (3, 6), "noise": (1.4, 2), "gap": (0.08, 0.15), "feather": (2, 4)},
    "hard": {"residual": (0, 2), "noise": (1.1, 1.4), "gap": (0.03, 0.08), "feather": (4, 7)},
}


def shot(seed: int, size: int = 160) -> Shot:
    rng = np.random.default_rng(seed)
    person, scene = draw_identity(rng), draw_scene(rng)
    image = photograph(draw_face(person, scene, size, rng), draw_camera(rng), rng)
    return Shot(image, person, scene.view(size))


def settings(**changes: object) -> ForgerySettings:
    values: dict[str, object] = {
        "residual": 0.0, "direction": (1.0, 0.0, 0.0), "noise_ratio": 1.0, "scale": 1.0,
        "feather": 1.5, "kernel": "cubic", "similarity": 0.5,
    }  # fmt: skip
    return ForgerySettings(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("difficulty", ["easy", "mid", "hard"])
def test_forgery_settings_stay_within_the_ranges_of_its_difficulty(difficulty):
    limits, both = LIMITS[difficulty], set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        one = draw_forgery_settings(difficulty, float(rng.uniform(2, 6)), rng)
        assert limits["residual"][0] <= one.residual <= limits["residual"][1]
        assert limits["feather"][0] <= one.feather <= limits["feather"][1]
        ratio = max(one.noise_ratio, 1 / one.noise_ratio)
        assert limits["noise"][0] <= ratio <= limits["noise"][1]
        gap = max(one.scale, 1 / one.scale) - 1
        assert limits["gap"][0] <= gap <= limits["gap"][1] + 1e-9
        assert math.hypot(*one.direction) == pytest.approx(1)
        both.add((one.noise_ratio > 1, one.scale > 1))
    assert len(both) == 4, "noise and scale go both ways"


def test_the_colour_residual_tends_to_green_and_yellow():
    settings_of_seeds = [draw_forgery_settings("mid", 4.0, np.random.default_rng(seed)) for seed in range(400)]
    lightness, a, b = np.array([one.direction for one in settings_of_seeds]).T
    assert abs(lightness.mean()) < 0.05
    assert (a < 0).mean() > 0.85
    assert (b > 0).mean() > 0.9


def test_sampling_at_pixel_centres_returns_the_pixels():
    image = np.random.default_rng(0).integers(0, 256, (12, 14, 3), dtype=np.uint8)
    y, x = np.mgrid[2:9, 3:10].astype(np.float64) + 0.5
    for kernel in ("linear", "cubic"):
        assert (resample(image, x, y, kernel) == image[2:9, 3:10]).all()  # type: ignore[arg-type]
    between = resample(image, x + 0.5, y, "linear")
    assert np.allclose(between, (image[2:9, 3:10].astype(float) + image[2:9, 4:11]) / 2)


def test_a_part_of_the_same_photograph_changes_nothing():
    one = shot(3)
    canvas = one.image.astype(np.float32)
    for part in PARTS:
        transplant(one, one, part, draw_outline(part, np.random.default_rng(1)), settings(), canvas)
    assert np.abs(canvas - one.image).max() < 0.6


def test_a_transplant_changes_the_mask_and_nothing_far_from_it():
    base, donor = shot(3), shot(4)
    for part in PARTS:
        canvas = base.image.astype(np.float32)
        mask = transplant(base, donor, part, draw_outline(part, np.random.default_rng(1)), settings(), canvas)
        changed = np.abs(canvas - base.image).max(axis=2) > 0.5
        assert mask.shape == (160, 160)
        assert 200 < mask.sum() < 2500
        assert changed[mask].mean() > 0.9
        near = feather_mask(mask.astype(np.uint8) * 255, 3.0) > 0
        assert not changed[~near].any()


def test_a_transplant_leaves_the_asked_colour_residual():
    base, donor = shot(3), shot(4)
    outline = draw_outline("nose", np.random.default_rng(1))
    seams = []
    for residual in (0.0, 8.0):
        canvas = base.image.astype(np.float32)
        strong = settings(residual=residual, direction=(0.0, 0.6, 0.8))
        mask = transplant(base, donor, "nose", outline, strong, canvas)
        seams.append(srgb_to_lab(tuple(float(canvas[..., k][mask].mean()) for k in range(3))))  # type: ignore[arg-type]
    assert math.dist(*seams) == pytest.approx(8, abs=1.5)


def test_the_noise_of_a_camera_grows_with_its_setting():
    flat = np.full((96, 96, 3), 128, dtype=np.uint8)
    camera = draw_camera(np.random.default_rng(0))
    spreads = [
        float(photograph(flat, replace(camera, noise=noise), np.random.default_rng(1)).std(axis=(0, 1)).mean())
        for noise in (1.0, 3.0, 6.0)
    ]
    assert spreads[0] < spreads[1] < spreads[2]
    assert spreads[2] == pytest.approx(6, rel=0.35)


def test_grains_spread_the_noise_and_keep_its_strength():
    flat = np.full((96, 96, 3), 128, dtype=np.uint8)
    camera = replace(draw_camera(np.random.default_rng(0)), quality=97, noise=5.0, blur=0.25, chroma=0.8)
    spread, together = [], []
    for grain in (0.3, 0.9):
        image = photograph(flat, replace(camera, grain=grain), np.random.default_rng(1)).mean(axis=2)
        centred = image - image.mean()
        spread.append(float(centred.std()))
        together.append(float((centred[:, 1:] * centred[:, :-1]).mean() / centred.var()))
    assert spread[1] == pytest.approx(spread[0], rel=0.15)
    assert together[0] < 0.1 < 0.4 < together[1]


def test_two_jpegs_of_a_set_have_the_same_header():
    first, second = (encode_jpeg(shot(seed).image, 90) for seed in (5, 6))
    start = first.index(b"\xff\xda")
    assert first[:start] == second[: second.index(b"\xff\xda")]
    assert jpeg_round_trip(shot(5).image, 90).shape == (160, 160, 3)


@pytest.mark.parametrize("kind", DECOYS)
def test_a_decoy_changes_a_photograph_slightly(kind):
    one = shot(7)
    image = apply_decoy(one, kind, np.random.default_rng(2))
    difference = np.abs(image.astype(int) - one.image)
    assert image.dtype == np.uint8
    assert difference.any()
    assert difference.mean() < 16


def test_without_a_decoy_the_photograph_is_unchanged():
    one = shot(7)
    assert (apply_decoy(one, "", np.random.default_rng(2)) == one.image).all()
