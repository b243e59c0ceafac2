"""Everything behind and below the face: background, neck, clothes, ears."""

import numpy as np

from syntheticfaces.colour import Rgb, blend, channels, mix
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.drawing.strokes import fill_polygon
from syntheticfaces.exact import Plane, blur, bump, smoothstep
from syntheticfaces.textures import octaves, warped_noise
from syntheticfaces.view import Points


def paint_background(portrait: Portrait) -> None:
    """Paint an out-of-focus background over the linear planes, in place."""
    canvas, rng, scene = portrait.canvas, portrait.rng, portrait.scene
    side = canvas.shape[1]
    axis = np.linspace(0, 1, side).astype(np.float32)
    direction = float(rng.uniform(-1, 1))
    across = axis if direction > 0 else axis[::-1]
    slope = smoothstep(axis[:, None] * (1 - abs(direction)) + across * abs(direction))
    first, second = scene.backdrop
    level = float(rng.uniform(0.55, 1.05))
    for channel, (start, end) in enumerate(zip(first, second, strict=True)):
        canvas[channel] = start * level + slope * ((end - start) * level)
    if scene.shapes:
        small = np.zeros((88, 88, 3), dtype=np.float32)
        cover = np.zeros((88, 88), dtype=np.uint8)
        for _ in range(scene.shapes):
            x, y = rng.uniform(-5, 93, size=2)
            w, h = rng.uniform(4, 16), rng.uniform(6, 50)
            grey = int(rng.integers(50, 160))
            shape = np.zeros((88, 88), dtype=np.uint8)
            fill_polygon(shape, np.array([(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)]), grey)
            cover = np.maximum(cover, shape)
            tint = np.array(mix(first, second, float(rng.uniform(-0.4, 1.4))), dtype=np.float32)
            tint = np.clip(tint * rng.uniform(0.4, 1.7), 0, 1)
            small += (shape.astype(np.float32) * (1 / 255))[:, :, None] * (tint - small)
        opacity = cover.astype(np.float32) * (1 / 255)
        soft = blur(np.dstack([small, opacity]), float(rng.uniform(1.5, 4.5)))
        times = -(-side // 88)
        large = soft.repeat(times, axis=0).repeat(times, axis=1)[:side, :side]
        large = blur(large, times * 0.8).transpose(2, 0, 1)
        canvas += large[:3] - large[3] * canvas
    canvas *= 1 + octaves(rng, (side, side), {64: 0.05, 32: 0.02})


def paint_neck(portrait: Portrait, skin: Plane) -> None:
    """Paint neck and upper chest in the unlit skin ``(3, H, W)``, shaded as a cylinder, in place."""
    canvas, person, scene = portrait.canvas, portrait.person, portrait.scene
    window = portrait.view.window(0, 1.6, 1.4, 1.0)
    u, v = portrait.u[window], portrait.v[window]
    half = 0.5 + 0.13 * person.masculine
    down = np.clip((v - 1.35) * 2, 0, 1)
    width = half + 0.55 * down * down
    across = u / width
    cover = smoothstep((width - np.abs(u)) * 22) * smoothstep((v - 0.6) * 20)
    round_ = np.sqrt(np.maximum(1 - across * across * 0.92, 0))
    lit = 0.6 * scene.ambient + 0.62 * scene.key * np.maximum(across * scene.light[0] + round_ * scene.light[2], 0)
    chin = bump(((u + (0.25 * scene.light[0])) * 0.95) ** 2 + ((v - (person.chin + 0.02)) * 2.3) ** 2)
    apart = 0.2 + 0.1 * (1.8 - v)
    tendon = bump((np.abs(u) - apart) ** 2 * 160)
    lit = lit * (1 - 0.62 * smoothstep(chin * 1.6)) * (1 + (0.06 + 0.06 * person.age) * tendon)
    blend(canvas, window, skin[:, *window] * lit * channels((1.0, 0.94, 0.92)), cover)


def paint_clothes(portrait: Portrait) -> None:
    """Paint the clothes below the neck over the linear planes, in place."""
    canvas, view, rng, person, scene = portrait.canvas, portrait.view, portrait.rng, portrait.person, portrait.scene
    window = view.window(0, 1.7, 2.5, 0.4)
    u, v = portrait.u[window], portrait.v[window]
    across = np.abs(u)
    half = np.float32(0.54 + 0.13 * person.masculine)
    weave = warped_noise(rng, 2, v * 160, u * 28) + warped_noise(rng, 2, v * 28, u * 160)
    foldings = octaves(rng, u.shape, {64: 0.5, 32: 0.35})
    lit = 0.65 * scene.ambient + 0.1 + 0.5 * scene.key * (0.75 + 0.4 * scene.light[0] * u - 0.12 * np.abs(u))
    lit = np.maximum(lit, 0) * (1 + 0.035 * weave + 0.13 * foldings)
    shoulder = 1.5 + 0.14 * across * across
    if scene.collar == 2:  # a high collar round the neck
        rise = 1.43 + 0.05 * u * u + 4 * np.maximum(across - half, 0)
        edge = v - np.minimum(rise, np.maximum(shoulder, 1.6))
    else:
        depth, fall = ((1.68, 0.32), (2.0, 0.95), (0.0, 0.0), (1.86, 0.42))[scene.collar]
        drop = across if scene.collar == 1 else u * u
        edge = v - np.maximum(shoulder, depth - fall * drop)
    cover = smoothstep(edge * (view.unit / 3) + 0.5)
    blend(canvas, window, scene.fabric, cover, lit)
    seam = bump((edge - 0.05) ** 2 * 900) * cover
    blend(canvas, window, mix(scene.fabric, (0.0, 0.0, 0.0), 0.6), seam * 0.45, lit)
    if scene.collar == 1:
        for side in (-1, 1):
            corners = ((0.5, 1.42), (0.06, 1.92), (0.5, 1.95), (0.74, 1.55))
            outline: Points = np.array([(side * x, y) for x, y in corners])
            plane = np.zeros((view.canvas, view.canvas), dtype=np.uint8)
            fill_polygon(plane, view.pixels(outline))
            flap = plane[window].astype(np.float32) * (1 / 255)
            bright: Rgb = mix(scene.fabric, (0.9, 0.9, 0.88), 0.03)
            blend(canvas, window, bright, flap, lit * (1.02 + 0.1 * side * scene.light[0]))


def paint_ears(portrait: Portrait) -> None:
    """Paint both ears over the linear planes, in place; the head covers their inner side."""
    view, person, scene = portrait.view, portrait.person, portrait.scene
    for side in (-1, 1):
        cu, cv, ru, rv = side * person.width * 0.985, 0.14, 0.125 * person.ear, 0.285 * person.ear
        window = view.window(cu, cv, ru * 1.2, rv * 1.2)
        dv = (portrait.v[window] - cv) * (1 / rv)
        du = (portrait.u[window] - cu) * (side / ru) + 0.22 * dv
        r = np.sqrt(du * du * (1 + 0.35 * np.maximum(dv, 0)) + dv * dv)
        cover = smoothstep((1 - r) * (view.unit * ru * 0.6) + 0.4)
        facing = max(scene.light[0] * side, 0.0)
        rim = bump((r - 0.82) ** 2 * 22)
        hollow = bump((du + 0.1) ** 2 * 4 + dv * dv * 3.4)
        lit = 0.72 + 0.42 * rim - 0.4 * hollow
        lit = lit * (scene.ambient * 0.75 + scene.key * (0.32 + 0.3 * facing))
        colour = (person.skin[0] * 0.98, person.skin[1] * 0.84, person.skin[2] * 0.82)
        blend(portrait.canvas, window, colour, cover, lit)
