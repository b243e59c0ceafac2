"""One image of the set, from its entry in the plan to pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from syntheticfaces.camera import Camera, draw_camera, photograph, with_noise
from syntheticfaces.colour import mixed
from syntheticfaces.decoys import decoyed
from syntheticfaces.drawing.face import draw_face
from syntheticfaces.exact import Bytes
from syntheticfaces.forgery import Craft, Shot, draw_craft, transplant
from syntheticfaces.identity import Identity, Scene, draw_identity, draw_scene, resembling
from syntheticfaces.plan import Entry
from syntheticfaces.regions import PARTS, draw_outline

_PHOTOGRAPHS, _EDITS = 2, 3


@dataclass(frozen=True)
class Made:
    """One image before its last save, with what went into it."""

    entry: Entry
    image: Bytes  # (size, size, 3) uint8 RGB
    mask: npt.NDArray[np.bool_] | None  # (size, size), True where replaced; None for a real one
    camera: Camera
    donor_camera: Camera | None
    craft: Craft | None


@dataclass(frozen=True)
class _Sitter:
    person: Identity
    scene: Scene
    camera: Camera
    texture: np.random.Generator
    sensor: np.random.Generator

    def shot(self, size: int) -> Shot:
        """Draw the sitter and take the photograph."""
        drawn = draw_face(self.person, self.scene, size, self.texture)
        return Shot(photograph(drawn, self.camera, self.sensor), self.person, self.scene.view(size))


def _sitter(seed: int, number: int) -> _Sitter:
    streams = np.random.SeedSequence(seed, spawn_key=(_PHOTOGRAPHS, number)).spawn(5)
    who, how, lens, texture, sensor = (np.random.default_rng(s) for s in streams)
    return _Sitter(draw_identity(who), draw_scene(how), draw_camera(lens), texture, sensor)


def _chosen(donor: _Sitter, base: _Sitter, craft: Craft) -> _Sitter:
    """The donor as the forger picked it: alike in skin and light, at the size that the craft asks for."""
    like = craft.likeness
    person = resembling(donor.person, base.person, like)
    x, y, z = mixed(donor.scene.light, base.scene.light, like)
    norm = (x * x + y * y + z * z) ** 0.5
    scene = replace(
        donor.scene,
        zoom=base.scene.zoom * base.person.eye_x / (donor.person.eye_x * craft.scale),
        light=(x / norm, y / norm, z / norm),
        yaw=donor.scene.yaw + (base.scene.yaw - donor.scene.yaw) * like,
        key=donor.scene.key + (base.scene.key - donor.scene.key) * like,
        ambient=donor.scene.ambient + (base.scene.ambient - donor.scene.ambient) * like,
    )
    camera = with_noise(donor.camera, craft.donor_noise(base.camera.noise))
    return replace(donor, person=person, scene=scene, camera=camera)


def make_image(entry: Entry, size: int, seed: int) -> Made:
    """Make one image; it depends on nothing but the arguments."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_EDITS, entry.index)))
    base = _sitter(seed, entry.base)
    shot = base.shot(size)
    if entry.difficulty is None or entry.donor is None:
        return Made(entry, decoyed(shot, entry.decoy, rng), None, base.camera, None, None)
    craft = draw_craft(entry.difficulty, base.camera.noise, rng)
    donor = _chosen(_sitter(seed, entry.donor), base, craft)
    other = donor.shot(size)
    canvas = shot.image.astype(np.float32)
    mask = np.zeros((size, size), dtype=np.bool_)
    for part, bit in zip(PARTS, entry.parts, strict=True):
        if bit == "1":
            mask |= transplant(shot, other, part, draw_outline(part, rng), craft, canvas)
    image = np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)
    return Made(entry, image, mask, base.camera, donor.camera, craft)
