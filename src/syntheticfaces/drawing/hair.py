"""Hair: its outline, the fall of the strands and their shine."""

from dataclasses import dataclass

import numpy as np

from syntheticfaces.colour import blend, mix
from syntheticfaces.drawing.head import TOP
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.drawing.strokes import curves, draw_hairs
from syntheticfaces.exact import Plane, bump, smoothstep
from syntheticfaces.identity import Identity
from syntheticfaces.textures import octaves, warped_noise
from syntheticfaces.view import WHOLE

_FALLS = ("long", "wavy")
_CLOSE = ("crop", "shaved", "receding", "back")


@dataclass(frozen=True)
class Hair:
    """The planes of one head of hair."""

    strands: Plane  # texture, mean 0
    lit: Plane
    shade: Plane  # factor on the colour, by light and strands
    behind: Plane  # opacity behind the head and in front of it
    front: Plane


def _volume(person: Identity) -> float:
    if person.style == "shaved":
        return 0.015
    if person.style in _CLOSE:
        return 0.05 + 0.3 * person.volume
    return person.volume * (1.7 if person.style == "curly" else 1.1) + 0.03


def _covers_ears(person: Identity) -> bool:
    return person.style in _FALLS or (person.style == "fringe" and person.masculine < 0.5)


def _strands(portrait: Portrait, volume: float) -> Plane:
    """Strand texture, mean 0, about -2..2, that follows the fall of the style."""
    u, v, rng, person = portrait.u, portrait.v, portrait.rng, portrait.person
    x = u - person.parting
    depth = v - (TOP - volume - 0.35)
    if person.style == "curly":
        warp = octaves(rng, u.shape, {16: 9.0, 32: 14.0})
        curls = warped_noise(rng, 8, v * 95 + warp, u * 95 - warp)
        fine = warped_noise(rng, 4, v * 110 - warp, u * 110 + warp)
        return 1.1 - 1.9 * np.abs(curls) + 0.45 * fine
    if person.style in ("crop", "shaved", "receding"):
        fine = warped_noise(rng, 2, depth * 34, x / (np.abs(depth) * 0.8 + 0.5) * 170)
        return fine * 0.7 + octaves(rng, u.shape, {2: 0.45, 8: 0.25, 16: 0.2})
    if person.style == "side":
        fall = depth - 0.5 * x * x + 0.12 * np.abs(x)
        along_strand = np.abs(x)
    else:
        near = depth / (1 + 0.62 * np.maximum(depth, 0))
        fall = x / np.maximum(near, 0.12)
        along_strand = depth
    if person.style == "wavy":
        wave = along_strand * 2.1
        turn = np.abs(wave - np.floor(wave) - 0.5) * 2
        fall = fall + 0.16 * smoothstep(turn) * np.clip(depth - 0.8, 0, 1)
    fall = fall + octaves(rng, u.shape, {64: 0.02, 32: 0.012})
    fine = warped_noise(rng, 2, along_strand * 9, fall * 150)
    wisp = warped_noise(rng, 4, along_strand * 8, fall * 95)
    lock = warped_noise(rng, 16, along_strand * 10, fall * 75)
    texture: Plane = fine * 0.5 + wisp * 0.55 + lock * 0.65
    return texture


def _hair_width(person: Identity, v: Plane, volume: float, strands: Plane) -> Plane:
    """Half the width of the hair at height ``v``, where hair can be at all."""
    crown, side = TOP - volume, (0.945 if person.style in _CLOSE else 0.985) + 0.5 * volume
    up = np.clip((v + 0.3) * (1 / (crown + 0.3)), 0, 1)
    dome = np.sqrt(np.maximum(1 - up * up * (0.75 + 0.25 * up), 0))
    width = dome * (side * person.width)
    if _covers_ears(person):
        width = width + np.clip((v + 0.3) * 0.6, 0, 1) * (0.1 + 0.9 * volume)
        ends = person.length - v + strands * 0.06
        return np.asarray(width * smoothstep(ends * 3 + 0.5))
    bottom = np.float32(0.16 if person.style != "curly" else 0.5)
    return np.asarray(width * smoothstep((bottom - v) * 2.2 + 0.5))


def _hairline(u: Plane, v: Plane, person: Identity, strands: Plane) -> Plane:
    """Signed share by which a point lies outside the bare face: positive in the hair."""
    line = np.full_like(u, person.hairline - (0.2 if person.style == "receding" else 0.0))
    if person.style == "fringe":
        top = np.float32(-0.42 + 0.12 * (person.hairline + 0.76))
        line = top - 0.1 * u * u + 0.12 * person.parting * u
    if person.style in ("side", "long", "wavy"):
        direction = np.float32(1 if person.parting < 0 else -1)
        line = line + 0.16 * np.clip(direction * u + 0.1, 0, 1)
        line = line - 0.1 * bump((u - person.parting) ** 2 * 22)
    if person.masculine > 0.5 and person.style != "fringe":
        corner = 0.05 + 0.16 * person.age * (1.5 if person.style == "receding" else 1)
        line = line - corner * bump((np.abs(u) - 0.5) ** 2 * 11)
    up = np.minimum(v, 0) / line
    side = 0.87 if person.style in _FALLS else 0.9
    across = (u * (1 / (side * person.width))) ** 2
    rough = 0.16 if person.style in ("fringe", "side", "long", "wavy") else 0.1
    return across * across + up * up - 1 + strands * (rough * 0.8)


def style_hair(portrait: Portrait) -> Hair:
    """Lay the hair of a person: everything that the two painting steps need."""
    u, v, person, scene = portrait.u, portrait.v, portrait.person, portrait.scene
    volume = _volume(person)
    strands = _strands(portrait, volume)
    reach = _hair_width(person, v, volume, strands)
    ragged = 0.05 if person.style == "curly" else (0.006 if person.style in _CLOSE else 0.014)
    edge = reach - np.abs(u) + strands * ragged
    soft = 7 if person.style in _CLOSE else 10
    behind = smoothstep(edge * (portrait.view.unit / soft) + 0.3) * (reach > 0.02)
    line = _hairline(u, v, person, strands)
    steep = 2.6 if person.style in ("shaved", "receding", "crop") else 6.0
    front = behind * smoothstep(line * steep + 0.25)
    if not _covers_ears(person):
        sideburn = np.float32(0.1 + 0.16 * person.masculine)
        front = front * smoothstep((sideburn - v) * 5)
    if person.style == "shaved":
        front = front * 0.5
    if person.style == "receding":
        bald = bump((u * 1.3) ** 2 + ((v - (TOP + 0.1)) * 1.25) ** 2)
        front = front * (1 - 0.9 * smoothstep(bald * 3))
    nx = u * (1 / 1.2)
    ny = (v + 0.35) * (1 / 1.35)
    lx, ly, lz = scene.light
    dome = np.sqrt(np.maximum(1 - 0.8 * (nx * nx + ny * ny), 0.02))
    facing = np.maximum(nx * lx + ny * ly + dome * lz, 0)
    lit = 0.7 * scene.ambient + 0.12 + facing * (0.8 * scene.key)
    ring = ny + 0.42 + nx * (0.25 * lx) + strands * 0.05
    lit = (lit * (1 + 0.9 * scene.gloss * bump(ring * ring * 7))).astype(np.float32)
    return Hair(strands, lit, np.maximum(1 + strands * 0.36, 0.12) * lit, behind, front)


def paint_behind(portrait: Portrait, hair: Hair) -> None:
    """Paint the hair behind head and neck, darker than the front, in place."""
    if portrait.person.style not in _CLOSE:
        blend(portrait.canvas, WHOLE, portrait.person.hair, hair.behind, hair.shade * 0.5)


def paint_front(portrait: Portrait, hair: Hair) -> None:
    """Paint the hair in front of the head, its shadow on the skin and stray hairs, in place."""
    canvas, view, rng, person = portrait.canvas, portrait.view, portrait.rng, portrait.person
    drop = max(2, view.canvas // 70)
    shifted = np.zeros_like(hair.front)
    shifted[drop:] = hair.front[:-drop]
    strength = 0.15 if person.style in _CLOSE else 0.42
    below = shifted * (1 - hair.front) * strength
    blend(canvas, WHOLE, mix((0.02, 0.01, 0.01), person.skin, 0.12), below)
    blend(canvas, WHOLE, person.hair, hair.front, hair.shade)
    canvas += np.maximum(hair.strands - 0.55, 0) * hair.lit * (0.035 + 0.05 * person.grey) * hair.front
    if person.style in ("long", "wavy", "side", "fringe"):
        count = 30
        side = rng.choice([-1.0, 1.0], count)
        u, v = side * rng.uniform(0.2, 1.0, count), TOP - 0.04 + rng.uniform(0, 0.5, count)
        end_u, end_v = u + side * rng.uniform(0.02, 0.3, count), v + rng.uniform(0.25, 0.9, count)
        middle = np.stack([(u + end_u) / 2 + side * rng.uniform(0.02, 0.12, count), (v + end_v) / 2], 1)
        knots = np.stack([np.stack([u, v], 1), middle, np.stack([end_u, end_v], 1)], axis=1)
        stray = draw_hairs(view, curves(knots, 6))
        colour = mix(person.hair, (0.3, 0.28, 0.25), 0.15)
        blend(canvas, WHOLE, colour, stray * 0.3, 0.6 + hair.lit * 0.4)
