"""Replacing parts of a photograph by those of a donor."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from syntheticfaces.colour import Rgb, lab_to_srgb, srgb_to_lab
from syntheticfaces.exact import Bytes, Plane
from syntheticfaces.identity import Identity
from syntheticfaces.regions import feather_mask, inner_ring, part_centre, part_mask
from syntheticfaces.view import Points, View

Difficulty = Literal["easy", "mid", "hard"]
Kernel = Literal["linear", "cubic"]

# Mostly the strong halves of the allowed ranges: several hundred images are too few to learn weaker traces from.
_RESIDUAL = {"easy": (8.0, 10.0), "mid": (4.5, 6.0), "hard": (1.0, 2.0)}
_NOISE = {"easy": (2.5, 3.4), "mid": (1.7, 2.0), "hard": (1.25, 1.4)}
_RESAMPLING = {"easy": (0.15, 0.25), "mid": (0.08, 0.15), "hard": (0.03, 0.08)}
_FEATHER = {"easy": (1.0, 1.5), "mid": (2.0, 2.6), "hard": (4.0, 5.0)}
_SIMILARITY = {"easy": 0.75, "mid": 0.85, "hard": 1.0}
# A forger, and a grey thumbnail, would notice lightness first; what remains is a colour cast of the donors' light to
# green and yellow (CIELAB: less a, more b), as from fluorescent tubes, with some spread.
_CAST = (0.0, -0.6, 0.8)
_CAST_SPREAD = (0.15, 0.3, 0.3)
_NOISE_GAIN = {"linear": 0.67, "cubic": 0.85}  # share of white noise that survives the interpolation


@dataclass(frozen=True)
class ForgerySettings:
    """Quality of a forgery, which separates easy, mid and hard fakes."""

    residual: float  # colour difference left at the seam, CIELAB units
    direction: tuple[float, float, float]  # of that difference, unit length
    noise_ratio: float  # noise of the pasted part over that of the base
    scale: float  # enlargement of the donor's part
    feather: float  # width of the soft edge, pixels
    kernel: Kernel
    similarity: float  # of donor and base, 0..1

    def donor_noise(self, base: float) -> float:
        """Noise of the donor's photograph for which the ratio holds after interpolation."""
        return base * self.noise_ratio / _NOISE_GAIN[self.kernel]


def draw_forgery_settings(difficulty: Difficulty, base_noise: float, rng: np.random.Generator) -> ForgerySettings:
    """Random settings within the ranges of a difficulty, for a base of a given noise."""
    ratio = float(rng.uniform(*_NOISE[difficulty]))
    # Both directions occur in the middle of the range; at its ends only one leaves a possible camera.
    quieter = float(np.clip((base_noise - 2.0) / 2.8, 0, 1))
    if rng.random() < quieter:
        ratio = 1 / ratio
    gap = float(rng.uniform(*_RESAMPLING[difficulty]))
    kernel: Kernel = "linear" if rng.random() < 0.5 else "cubic"
    a, b, c = rng.standard_normal(3) * _CAST_SPREAD + _CAST
    norm = math.sqrt(a * a + b * b + c * c)
    return ForgerySettings(
        residual=float(rng.uniform(*_RESIDUAL[difficulty])),
        direction=(float(a / norm), float(b / norm), float(c / norm)),
        noise_ratio=ratio,
        scale=1 + gap if rng.random() < 0.5 else 1 / (1 + gap),
        feather=float(rng.uniform(*_FEATHER[difficulty])),
        kernel=kernel,
        similarity=_SIMILARITY[difficulty],
    )


@dataclass(frozen=True)
class Shot:
    """A photograph with the person and the view in it."""

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


def resample(image: Bytes, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], kernel: Kernel) -> Plane:
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


def _median_colour(values: Bytes, mask: npt.NDArray[np.bool_]) -> Rgb:
    """Median colour under a mask: that of the skin, even where hair crosses the seam."""
    red, green, blue = (float(np.median(values[..., k][mask])) for k in range(3))
    return red, green, blue


def transplant(
    base: Shot, donor: Shot, part: str, shape: Points, settings: ForgerySettings, canvas: Plane
) -> npt.NDArray[np.bool_]:
    """Paste one part of the donor over ``canvas`` (the base's pixels as float32), in place.

    Returns the mask of the replaced pixels, ``(H, W)`` bool: those where the donor's opacity is at least a half.
    """
    mask = part_mask(base.view, base.person, part, shape)
    alpha = feather_mask(mask, settings.feather)
    rows, columns = np.nonzero(alpha > 0)
    window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    alpha, inner = alpha[window], inner_ring(mask, 3)[window] > 0

    bx, by = base.view.pixel(*part_centre(base.person, part))
    dx, dy = donor.view.pixel(*part_centre(donor.person, part))
    turn = donor.view.roll - base.view.roll
    c, s = math.cos(turn) / settings.scale, math.sin(turn) / settings.scale
    y, x = np.mgrid[window].astype(np.float64) + 0.5
    piece = resample(donor.image, dx + c * (x - bx) - s * (y - by), dy + s * (x - bx) + c * (y - by), settings.kernel)

    base_colour = _median_colour(base.image[window], inner)
    donor_colour = _median_colour(np.rint(piece).astype(np.uint8), inner)
    lightness, a, b = srgb_to_lab(base_colour)
    dl, da, db = (settings.residual * share for share in settings.direction)
    target_colour = lab_to_srgb((lightness + dl, a + da, b + db))
    shift = [round(target - own, 4) for target, own in zip(target_colour, donor_colour, strict=True)]
    pixels = canvas[window]
    pixels += alpha[:, :, None] * (piece + np.array(shift, dtype=np.float32) - pixels)
    replaced = np.zeros(mask.shape, dtype=np.bool_)
    replaced[window] = alpha >= np.float32(0.5)
    return replaced
