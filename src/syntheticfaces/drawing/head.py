"""The relief of the head, from which the shading follows, and its outline."""

import numpy as np

from syntheticfaces.drawing.portrait import Portrait
from syntheticfaces.exact import Plane, bump, smoothstep
from syntheticfaces.identity import Identity

TOP = -1.26
_KNOTS = 512
_REACH = 12


def half_width(person: Identity, v: Plane) -> Plane:
    """Half the width of the head at height ``v`` (any shape); 0 above the crown and below the chin."""
    j, w, chin = person.jaw, person.width, person.chin
    young = 0.04 * (person.cheek - 0.5)
    heights = [TOP, -1.12, -0.92, -0.6, -0.2, 0.15, 0.45, 0.72, 0.95, 1.14, chin - 0.13, chin]
    widths = [0, 0.53, 0.77, 0.895, 0.94, 0.94 + j / 3, 0.905 + j * 0.6 + young, 0.84 + j + young,
              0.74 + 1.5 * j, 0.6 + 1.6 * j, 0.415 + 0.8 * j, 0]  # fmt: skip
    top, bottom = TOP - 0.08, chin + 0.08
    # Squares are interpolated, below zero outside the head, because then crown and chin come out round.
    squares = [x * x for x in widths]
    squares = [-squares[1] * 0.08 / 0.14, *squares, -squares[-2] * 0.08 / 0.13]
    table = np.interp(np.linspace(top, bottom, _KNOTS), [top, *heights, bottom], squares)
    padded = np.concatenate([np.full(_REACH, table[0]), table, np.full(_REACH, table[-1])])
    rounded = np.zeros(_KNOTS)
    for k in range(2 * _REACH + 1):  # a short mean takes the corners off the polygon
        rounded += padded[k : k + _KNOTS]
    row = (np.sqrt(np.maximum(rounded, 0) / (2 * _REACH + 1)) * w).astype(np.float32)
    place = (v - top) * ((_KNOTS - 1) / (bottom - top))
    place = np.clip(place, 0, _KNOTS - 1.001)
    low = place.astype(np.int32)
    result: Plane = row[low] + (row[low + 1] - row[low]) * (place - low).astype(np.float32)
    return result


def outline(portrait: Portrait, width: Plane) -> Plane:
    """Opacity of the head, soft over about two canvas pixels."""
    soft = smoothstep((width - np.abs(portrait.u)) * (portrait.view.unit / 3) + 0.5)
    opacity: Plane = soft * np.minimum(width * (portrait.view.unit / 14), 1)
    return opacity


class Relief:
    """Height of the face above the picture plane, in face units, built up from hills."""

    def __init__(self, portrait: Portrait, width: Plane) -> None:
        self.portrait = portrait
        q = (portrait.u / np.maximum(width, 0.05)) ** 2
        rows = (portrait.v - 0.05) * (1 / 1.5)
        self.height: Plane = 0.78 * np.sqrt(np.maximum(1 - q * (0.35 + 0.65 * q), 0)) * (1 - 0.42 * rows * rows)
        self._features()

    def hill(self, u: float, v: float, ru: float, rv: float, amount: float) -> None:
        """Add a smooth hill (or a dip) of the given radii."""
        window, height = self.portrait.hill(u, v, ru, rv)
        self.height[window] += amount * height

    def _features(self) -> None:
        """Add brow, sockets, lids, nose, cheeks, lips and chin."""
        person = self.portrait.person
        male, age, smile = person.masculine, person.age, self.portrait.scene.smile
        for side in (-1, 1):
            eye = side * person.eye_x
            self.hill(side * 0.4, person.brow_y + 0.03, 0.42, 0.17, 0.035 + 0.05 * male)
            self.hill(eye, person.eye_y - 0.1, 0.34, 0.17, -0.06 - 0.03 * male)
            self.hill(side * 0.22, 0.02, 0.14, 0.2, -0.085)
            self.hill(eye, person.eye_y - 0.01, 0.24, 0.17, 0.085)
            self.hill(eye, person.eye_y + 0.21, 0.24, 0.09, 0.012 + 0.04 * age)
            self.hill(side * 0.6, 0.42, 0.4, 0.36, 0.05 + 0.06 * person.cheek + 0.05 * max(smile, 0))
            self.hill(side * 0.66, 0.95, 0.24, 0.4, -0.03 - 0.05 * (1 - person.cheek) * (1 - 0.4 * max(smile, 0)))
            self.hill(side * 0.93, -0.15, 0.2, 0.4, -0.04)
            self.hill(side * (person.mouth_width + 0.06), person.mouth_y - 0.05 * smile, 0.12, 0.12, -0.025)
            if age > 0.45:
                self.hill(side * 0.52, 1.16, 0.2, 0.2, 0.05 * (age - 0.45))
        self._nose()
        m, full = person.mouth_y, person.lip_full
        self.hill(0, m, 0.5, 0.3, 0.07)
        self.hill(0, m - 0.19, 0.05, 0.13, -0.02)
        self.hill(0, m + full * 1.05 + 0.1, 0.24, 0.09, -0.055)
        self.hill(0, person.chin - 0.17, 0.25, 0.2, 0.085 + 0.03 * male)

    def _nose(self) -> None:
        portrait, person = self.portrait, self.portrait.person
        tip, half = person.nose_length - 0.1, person.nose_width
        lean = portrait.scene.yaw * 0.55
        window = portrait.view.window(0, tip / 2, 0.5, tip / 2 + 0.5)
        v = portrait.v[window]
        rise = np.clip((v + 0.24) * (1 / (tip + 0.24)), 0, 1)
        du = portrait.u[window] - lean * rise
        narrow = 0.17 + 0.13 * rise * rise
        end = smoothstep((tip + 0.16 - v) * (1 / 0.3))
        onset = smoothstep((v + 0.42) * (1 / 0.36))
        ridge = (0.045 + 0.2 * person.nose_ridge * rise) * end * onset
        self.height[window] += ridge * bump((du / narrow) ** 2)
        self.hill(lean, tip - 0.01, half * 0.8, 0.2, 0.13)
        for side in (-1, 1):
            self.hill(lean + side * half * 0.74, tip + 0.035, half * 0.5, 0.14, 0.1)
            self.hill(lean + side * half * 1.25, tip + 0.05, 0.08, 0.16, -0.025)

    def normals(self) -> tuple[Plane, Plane, Plane]:
        """Unit normals: right, down and towards the viewer; three planes of the canvas."""
        z = self.height * (self.portrait.view.unit * 0.5)
        right, down = np.zeros_like(z), np.zeros_like(z)
        right[:, 1:-1] = z[:, :-2] - z[:, 2:]
        down[1:-1] = z[:-2] - z[2:]
        scale = 1 / np.sqrt(right * right + down * down + 1)
        return right * scale, down * scale, scale
