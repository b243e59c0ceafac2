"""Fakes made from a real photograph alone: parts of it, worked over, laid on itself with a soft edge.

After K. Shiohara & T. Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022. Base and source are one
photograph, so nothing but the traces of the forgery tells a blend from its base, and no image of another split can
come in.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces import images
from fakefaces.data.faces import PARTS
from fakefaces.forensics.boxes import BOXES

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]

_WAYS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
_FEWEST = 20  # pixels of a seam on which its colour can be told


def blend(pixels: Pixels, parts: NDArray[np.int8], random: np.random.Generator) -> Pixels:
    """Replace parts of a face by worked-over copies of themselves.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        parts: (4,), 1 where a part is replaced.
        random: draws the source's history, its motion, and each part's outline, edge and colour.

    Returns:
        uint8 (height, width, 3), not yet saved.
    """
    height, width = pixels.shape[:2]
    source = _worked_over(pixels, random)
    if random.random() < 0.5:
        source = np.ascontiguousarray(source[:, ::-1])
    scale = float(np.exp(random.uniform(-0.25, 0.25)))
    turn = float(random.uniform(-8, 8))
    way = _WAYS[random.integers(len(_WAYS))]
    softness = float(random.uniform(0.004, 0.02)) * width
    made = pixels.astype(np.float32)
    for name, replaced in zip(PARTS, parts, strict=True):
        if replaced:
            box = np.array(BOXES[name]) * [width, height, width, height]
            moved = _moved(source, box, scale, turn, way, random)
            outline = _outline((height, width), box, random)
            _lay(made, moved, outline, softness, random)
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def draw_parts(known: NDArray[np.int8], random: np.random.Generator) -> NDArray[np.int8]:
    """Which parts a blend replaces: those of a fake of the set; all patterns alike where none is known.

    Args:
        known: int8 (n, 4), the parts of fakes; rows with -1 or without a part are left out.
        random: draws one.
    """
    usable = known[(known >= 0).all(axis=1) & (known > 0).any(axis=1)]
    if len(usable):
        return usable[random.integers(len(usable))]
    code = int(random.integers(1, 1 << len(PARTS)))
    return np.array([code >> place & 1 for place in range(len(PARTS))], dtype=np.int8)


def _worked_over(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """The photograph with another history: other sharpness, other noise, another encoder."""
    made = pixels
    drawn = random.random()
    if drawn < 0.35:
        made = cv2.GaussianBlur(made, (0, 0), random.uniform(0.35, 1.0))
    elif drawn < 0.6:
        strength, reach = np.float32(random.uniform(0.2, 0.9)), random.uniform(0.6, 1.5)
        values = made.astype(np.float32)
        made = _rounded(values + strength * (values - cv2.GaussianBlur(values, (0, 0), reach)))
    if random.random() < 0.4:
        spread = np.float32(random.uniform(0.8, 4))
        grey = random.standard_normal((*made.shape[:2], 1), dtype=np.float32) * np.float32(0.84)
        noise = grey + random.standard_normal(made.shape, dtype=np.float32) * np.float32(0.55)
        if random.random() < 0.5:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.6) * np.float32(1.6)
        made = _rounded(made + spread * noise)
    if random.random() < 0.5:
        made = images.decode(images.encode_jpeg(made, int(random.integers(60, 96))))
    return made


def _moved(
    source: Pixels, box: NDArray[np.float64], scale: float, turn: float, way: int, random: np.random.Generator
) -> Plane:
    """The source scaled and turned about a part, and shifted a little."""
    height, width = source.shape[:2]
    middle = float(box[[0, 2]].mean()), float(box[[1, 3]].mean())
    motion = cv2.getRotationMatrix2D(middle, turn, scale)
    motion[:, 2] += random.uniform(-0.02, 0.02, 2) * width
    moved = cv2.warpAffine(source, motion, (width, height), flags=way, borderMode=cv2.BORDER_REFLECT)
    return moved.astype(np.float32)


def _outline(shape: tuple[int, int], box: NDArray[np.float64], random: np.random.Generator) -> Plane:
    """An ellipse in a box: 1 inside, 0 outside."""
    left, top, right, bottom = box
    shift = random.uniform(-0.015, 0.015, 2) * shape[1]
    middle = int((left + right) / 2 + shift[0]), int((top + bottom) / 2 + shift[1])
    axes = int((right - left) / 2 * random.uniform(0.6, 1.0)), int((bottom - top) / 2 * random.uniform(0.55, 0.95))
    outline = np.zeros(shape, dtype=np.float32)
    return cv2.ellipse(outline, middle, axes, float(random.uniform(-10, 10)), 0, 360, 1, -1)


def _lay(made: Plane, source: Plane, outline: Plane, softness: float, random: np.random.Generator) -> None:
    """Lay the source on ``made``, in place, with its colour brought to that of the seam."""
    wide = np.ones((7, 7), dtype=np.uint8)
    seam = (cv2.dilate(outline, wide) - cv2.erode(outline, wide)) > 0
    if seam.sum() > _FEWEST:
        here, there = made[seam], source[seam]
        if random.random() < 0.3:
            gain = np.clip((here.std(axis=0) + 2) / (there.std(axis=0) + 2), 0.7, 1.4)
            source = (source - there.mean(axis=0)) * gain + there.mean(axis=0)
        source = source + (here.mean(axis=0) - there.mean(axis=0)) + random.normal(0, 2, 3).astype(np.float32)
    weight = cv2.GaussianBlur(outline, (0, 0), softness)[..., None]
    made += weight * (source - made)


def _rounded(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
