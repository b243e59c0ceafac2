"""The drawn parameters of a person and of one sitting for a photograph."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from syntheticfaces.colour import Rgb, linear_colour, mix
from syntheticfaces.view import View

Style = Literal["crop", "side", "fringe", "long", "wavy", "curly", "back", "receding", "shaved"]

_SKIN = ((240, 207, 188), (226, 182, 154), (199, 148, 116), (146, 99, 72), (92, 60, 45))
_HAIR = ((28, 22, 20), (48, 33, 26), (84, 55, 36), (122, 84, 52), (176, 136, 88), (126, 62, 36))
_GREY = (178, 174, 170)
_IRIS = ((66, 42, 26), (92, 62, 36), (110, 96, 58), (84, 112, 84), (92, 128, 152), (120, 134, 142))
_FABRIC = (
    (38, 44, 62), (232, 230, 226), (96, 28, 34), (58, 78, 66), (120, 120, 124),
    (30, 30, 32), (170, 140, 96), (84, 112, 150), (150, 90, 110), (206, 190, 150),
)  # fmt: skip
_BACKDROP = (
    (186, 190, 192), (120, 132, 128), (70, 84, 100), (150, 128, 104), (98, 118, 84),
    (214, 206, 196), (58, 54, 58), (140, 158, 176), (168, 118, 98), (96, 96, 92),
)  # fmt: skip
_MALE: tuple[Style, ...] = ("crop", "side", "curly", "receding", "shaved", "crop")
_FEMALE: tuple[Style, ...] = ("long", "wavy", "back", "long", "fringe", "side", "curly", "side")


@dataclass(frozen=True)
class Identity:
    """A person. Lengths are in face units, colours in linear light, the rest are shares of 0..1."""

    masculine: float
    age: float
    tone: float  # 0 the lightest skin, 1 the darkest
    skin: Rgb
    flush: float
    freckles: float
    blotches: float
    jaw: float
    width: float
    chin: float
    cheek: float
    eye_x: float
    eye_y: float
    eye_size: float
    eye_open: float
    eye_tilt: float
    lid_crease: float
    iris: Rgb
    brow_y: float
    brow_thick: float
    brow_arch: float
    brow_dark: float
    nose_width: float
    nose_length: float
    nose_ridge: float
    mouth_y: float
    mouth_width: float
    lip_full: float
    lip: Rgb
    cupid: float
    hair: Rgb
    grey: float
    style: Style
    hairline: float
    parting: float
    volume: float
    length: float
    beard: float
    stubble: float
    makeup: float
    ear: float


@dataclass(frozen=True)
class Scene:
    """One sitting: pose, expression, light, clothes and background."""

    zoom: float
    centre: tuple[float, float]  # shares of the picture's side
    roll: float
    yaw: float
    pitch: float
    gaze: tuple[float, float]
    smile: float
    mouth_open: float
    brow_raise: float
    squint: float
    light: tuple[float, float, float]
    key: float
    ambient: float
    warmth: float
    gloss: float
    fabric: Rgb
    collar: int
    backdrop: tuple[Rgb, Rgb]
    shapes: int

    def view(self, canvas: int) -> View:
        """The map from face coordinates to a picture of ``canvas`` pixels a side."""
        unit = 0.3 * canvas * self.zoom
        centre = (self.centre[0] * canvas, self.centre[1] * canvas)
        return View(canvas, unit, centre, self.roll, self.yaw, self.pitch)


def _interpolate_colours(colours: tuple[tuple[int, int, int], ...], position: float) -> Rgb:
    """A linear colour at ``position`` (0..1) of a row of sRGB colours."""
    x = min(max(position, 0.0), 1.0) * (len(colours) - 1)
    k = min(int(x), len(colours) - 2)
    return mix(linear_colour(*colours[k]), linear_colour(*colours[k + 1]), x - k)


def skin_colour(tone: float, warmth: float) -> Rgb:
    """Linear skin colour for a tone (0 light, 1 dark) and a warmth of about -1..1."""
    red, green, blue = _interpolate_colours(_SKIN, tone)
    return red * (1 + 0.04 * warmth), green, blue * (1 - 0.09 * warmth)


def draw_identity(rng: np.random.Generator) -> Identity:
    """A random person."""
    masculine = float(np.clip(rng.beta(0.45, 0.45), 0.02, 0.98))
    male = masculine > 0.5
    age = float(rng.beta(1.5, 1.9))
    tone = float(rng.beta(0.95, 1.35))
    dark = tone > 0.55
    n = rng.normal

    styles = _MALE if male else _FEMALE
    style = styles[int(rng.integers(len(styles)))]
    if style == "receding" and age < 0.4:
        style = "crop"
    if dark and style == "side" and rng.random() < 0.6:
        style = "curly" if rng.random() < 0.6 else "shaved"
    hair_position = float(rng.uniform(0, 0.22) if dark else rng.uniform(0, 1) ** 1.25)
    grey = float(np.clip((age - 0.5) * 2.2 * rng.uniform(0.1, 1.3), 0, 0.95))
    lip_red = mix(linear_colour(196, 112, 104), linear_colour(122, 70, 62), tone**0.8)
    makeup = 0.0 if male else float(rng.uniform(0, 1) * (rng.random() < 0.7))
    paint = (linear_colour(172, 38, 52), linear_colour(190, 84, 98), linear_colour(130, 40, 56))[int(rng.integers(3))]
    bearded = male and rng.random() < 0.36
    return Identity(
        masculine=masculine,
        age=age,
        tone=tone,
        skin=skin_colour(tone, float(rng.uniform(-1, 1))),
        flush=float(rng.uniform(0.2, 1)) * (1 - 0.5 * tone),
        freckles=float(rng.uniform(0.4, 1)) if (tone < 0.3 and rng.random() < 0.25) else 0.0,
        blotches=float(rng.uniform(0.3, 1)) * (0.6 + 0.6 * age),
        jaw=0.06 * (masculine - 0.5) + float(n(0, 0.028)),
        width=1 + float(n(0, 0.03)),
        chin=1.4 + 0.06 * (masculine - 0.5) + float(n(0, 0.035)),
        cheek=float(rng.uniform(0.3, 1)) * (1 - 0.4 * age),
        eye_x=0.43 + float(n(0, 0.014)),
        eye_y=float(n(0, 0.012)),
        eye_size=0.216 - 0.012 * masculine + float(n(0, 0.008)),
        eye_open=0.43 - 0.05 * masculine - 0.07 * age + float(n(0, 0.03)),
        eye_tilt=0.07 - 0.08 * age + float(n(0, 0.06)),
        lid_crease=float(rng.uniform(0.25, 0.62)) + 0.1 * age,
        iris=_interpolate_colours(_IRIS, float(rng.uniform(0, 0.28) if dark else rng.uniform(0, 1))),
        brow_y=-0.30 + 0.035 * masculine + float(n(0, 0.015)),
        brow_thick=0.045 + 0.035 * masculine + float(rng.uniform(0, 0.022)),
        brow_arch=0.075 - 0.045 * masculine + float(n(0, 0.016)),
        brow_dark=float(rng.uniform(0.6, 0.95)),
        nose_width=0.235 + 0.025 * masculine + 0.06 * tone + float(n(0, 0.018)),
        nose_length=0.6 + 0.02 * masculine + 0.03 * age + float(n(0, 0.022)),
        nose_ridge=float(rng.uniform(0.7, 1.2)) * (1 - 0.25 * tone),
        mouth_y=0.93 + float(n(0, 0.018)),
        mouth_width=0.355 + 0.02 * masculine + float(n(0, 0.02)),
        lip_full=(0.122 + 0.035 * tone - 0.02 * masculine) * (1.08 - 0.35 * age) + float(n(0, 0.01)),
        lip=mix(lip_red, paint, 0.75 * makeup),
        cupid=float(rng.uniform(0.25, 1)),
        hair=mix(_interpolate_colours(_HAIR, hair_position), linear_colour(*_GREY), grey),
        grey=grey,
        style=style,
        hairline=-0.76 - 0.1 * age * masculine + float(n(0, 0.035)),
        parting=float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.45)),
        volume=float(rng.uniform(0.08, 0.2)) * (1 - 0.3 * age),
        length=float(rng.uniform(1.0, 2.2)),
        beard=float(rng.uniform(0.5, 1)) if bearded else 0.0,
        stubble=float(rng.uniform(0, 0.8)) if male else 0.0,
        makeup=makeup,
        ear=float(rng.uniform(0.8, 1.15)),
    )


def draw_scene(rng: np.random.Generator) -> Scene:
    """A random sitting, framed alike in all photographs as in the public set."""
    side = float(rng.choice([-1, 1]))
    x, y = side * float(rng.uniform(0.12, 0.75)), -float(rng.uniform(0.2, 0.7))
    norm = math.sqrt(x * x + y * y + 0.8**2)
    first, second = rng.integers(0, len(_BACKDROP), size=2)
    smile = float(np.clip(rng.normal(0.3, 0.45), -0.5, 1.1))
    mouth_open = float(rng.uniform(0.1, 0.55)) if smile > 0.45 and rng.random() < 0.75 else 0.0
    if mouth_open == 0 and rng.random() < 0.12:
        mouth_open = float(rng.uniform(0.1, 0.35))
    return Scene(
        zoom=float(rng.uniform(0.96, 1.06)),
        centre=(0.5 + float(rng.normal(0, 0.009)), 0.455 + float(rng.normal(0, 0.009))),
        roll=math.radians(float(np.clip(rng.normal(0, 2.2), -5, 5))),
        yaw=float(np.clip(rng.normal(0, 0.07), -0.15, 0.15)),
        pitch=float(np.clip(rng.normal(0, 0.03), -0.07, 0.07)),
        gaze=(float(rng.normal(0, 0.06)), float(rng.normal(0.0, 0.03))),
        smile=smile,
        mouth_open=mouth_open,
        brow_raise=float(np.clip(rng.normal(0, 0.4), -0.8, 1)),
        squint=max(0.0, 0.45 * smile) + float(rng.uniform(0, 0.15)),
        light=(x / norm, y / norm, 0.8 / norm),
        key=float(rng.uniform(0.6, 0.88)),
        ambient=float(rng.uniform(0.3, 0.48)),
        warmth=float(rng.uniform(-1, 1)),
        gloss=float(rng.uniform(0.25, 1)),
        fabric=linear_colour(*_FABRIC[int(rng.integers(len(_FABRIC)))]),
        collar=int(rng.integers(0, 4)),
        backdrop=(linear_colour(*_BACKDROP[first]), linear_colour(*_BACKDROP[second])),
        shapes=int(rng.integers(0, 7)),
    )


def blend_identity(person: Identity, model: Identity, similarity: float) -> Identity:
    """``person`` with skin and beard ``similarity`` (0..1) of the way to the model's, as a forger chooses."""
    close = similarity >= 0.5
    return replace(
        person,
        tone=person.tone + (model.tone - person.tone) * similarity,
        skin=mix(person.skin, model.skin, similarity),
        lip=mix(person.lip, model.lip, 0.6 * similarity),
        age=person.age + (model.age - person.age) * similarity * 0.6,
        beard=model.beard if close else person.beard,
        stubble=model.stubble if close else person.stubble,
    )
