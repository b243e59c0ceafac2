"""The mouth: lips before the light, teeth and the line between the lips after it; and the nostrils."""

import numpy as np

from syntheticfaces.colour import blend, mix
from syntheticfaces.drawing.head import Relief
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.exact import Plane, bump, smoothstep
from syntheticfaces.textures import crop


class Mouth:
    """The mouth in its own coordinates: p -1..1 between the corners, q down, both shares of its width."""

    def __init__(self, portrait: Portrait) -> None:
        person, smile = portrait.person, portrait.scene.smile
        width = person.mouth_width * (1 + 0.14 * smile)
        self.window = portrait.view.window(0, person.mouth_y, width * 1.35, 0.42)
        self.p = portrait.u[self.window] * (1 / width)
        p2 = self.p * self.p
        self.q = (portrait.v[self.window] - person.mouth_y) * (1 / width) + 0.22 * smile * p2 - (0.05 * smile)
        arch = np.maximum(1 - p2, 0)
        bow = bump(p2 * 20)
        peaks = bump((np.abs(self.p) - 0.26) ** 2 * 9)
        full = person.lip_full / width * (1 - 0.22 * max(smile, 0))
        self.gap = gap = 0.36 * portrait.scene.mouth_open
        wave = 0.045 * bow - 0.02 * peaks
        self.parting_up = wave - gap * 0.45 * arch
        self.parting_low = wave * 0.6 + gap * 0.75 * arch
        self.top = self.parting_up - full * 0.8 * arch * (
            0.72 + 0.36 * person.cupid * peaks - 0.18 * person.cupid * bow
        )
        self.bottom = self.parting_low + full * 1.12 * arch * (1 - 0.25 * p2)
        self.sharp = np.float32(portrait.view.unit * width)

    def soft(self, distance: Plane, width: float) -> Plane:
        """Opacity over a signed distance, soft over ``width`` canvas pixels."""
        return smoothstep(distance * self.sharp * (1 / width) + 0.5)


def paint_lips(skin: Plane, relief: Relief, mouth: Mouth) -> None:
    """Colour and model the lips on the unlit skin, in place."""
    rng, window = relief.portrait.rng, mouth.window
    inside = mouth.soft(np.minimum(mouth.q - mouth.top, mouth.bottom - mouth.q), 4.5)
    width = inside.shape[1]
    column = crop(rng, 4, width, width)[width // 2] * 0.06
    shade = 1 + column + crop(rng, 2, *inside.shape) * 0.04
    upper = smoothstep((mouth.parting_up - mouth.q) * 9)
    blend(skin, window, relief.portrait.person.lip, inside * 0.8, shade * (1 - 0.18 * upper))
    rise_up = bump(((mouth.q - (mouth.top + mouth.parting_up) * 0.5) * 6.5) ** 2)
    rise_low = bump(((mouth.q - (mouth.bottom + mouth.parting_low) * 0.5) * 4.6) ** 2)
    arch = np.maximum(1 - mouth.p * mouth.p, 0)
    relief.height[window] += (rise_up * 0.03 + rise_low * 0.05) * arch
    relief.height[window] += column * inside * 0.03


def paint_teeth(portrait: Portrait, mouth: Mouth) -> None:
    """Paint the opening, the teeth and the dark line between the lips over the lit skin, in place."""
    canvas, person, scene = portrait.canvas, portrait.person, portrait.scene
    window, exposure = mouth.window, scene.ambient + 0.5 * scene.key
    if mouth.gap:
        inside = mouth.soft(np.minimum(mouth.q - mouth.parting_up, mouth.parting_low - mouth.q), 2.5)
        inside = inside * (np.abs(mouth.p) < 1)
        blend(canvas, window, (0.045, 0.014, 0.014), inside)
        if scene.smile > 0.2 or mouth.gap > 0.14:
            edge = mouth.parting_up + 0.155 - 0.05 * mouth.p * mouth.p
            teeth = inside * mouth.soft(edge - mouth.q, 2.5) * smoothstep((0.86 - np.abs(mouth.p)) * 5)
            place = np.abs(mouth.p) * 6.2 * (1 + 0.25 * np.abs(mouth.p))
            split = np.abs(place - np.floor(place) - 0.5) * 2
            seam = smoothstep((split - 0.72) * 3)
            lip_shadow = bump(((mouth.q - mouth.parting_up) * 9) ** 2)
            light = (1.02 - 0.55 * mouth.p * mouth.p - 0.2 * seam) * (1 - 0.35 * lip_shadow)
            white = mix((0.78, 0.73, 0.66), (0.62, 0.52, 0.38), 0.7 * person.age)
            blend(canvas, window, white, teeth, light * exposure)
    middle = (mouth.parting_up + mouth.parting_low) * 0.5
    thin = 0.5 * (mouth.parting_low - mouth.parting_up)
    line = bump(((mouth.q - middle) / (thin + 0.045)) ** 2) * smoothstep((1.06 - np.abs(mouth.p)) * 7)
    dark = (person.lip[0] * 0.1, person.lip[1] * 0.07, person.lip[2] * 0.07)
    if not mouth.gap:
        blend(canvas, window, dark, line * 0.85)
    for side in (-1, 1):
        spot = bump(((mouth.p - side) * 8) ** 2 + (mouth.q * 11) ** 2)
        blend(canvas, window, dark, spot * 0.6)


def paint_nostrils(portrait: Portrait) -> None:
    """Paint nostrils and the creases of the wings over the lit skin, in place."""
    canvas, person, lean = portrait.canvas, portrait.person, portrait.scene.yaw * 0.55
    dark = (person.skin[0] * 0.06, person.skin[1] * 0.035, person.skin[2] * 0.035)
    low, half = person.nose_length, person.nose_width
    window = portrait.view.window(lean, low, half * 1.7, 0.24)
    u, v = portrait.u[window] - lean, portrait.v[window] - low
    for side in (-1, 1):
        du = (u - (side * half * 0.5)) * side
        lift = v + 0.012 + 0.22 * du
        hole = bump((du * (1 / (half * 0.36))) ** 2 + (lift * (1 / 0.048)) ** 2)
        blend(canvas, window, dark, smoothstep(hole * 1.5) * 0.85)
        wing = ((u * side - (half * 0.66)) * (1 / (half * 0.46))) ** 2 + ((v + 0.06) * (1 / 0.13)) ** 2
        ring = bump((np.sqrt(wing) - 1) ** 2 * 16)
        blend(canvas, window, dark, ring * smoothstep((u * side - (half * 0.74)) * 9) * 0.4)
    under = bump((u * (1 / (half * 0.95))) ** 2 + ((v - 0.035) * (1 / 0.06)) ** 2)
    blend(canvas, window, dark, under * 0.28)
