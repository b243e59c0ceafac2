"""Eyes, lids, lashes and brows, painted over the lit skin."""

import numpy as np

from syntheticfaces.colour import Rgb, blend, mix
from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.drawing.strokes import curves, draw_hairs
from syntheticfaces.exact import Plane, bump, smoothstep
from syntheticfaces.textures import warped_noise
from syntheticfaces.view import Window


class EyeShape:
    """The eye on one side, in its own coordinates: p -1..1 from the inner to the outer corner, q down."""

    def __init__(self, portrait: Portrait, side: int) -> None:
        view, person, scene = portrait.view, portrait.person, portrait.scene
        self.side, self.size = side, person.eye_size
        self.u0, self.v0 = side * person.eye_x, person.eye_y
        self.window: Window = view.window(self.u0, self.v0, self.size * 1.6, self.size * 1.7)
        self.p = (portrait.u[self.window] - self.u0) * (side / self.size)
        self.tilt = person.eye_tilt
        self.q = (portrait.v[self.window] - self.v0) * (1 / self.size) + self.tilt * self.p
        wide = person.eye_open * (1 - 0.2 * scene.squint) * (1 + 0.12 * max(scene.brow_raise, 0))
        self.up, self.low = wide * 1.02, wide * (0.62 - 0.25 * scene.squint)
        arch = np.maximum(1 - self.p * self.p, 0)
        full = np.sqrt(arch) * 0.45 + arch * 0.55
        self.upper = -np.float32(self.up) * full * (1 - 0.14 * self.p)
        self.lower = self.low * arch * (1 + 0.22 * self.p)
        self.sharp = np.float32(view.unit * self.size)

    def at(self, p: float, q: float) -> tuple[float, float]:
        """Face coordinates of a point of the eye."""
        return self.u0 + self.side * p * self.size, self.v0 + (q - self.tilt * p) * self.size

    def lid(self, p: float) -> float:
        """Height q of the upper lid's edge."""
        arch = max(1 - p * p, 0.0)
        height: float = -self.up * (arch**0.5 * 0.45 + arch * 0.55) * (1 - 0.14 * p)
        return height


def _band(distance: Plane, width: float) -> Plane:
    return bump((distance * (1 / width)) ** 2)


def paint_eye(portrait: Portrait, side: int) -> None:
    """Paint one eye with its lids and lashes, in place."""
    canvas, person, scene = portrait.canvas, portrait.person, portrait.scene
    eye = EyeShape(portrait, side)
    p, q, window = eye.p, eye.q, eye.window
    exposure = scene.ambient + 0.62 * scene.key
    inside = smoothstep(np.minimum(q - eye.upper, eye.lower - q) * eye.sharp * 0.4 + 0.5) * (np.abs(p) < 1)
    span = smoothstep((1.12 - np.abs(p)) * 4)

    # The lid: a fold above the lashes, a lighter rim below the eye.
    fold = eye.upper * 0.85 - (person.lid_crease * 0.62) + 0.1 * p * p
    flesh: Rgb = (person.skin[0] * 0.34, person.skin[1] * 0.24, person.skin[2] * 0.22)
    crease = _band(q - fold, 0.13) * smoothstep((1.2 - np.abs(p)) * 2.5)
    blend(canvas, window, flesh, crease * (0.5 + 0.2 * person.age))
    upper_skin = smoothstep((q - fold) * 5) * smoothstep((eye.upper - q) * 6) * span
    blend(canvas, window, flesh, upper_skin * 0.16)
    rim = _band(q - eye.lower - 0.07, 0.11) * span
    pink = (person.skin[0] * 0.95 * exposure, person.skin[1] * 0.7 * exposure, person.skin[2] * 0.68 * exposure)
    blend(canvas, window, pink, rim * 0.35)

    # The ball: white shaded to the corners and under the upper lid.
    ball = 1 - 0.36 * p * p - 0.2 * bump((p + 1) ** 2)
    ball = ball * (1 - 0.5 * bump(((q - eye.upper) * 3.2) ** 2)) * (exposure * 0.98)
    white = mix((0.66, 0.61, 0.57), (0.58, 0.5, 0.42), 0.5 * person.age + 0.4 * person.tone)
    blend(canvas, window, white, inside, ball)
    corner = bump(((p + 0.96) ** 2) * 20 + (q - 0.06) ** 2 * 24)
    blend(canvas, window, (0.42, 0.18, 0.16), inside * corner * 0.85, ball)

    _iris(portrait, eye, inside, ball)

    # Lash lines. Paint makes the upper one heavier.
    heavy = 0.1 + 0.075 * person.makeup + 0.03 * (1 - person.masculine)
    line = _band(q - eye.upper + 0.02, heavy) * span
    lash = mix((0.012, 0.009, 0.008), person.hair, 0.25 * person.grey)
    blend(canvas, window, lash, smoothstep(line * 1.4) * (0.75 + 0.2 * person.makeup))
    under = _band(q - eye.lower - 0.03, 0.085) * span * smoothstep((p + 0.9) * 0.9)
    blend(canvas, window, lash, under * (0.3 + 0.4 * person.makeup))
    _lashes(portrait, eye, lash)


def _iris(portrait: Portrait, eye: EyeShape, inside: Plane, ball: Plane) -> None:
    canvas, rng, person, scene = portrait.canvas, portrait.rng, portrait.person, portrait.scene
    radius = 0.098 / person.eye_size
    dp = (eye.p - (eye.side * scene.gaze[0] / eye.size * 0.2)) * (1 / radius)
    dq = (eye.q - (0.0 - 0.28 * (eye.up - eye.low) + scene.gaze[1])) * (1 / radius)
    r = np.sqrt(dp * dp + dq * dq)
    edge = radius * eye.sharp
    disc = smoothstep((1 - r) * edge * 0.35 + 0.5) * inside
    away = 1 / np.maximum(r, 0.05)
    rays = warped_noise(rng, 4, dp * away * 60, dq * away * 60 + r * 2)
    tone = 0.8 + 0.3 * rays + 0.6 * smoothstep((dq + 0.25) * 0.8)
    tone = tone * (1 - 0.75 * smoothstep((r - 0.72) * 3.6))
    blend(canvas, eye.window, person.iris, disc, np.maximum(tone, 0.05) * np.minimum(ball * 1.25, 1))
    dilation = 0.4 + 0.05 * float(rng.uniform(-1, 1))
    pupil = smoothstep((dilation - r) * edge * 0.4 + 0.5) * inside
    blend(canvas, eye.window, (0.006, 0.005, 0.005), pupil)
    hx, hy = eye.side * scene.light[0] * 0.55, scene.light[1] * 0.75
    spot = bump(((dp - hx) ** 2 + (dq - hy) ** 2) * 9)
    blend(canvas, eye.window, (1.0, 1.0, 1.0), smoothstep(spot * 1.9) * inside * 0.92)
    back = bump(((dp + hx) ** 2 + (dq + hy) ** 2) * 7)
    blend(canvas, eye.window, (0.5, 0.52, 0.55), back * inside * 0.3)


def _lashes(portrait: Portrait, eye: EyeShape, lash: Rgb) -> None:
    canvas, view, rng, person = portrait.canvas, portrait.view, portrait.rng, portrait.person
    reach = 0.1 + 0.2 * person.makeup + 0.1 * (1 - person.masculine)
    lines = []
    for p in np.linspace(-0.5, 1.0, 13):
        top = eye.lid(float(p))
        length = reach * (0.6 + 0.6 * float(p)) * float(rng.uniform(0.8, 1.2))
        tip = eye.at(float(p) + 0.5 * length * (0.3 + float(p)), top - 0.75 * length)
        lines.append(np.array([eye.at(float(p), top), tip]))
    strokes = draw_hairs(view, np.stack(lines), (140, 255))[eye.window]
    blend(canvas, eye.window, lash, strokes * (0.45 + 0.4 * person.makeup))


def paint_brow(portrait: Portrait, side: int) -> None:
    """Paint one brow, hair by hair, in place."""
    canvas, view, rng, person, scene = portrait.canvas, portrait.view, portrait.rng, portrait.person, portrait.scene
    count = 190
    share = rng.permutation((np.arange(count) + rng.uniform(0, 1, count)) / count)
    lift = person.brow_arch * (1 - ((share - 0.62) / 0.62) ** 2) - 0.22 * np.maximum(share - 0.75, 0)
    # A raised brow goes up as a whole, a lowered one at the nose.
    lift = lift + scene.brow_raise * (0.045 if scene.brow_raise > 0 else 0.06 * (1 - share))
    half = person.brow_thick * np.minimum(1.0, 0.5 + 2.6 * share) * (1.1 - 0.95 * share * share)
    offset = rng.triangular(-1, 0.1, 1, count)
    u = 0.17 + 0.55 * share
    v = person.brow_y - lift + offset * half
    slope = 0.95 - 1.2 * share - 0.45 * offset
    reach = 0.085 * rng.uniform(0.6, 1.15, count)
    du, dv = reach * (0.5 + 0.5 * share), -reach * slope * 0.7
    bend = 0.22 * reach * share
    knots = np.stack(
        [np.stack([u - 0.4 * du, v - 0.4 * dv], 1), np.stack([u + 0.2 * du, v + 0.2 * dv], 1),
         np.stack([u + 0.6 * du, v + 0.6 * dv + bend], 1)], axis=1,
    )  # fmt: skip
    knots[..., 0] *= side
    window = view.window(side * 0.44, person.brow_y - 0.02, 0.46, 0.26)
    drawn = draw_hairs(view, curves(knots, 4), (90, 255))[window]
    colour = mix(mix(person.hair, (0.01, 0.007, 0.005), 0.6), person.skin, 0.02)
    blend(canvas, window, colour, smoothstep(drawn * 1.25) * person.brow_dark)
