"""Replacing parts of a photograph by those of a donor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from syntheticfaces.colour import Rgb, from_lab, lab
from syntheticfaces.drawing.view import Points, View
from syntheticfaces.exact import Bytes, Plane
from syntheticfaces.identity import Identity
from syntheticfaces.regions import centre, cover, feathered, ring

Difficulty = Literal["easy", "mid", "hard"]
Kernel = Literal["linear", "cubic"]

# Mostly the strong halves of what the difficulties allow: several hundred images are few to learn weaker traces from.
_RESIDUAL = {"easy": (8.0, 10.0), "mid": (4.5, 6.0), "hard": (1.0, 2.0)}
_NOISE = {"easy": (2.5, 3.4), "mid": (1.7, 2.0), "hard": (1.25, 1.4)}
_RESAMPLING = {"easy": (0.15, 0.25), "mid": (0.08, 0.15), "hard": (0.03, 0.08)}
_FEATHER = {"easy": (1.0, 1.5), "mid": (2.0, 2.6), "hard": (4.0, 5.0)}
_LIKENESS = {"easy": 0.75, "mid": 0.85, "hard": 1.0}
# Lightness is what a forger, and a grey thumbnail, would notice first; what is left over is a cast of the donors'
# light to the green and yellow (CIELAB: less a, more b), as from fluorescent tubes, give or take.
_CAST = (0.0, -0.6, 0.8)
_SPREAD = (0.15, 0.3, 0.3)
_KEPT = {"linear": 0.67, "cubic": 0.85}  # share of white noise that survives the interpolation


@dataclass(frozen=True)
class Craft:
    """How well a forger works: what separates easy, mid and hard fakes."""

    residual: float  # colour difference left at the seam, CIELAB units
    direction: tuple[float, float, float]  # of that difference, unit length
    noise_ratio: float  # noise of the pasted part over that of the base
    scale: float  # enlargement of the donor's part
    feather: float  # width of the soft edge, pixels
    kernel: Kernel
    likeness: float  # how far the donor was chosen to look like the base

    def donor_noise(self, base: float) -> float:
        """Noise of the donor's photograph so that the ratio holds after the interpolation."""
        return base * self.noise_ratio / _KEPT[self.kernel]


def draw_craft(difficulty: Difficulty, base_noise: float, rng: np.random.Generator) -> Craft:
    """Random strengths within the ranges of a difficulty, for a base of a given noise."""
    ratio = float(rng.uniform(*_NOISE[difficulty]))
    # Both directions happen in the middle of the range; at its ends a camera must be findable.
    quieter = float(np.clip((base_noise - 2.0) / 2.8, 0, 1))
    if rng.random() < quieter:
        ratio = 1 / ratio
    gap = float(rng.uniform(*_RESAMPLING[difficulty]))
    kernel: Kernel = "linear" if rng.random() < 0.5 else "cubic"
    a, b, c = rng.standard_normal(3) * _SPREAD + _CAST
    norm = math.sqrt(a * a + b * b + c * c)
    return Craft(
        residual=float(rng.uniform(*_RESIDUAL[difficulty])),
        direction=(float(a / norm), float(b / norm), float(c / norm)),
        noise_ratio=ratio,
        scale=1 + gap if rng.random() < 0.5 else 1 / (1 + gap),
        feather=float(rng.uniform(*_FEATHER[difficulty])),
        kernel=kernel,
        likeness=_LIKENESS[difficulty],
    )


@dataclass(frozen=True)
class Shot:
    """A photograph with what is known about it."""

    image: Bytes
    person: Identity
    view: View


def _weights(fraction: npt.NDArray[np.float64], kernel: Kernel) -> list[npt.NDArray[np.float64]]:
    """Weights of the taps -1, 0, 1, 2 round a sampling position."""
    f = fraction
    if kernel == "linear":
        zero = np.zeros_like(f)
        return [zero, 1 - f, f, zero]
    f2, f3 = f * f, f * f * f  # Catmull-Rom
    return [(-f3 + 2 * f2 - f) / 2, (3 * f3 - 5 * f2 + 2) / 2, (-3 * f3 + 4 * f2 + f) / 2, (f3 - f2) / 2]


def sampled(image: Bytes, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], kernel: Kernel) -> Plane:
    """Values of an image at pixel positions (centres at .5), ``(..., 3)`` float32 in 0..255."""
    height, width = image.shape[:2]
    x0, y0 = np.floor(x - 0.5), np.floor(y - 0.5)
    wx, wy = _weights(x - 0.5 - x0, kernel), _weights(y - 0.5 - y0, kernel)
    total = np.zeros((*x.shape, 3))
    for j in range(4):
        rows = np.clip(y0.astype(np.int64) + j - 1, 0, height - 1)
        line = np.zeros((*x.shape, 3))
        for i in range(4):
            columns = np.clip(x0.astype(np.int64) + i - 1, 0, width - 1)
            line += wx[i][..., None] * image[rows, columns]
        total += wy[j][..., None] * line
    return np.clip(total, 0, 255).astype(np.float32)


def _middle(values: Bytes, mask: npt.NDArray[np.bool_]) -> Rgb:
    """Median colour under a mask: that of the skin, whatever hair or brow crosses the seam."""
    red, green, blue = (float(np.median(values[..., k][mask])) for k in range(3))
    return red, green, blue


def transplant(base: Shot, donor: Shot, part: str, shape: Points, craft: Craft, canvas: Plane) -> npt.NDArray[np.bool_]:
    """Paste one part of the donor over ``canvas`` (the base's pixels as float32), in place.

    Returns the mask of what was replaced, ``(H, W)`` bool: where the donor has at least half the say.
    """
    mask = cover(base.view, base.person, part, shape)
    alpha = feathered(mask, craft.feather)
    rows, columns = np.nonzero(alpha > 0)
    window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    alpha, inner = alpha[window], ring(mask, 3)[window] > 0

    bx, by = base.view.pixel(*centre(base.person, part))
    dx, dy = donor.view.pixel(*centre(donor.person, part))
    turn = donor.view.roll - base.view.roll
    c, s = math.cos(turn) / craft.scale, math.sin(turn) / craft.scale
    y, x = np.mgrid[window].astype(np.float64) + 0.5
    piece = sampled(donor.image, dx + c * (x - bx) - s * (y - by), dy + s * (x - bx) + c * (y - by), craft.kernel)

    here = _middle(base.image[window], inner)
    there = _middle(np.rint(piece).astype(np.uint8), inner)
    tone = lab(here)
    aim = from_lab((
        tone[0] + craft.residual * craft.direction[0],
        tone[1] + craft.residual * craft.direction[1],
        tone[2] + craft.residual * craft.direction[2],
    ))  # fmt: skip
    target = canvas[window]
    for channel in range(3):
        matched = piece[..., channel] + np.float32(round(aim[channel] - there[channel], 4))
        target[..., channel] += alpha * (matched - target[..., channel])
    replaced = np.zeros(mask.shape, dtype=np.bool_)
    replaced[window] = alpha >= np.float32(0.5)
    return replaced
