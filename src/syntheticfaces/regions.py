"""Outlines and masks of the parts that a forger replaces."""

import math

import cv2
import numpy as np

from syntheticfaces.drawing.strokes import fill_polygon
from syntheticfaces.exact import Bytes, Plane, blur
from syntheticfaces.identity import Identity
from syntheticfaces.view import Points, View

PARTS = ("left_eye", "right_eye", "nose", "mouth")


def part_centre(person: Identity, part: str) -> tuple[float, float]:
    """Face coordinates to which a part is anchored when it is moved to another face."""
    return {
        "left_eye": (-person.eye_x, person.eye_y),
        "right_eye": (person.eye_x, person.eye_y),
        "nose": (0.0, person.nose_length - 0.1),
        "mouth": (0.0, person.mouth_y),
    }[part]


def draw_outline(part: str, rng: np.random.Generator) -> Points:
    """A hand-cut outline round a part's anchor, ``(24, 2)`` in face units."""
    turn = np.linspace(0, 1, 24, endpoint=False)
    x = np.array([math.cos(2 * math.pi * t) for t in turn])
    y = np.array([math.sin(2 * math.pi * t) for t in turn])
    if part.endswith("eye"):
        brow = rng.random() < 0.35
        up, low, half = (0.46 if brow else 0.245), 0.235, 0.35
        x, y = x * half, np.where(y < 0, y * up, y * low)
        if brow:
            x = x * np.where(y < -0.2, 1.05, 1.0)
    elif part == "nose":
        x = x * (0.24 + 0.11 * np.clip(y, -1, 1))
        y = np.where(y < 0, y * 0.5, y * 0.22)
    else:
        x, y = x * 0.5, y * 0.25
    wobble = 1 + 0.07 * np.convolve(np.tile(rng.standard_normal(24), 3), np.ones(3) / 3, "same")[24:48]
    result: Points = np.stack([x, y], axis=1) * (wobble * rng.uniform(0.92, 1.1))[:, None]
    return result


def part_mask(view: View, person: Identity, part: str, shape: Points) -> Bytes:
    """Hard mask (0 or 255) of a part on a view's canvas, uint8."""
    anchor = np.array(part_centre(person, part))
    plane = np.zeros((view.canvas, view.canvas), dtype=np.uint8)
    fill_polygon(plane, view.pixels(shape + anchor))
    return np.where(plane >= 128, 255, 0).astype(np.uint8)


def feather_mask(mask: Bytes, feather: float) -> Plane:
    """Opacity 0..1 of a hard mask whose edge is softened over about ``feather`` pixels."""
    return blur(mask.astype(np.float32) * (1 / 255), feather / 2.2)


def inner_ring(mask: Bytes, width: int) -> Bytes:
    """The pixels within ``width`` of the edge of a mask, on its inner side (0 or 255)."""
    core = cv2.erode(mask, np.ones((2 * width + 1, 2 * width + 1), dtype=np.uint8))
    return np.asarray(mask - core, dtype=np.uint8)
