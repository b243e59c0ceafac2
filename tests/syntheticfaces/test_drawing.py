from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from syntheticfaces.drawing.face import draw_face
from syntheticfaces.identity import blend_identity, draw_identity, draw_scene
from syntheticfaces.textures import crop, noise_bank, warped_noise
from syntheticfaces.view import View


def test_the_grid_undoes_the_placing_of_points():
    view = View(canvas=352, unit=105.0, centre=(178.0, 160.0), roll=0.08, yaw=0.12, pitch=-0.05)
    u, v = view.grid()
    for point in ((0.0, 0.0), (0.43, -0.1), (-0.4, 0.9), (0.1, 1.3)):
        x, y = view.pixel(*point)
        row, column = int(y), int(x)
        assert u[row, column] == pytest.approx(point[0], abs=0.02)
        assert v[row, column] == pytest.approx(point[1], abs=0.02)


def test_a_window_holds_its_points():
    view = View(canvas=352, unit=105.0, centre=(178.0, 160.0), roll=-0.08, yaw=0.1, pitch=0.0)
    u, v = view.grid()
    inside = ((u - 0.43) / 0.2) ** 2 + ((v - 0.1) / 0.1) ** 2 < 1
    window = view.window(0.43, 0.1, 0.2, 0.1)
    assert inside[window].sum() == inside.sum() > 100


@pytest.mark.parametrize("cell", [1, 2, 8, 64])
def test_noise_is_centred_and_of_unit_spread(cell):
    bank = noise_bank(cell)
    assert bank.shape == (1024, 1024)
    assert bank.dtype == np.float32
    assert not bank.flags.writeable
    assert abs(float(bank.mean())) < 0.1
    assert 0.6 < float(bank.std()) < 1.4


def test_lookups_depend_on_the_stream_alone():
    s, t = np.mgrid[0:40, 0:50].astype(np.float32)
    first, second = (warped_noise(np.random.default_rng(5), 4, s * 3, t * 2) for _ in range(2))
    assert (first == second).all()
    assert first.shape == (40, 50)
    assert crop(np.random.default_rng(5), 4, 10, 20).shape == (10, 20)


@pytest.mark.parametrize("size", [160, 192])
def test_a_face_fills_its_picture(size):
    rng = np.random.default_rng(11)
    image = draw_face(draw_identity(rng), draw_scene(rng), size, rng)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    middle = image[size // 3 : size * 3 // 4, size // 3 : size * 2 // 3].astype(float)
    assert middle.std() > 8
    assert middle[..., 0].mean() > middle[..., 2].mean(), "skin is redder than blue"


def test_every_style_of_hair_is_drawn():
    rng = np.random.default_rng(2)
    person, scene = draw_identity(rng), draw_scene(rng)
    seen = set()
    for style in ("crop", "side", "fringe", "long", "wavy", "curly", "back", "receding", "shaved"):
        image = draw_face(replace(person, style=style), scene, 128, np.random.default_rng(2))
        seen.add(image.tobytes())
    assert len(seen) == 9


def test_resembling_moves_the_skin_towards_the_model():
    a, b = draw_identity(np.random.default_rng(1)), draw_identity(np.random.default_rng(2))
    assert blend_identity(a, b, 0.0).skin == a.skin
    assert blend_identity(a, b, 1.0).skin == pytest.approx(b.skin)
    assert blend_identity(a, b, 0.9).eye_x == a.eye_x


def test_people_are_within_drawable_bounds():
    for seed in range(300):
        person = draw_identity(np.random.default_rng(seed))
        assert 0 <= person.age <= 1
        assert 0 <= person.tone <= 1
        assert 0.12 < person.eye_size < 0.3
        assert person.eye_open > 0.15
        assert person.lip_full > 0.03
        assert all(0 <= c <= 1 for c in (*person.skin, *person.hair, *person.iris, *person.lip))
