"""Harmless edits of real photographs, so that an edit alone does not identify a fake."""

from typing import Literal

import numpy as np

from syntheticfaces.drawing.strokes import fill_polygon
from syntheticfaces.exact import Bytes, Plane
from syntheticfaces.forgery import Shot
from syntheticfaces.regions import PARTS, draw_outline, feather_mask, part_centre, part_mask

Decoy = Literal["", "repaste", "makeup", "highlight", "global"]

DECOYS: tuple[Decoy, ...] = ("repaste", "makeup", "highlight", "global")


def apply_decoy(shot: Shot, kind: Decoy, rng: np.random.Generator) -> Bytes:
    """Apply a decoy edit (none for ``""``) to a photograph: ``(H, W, 3)`` uint8."""
    image = shot.image.astype(np.float32)
    if kind == "repaste":
        _repaste(image, shot, rng)
    elif kind == "makeup":
        _makeup(image, shot, rng)
    elif kind == "highlight":
        _highlight(image, shot, rng)
    elif kind == "global":
        _global(image, rng)
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def _repaste(image: Plane, shot: Shot, rng: np.random.Generator) -> None:
    """Paste parts of the photograph itself, shifted by up to a pixel."""
    for part in rng.permutation(PARTS)[: int(rng.integers(1, 5))]:
        mask = part_mask(shot.view, shot.person, str(part), draw_outline(str(part), rng))
        alpha = feather_mask(mask, float(rng.uniform(1, 7)))[:, :, None]
        dx, dy = (int(n) for n in rng.integers(-1, 2, size=2))
        moved_image = np.roll(shot.image, (dy, dx), axis=(0, 1)).astype(np.float32)
        image += alpha * (moved_image - image)


def _makeup(image: Plane, shot: Shot, rng: np.random.Generator) -> None:
    """Tint lips, lids or cheeks; the grain below stays."""
    for part in rng.permutation(("mouth", "left_eye", "cheeks"))[: int(rng.integers(1, 3))]:
        names = ("left_eye", "right_eye") if part == "left_eye" else (str(part),)
        tint = rng.uniform(-11, 11, size=3).astype(np.float32)
        for name in names:
            mask = np.zeros(image.shape[:2], dtype=np.uint8)
            if name == "cheeks":
                for side in (-1, 1):
                    outline = draw_outline("left_eye", rng) * 0.8 + np.array([side * 0.56, 0.42])
                    fill_polygon(mask, shot.view.pixels(outline))
            else:
                mask = part_mask(shot.view, shot.person, name, draw_outline(name, rng) * 0.85)
            alpha = feather_mask(mask, float(rng.uniform(3, 8)))[:, :, None]
            image += alpha * tint


def _highlight(image: Plane, shot: Shot, rng: np.random.Generator) -> None:
    """Dodge or burn a few soft spots of the face."""
    for _ in range(int(rng.integers(1, 4))):
        part = PARTS[int(rng.integers(4))]
        u, v = part_centre(shot.person, part)
        shape = draw_outline(part, rng) * float(rng.uniform(0.5, 1.0))
        mask = np.zeros(image.shape[:2], dtype=np.uint8)
        offset = np.array([u + rng.uniform(-0.25, 0.25), v + rng.uniform(-0.25, 0.25)])
        fill_polygon(mask, shot.view.pixels(shape + offset))
        alpha = feather_mask(mask, float(rng.uniform(3, 9)))[:, :, None]
        gain = np.float32(rng.uniform(-0.13, 0.16))
        image += alpha * image * gain


def _global(image: Plane, rng: np.random.Generator) -> None:
    """Change contrast, brightness and tint of the whole picture."""
    contrast = np.float32(rng.uniform(0.88, 1.14))
    shift = (rng.normal(0, 4) + rng.normal(0, 3, size=3)).astype(np.float32)
    image[:] = (image - 128) * contrast + 128 + shift
