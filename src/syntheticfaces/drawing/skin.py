"""Skin: colour, folds, fine texture and the light that falls on it."""

import math

import numpy as np

from syntheticfaces.colour import Rgb, blend, channels, mix
from syntheticfaces.drawing.head import Relief
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.drawing.strokes import curves, draw_lines
from syntheticfaces.exact import Plane, blur, bump, smoothstep
from syntheticfaces.textures import crop, octaves, warped_noise
from syntheticfaces.view import WHOLE, Points


def _arc(*numbers: float) -> Points:
    arc: Points = curves(np.array(numbers, dtype=np.float64).reshape(1, 3, 2), 9)[0]
    return arc


def folds(portrait: Portrait) -> Plane:
    """Depth of folds and wrinkles, a plane in 0..1."""
    view, rng, person, scene = portrait.view, portrait.rng, portrait.person, portrait.scene
    plane = np.zeros((view.canvas, view.canvas), dtype=np.uint8)
    age, smile = person.age, max(scene.smile, 0.0)

    def groove(points: Points, depth: float, thickness: int = 2) -> None:
        level = int(255 * min(max(depth, 0.0), 1.0))
        if level > 8:
            draw_lines(plane, [view.pixels(points)], level, thickness)

    my, mw = person.mouth_y, person.mouth_width * (1 + 0.12 * smile)
    nw, tip = person.nose_width, person.nose_length
    for side in (-1, 1):
        groove(
            _arc(side * (nw + 0.05), tip - 0.06, side * (0.42 + 0.06 * smile), tip + 0.15, side * (mw + 0.13), my),
            0.12 + 0.6 * age * age + 0.35 * smile, 3,
        )  # fmt: skip
        groove(
            _arc(side * 0.24, 0.13, side * 0.42, 0.225, side * 0.62, 0.15),
            0.08 + 0.6 * age * age + 0.12 * smile,
        )
        if age > 0.5:
            groove(_arc(side * (mw + 0.06), my + 0.08, side * (mw + 0.1), my + 0.2, side * (mw + 0.08), my + 0.33),
                   0.6 * (age - 0.4))  # fmt: skip
        for _ in range(int(rng.integers(0, 2 + round(5 * age)))):
            x, y = 0.7 + rng.uniform(0, 0.05), person.eye_y + rng.uniform(-0.1, 0.13)
            slope = (y - person.eye_y - 0.02) * 1.6
            groove(_arc(side * x, y, side * (x + 0.07), y + slope * 0.4, side * (x + 0.14), y + slope),
                   rng.uniform(0.2, 0.6) * (age + 0.4 * smile), 1)  # fmt: skip
        if age > 0.35 and rng.random() < 0.6:
            groove(_arc(side * 0.06, -0.2, side * 0.075, -0.27, side * 0.06, -0.36), 0.6 * age * rng.random())
    for k in range(int(rng.integers(0, 2 + round(4 * age)))):
        y = -0.52 - 0.085 * k + rng.normal(0, 0.012)
        left, right = -rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.5)
        groove(_arc(left, y + 0.02, 0, y - 0.01, right, y + 0.02),
               rng.uniform(0.3, 0.9) * (0.75 * age + 0.2 * max(scene.brow_raise, 0)))  # fmt: skip
    return blur(plane.astype(np.float32) * (1 / 255), view.canvas / 190)


def albedo(portrait: Portrait) -> Plane:
    """Linear skin colour before light, ``(3, canvas, canvas)``."""
    u, v, rng, person, shape = portrait.u, portrait.v, portrait.rng, portrait.person, portrait.u.shape
    mottle = octaves(rng, shape, {64: 0.6, 32: 0.5, 16: 0.35, 8: 0.22}) * (0.05 * person.blotches)
    grain = octaves(rng, shape, {4: 0.5, 2: 0.5}) * (0.015 + 0.012 * person.age)
    skin = (1 - mottle * channels((0.35, 1.0, 0.9)) + grain) * channels(person.skin)
    red: Rgb = (person.skin[0] * 0.93, person.skin[1] * 0.66, person.skin[2] * 0.66)
    dark: Rgb = (person.skin[0] * 0.62, person.skin[1] * 0.5, person.skin[2] * 0.52)

    def dab(cu: float, cv: float, ru: float, rv: float, colour: Rgb, strength: float) -> None:
        window, height = portrait.hill(cu, cv, ru, rv)
        blend(skin, window, colour, height * strength)

    flush = person.flush
    rouge = flush * 0.6 + 0.5 * person.makeup
    for side in (-1, 1):
        dab(side * 0.58, 0.42, 0.42, 0.34, red, 0.6 * rouge)
        dab(side * 0.36, person.eye_y + 0.17, 0.3, 0.14, dark, 0.2 + 0.25 * person.age)
        dab(side * 0.22, person.eye_y - 0.04, 0.14, 0.16, dark, 0.35)
        if person.makeup > 0.25:
            shadow = mix(dark, (0.05, 0.035, 0.05), 0.55)
            dab(side * person.eye_x, person.eye_y - 0.1, 0.29, 0.15, shadow, 0.7 * person.makeup)
    dab(0, person.nose_length - 0.08, 0.3, 0.2, red, 0.5 * flush)
    dab(0, person.chin - 0.15, 0.3, 0.2, red, 0.25 * flush)
    dab(0, -0.7, 0.8, 0.3, red, 0.12 * flush)
    if person.freckles:
        speck = smoothstep((crop(rng, 4, *shape) - 0.75) * 1.3)
        near = bump((u * 0.95) ** 2 + ((v - 0.3) * 1.3) ** 2)
        brown = (person.skin[0] * 0.66, person.skin[1] * 0.52, person.skin[2] * 0.45)
        blend(skin, WHOLE, brown, speck * near * (0.8 * person.freckles))
    for _ in range(int(rng.integers(0, 3))):
        dab(rng.uniform(-0.8, 0.8), rng.uniform(-0.5, 1.2), 0.03, 0.03, (0.05, 0.025, 0.018), rng.uniform(0.3, 0.8))
    return skin


def beard(portrait: Portrait) -> Plane | None:
    """Opacity of beard and stubble, or None for a face without."""
    u, v, rng, person = portrait.u, portrait.v, portrait.rng, portrait.person
    strength = max(person.beard, 0.42 * person.stubble)
    if strength < 0.06:
        return None
    m, mw = person.mouth_y, person.mouth_width
    side = np.abs(u)
    low = smoothstep((v - (m - 0.42) + (0.92 - side) * 0.42) * 4)
    low = low * smoothstep((side * 1.1 + (v - 0.78) * 1.15) * 3.2 - 0.9)
    lip = smoothstep(bump((u * (1 / (mw * 1.1))) ** 2 + ((v - (m - 0.155)) * 7.0) ** 2) * 1.8)
    clear = bump((u * (1 / (mw * 1.05))) ** 2 + ((v - m) * (1 / 0.17)) ** 2)
    area = np.maximum(low * (1 - smoothstep(clear * 3)), lip)
    swirl = u * 0.35 + 0.12 * octaves(rng, area.shape, {16: 1.0})
    hair = warped_noise(rng, 2, v * 62, (u - swirl * v) * 125) * 0.6 + octaves(rng, area.shape, {2: 0.35, 8: 0.25})
    cover = 0.72 * person.beard + hair * 0.3 if person.beard else (0.34 + hair * 0.22) * person.stubble
    return np.clip(area * cover, 0, 0.93)


def shade(relief: Relief, creases: Plane, pores: Plane) -> tuple[Plane, Plane]:
    """Shading of the relief: factors ``(3, H, W)`` for red, green and blue, and the gloss to add to all."""
    person, scene = relief.portrait.person, relief.portrait.scene
    relief.height -= creases * 0.022
    relief.height += pores * (0.0004 + 0.0006 * person.age)
    right, down, front = relief.normals()
    lx, ly, lz = (np.float32(c) for c in scene.light)
    facing = right * lx + down * ly + front * lz
    tip = person.nose_length
    shadow = np.zeros_like(facing)
    for cu, cv, ru, rv, amount in (
        (-scene.light[0] * 0.3, tip + 0.11, 0.3, 0.16, 0.55),
        (-scene.light[0] * 0.55, tip - 0.2, 0.2, 0.34, 0.4 * abs(scene.light[0])),
        (0.0, person.mouth_y + person.lip_full + 0.1, 0.26, 0.1, 0.22),
        (-person.eye_x, person.eye_y - 0.16, 0.28, 0.09, 0.22),
        (person.eye_x, person.eye_y - 0.16, 0.28, 0.09, 0.22),
    ):
        window, height = relief.portrait.hill(cu, cv, ru, rv)
        shadow[window] += height * amount
    direct = 1 - np.minimum(shadow, 0.8)
    sky = (0.8 - 0.25 * down) * scene.ambient
    sky = sky * (1 - 0.35 * creases) * (0.45 + 0.55 * front)
    factors = []
    for wrap, warm in ((0.3, 0.05), (0.2, 0.0), (0.17, -0.06)):  # red light spreads furthest under skin
        lit = np.maximum((facing + wrap) * (1 / (1 + wrap)), 0)
        factors.append(lit * direct * (scene.key * (1 + warm * scene.warmth)) + sky)
    hx, hy, hz = scene.light[0], scene.light[1], scene.light[2] + 1  # halfway between light and viewer
    norm = math.sqrt(hx * hx + hy * hy + hz * hz)
    gleam = np.maximum(right * (hx / norm) + down * (hy / norm) + front * (hz / norm), 0)
    broad = np.square(np.square(np.square(gleam)))  # products are exact everywhere, powers are not
    tight = np.square(np.square(broad))
    gloss = (broad * 0.035 + tight * 0.075) * (scene.gloss * scene.key)
    return np.stack(factors), gloss * direct * np.maximum(1 + pores * 0.25, 0)
