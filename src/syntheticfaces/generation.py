"""Generation of one image of the set from its entry in the plan."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from syntheticfaces.camera import Camera, draw_camera, photograph
from syntheticfaces.colour import mix
from syntheticfaces.decoys import apply_decoy
from syntheticfaces.drawing.face import draw_face
from syntheticfaces.exact import Bytes
from syntheticfaces.forgery import ForgerySettings, Shot, draw_forgery_settings, transplant
from syntheticfaces.identity import Identity, Scene, blend_identity, draw_identity, draw_scene
from syntheticfaces.plan import Entry
from syntheticfaces.regions import PARTS, draw_outline

_PHOTOGRAPHS, _EDITS = 2, 3


@dataclass(frozen=True)
class GeneratedImage:
    """One image before its last JPEG compression, with its parameters."""

    entry: Entry
    image: Bytes  # (size, size, 3) uint8 RGB
    mask: npt.NDArray[np.bool_] | None  # (size, size), True where replaced; None for a real image
    camera: Camera
    donor_camera: Camera | None  # None for a real image
    settings: ForgerySettings | None  # None for a real image


@dataclass(frozen=True)
class Sitting:
    """A person, the scene and the camera of one photograph, with the random streams of texture and sensor."""

    person: Identity
    scene: Scene
    camera: Camera
    texture: np.random.Generator
    sensor: np.random.Generator

    def shot(self, size: int) -> Shot:
        """Draw the person and take the photograph."""
        drawn = draw_face(self.person, self.scene, size, self.texture)
        return Shot(photograph(drawn, self.camera, self.sensor), self.person, self.scene.view(size))


def draw_sitting(seed: int, number: int) -> Sitting:
    """The sitting of the photograph with a number, which depends on the arguments only."""
    streams = np.random.SeedSequence(seed, spawn_key=(_PHOTOGRAPHS, number)).spawn(5)
    person, scene, camera, texture, sensor = (np.random.default_rng(stream) for stream in streams)
    return Sitting(draw_identity(person), draw_scene(scene), draw_camera(camera), texture, sensor)


def _match_donor(donor: Sitting, base: Sitting, settings: ForgerySettings) -> Sitting:
    """The donor as a forger would choose it: similar in skin and light, at the scale of the settings."""
    similarity = settings.similarity
    person = blend_identity(donor.person, base.person, similarity)
    x, y, z = mix(donor.scene.light, base.scene.light, similarity)
    norm = (x * x + y * y + z * z) ** 0.5
    scene = replace(
        donor.scene,
        zoom=base.scene.zoom * base.person.eye_x / (donor.person.eye_x * settings.scale),
        light=(x / norm, y / norm, z / norm),
        yaw=donor.scene.yaw + (base.scene.yaw - donor.scene.yaw) * similarity,
        key=donor.scene.key + (base.scene.key - donor.scene.key) * similarity,
        ambient=donor.scene.ambient + (base.scene.ambient - donor.scene.ambient) * similarity,
    )
    camera = replace(donor.camera, noise=settings.donor_noise(base.camera.noise))
    return replace(donor, person=person, scene=scene, camera=camera)


def generate_image(entry: Entry, size: int, seed: int) -> GeneratedImage:
    """Generate one image, which depends on the arguments only."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_EDITS, entry.index)))
    base = draw_sitting(seed, entry.base)
    shot = base.shot(size)
    if entry.difficulty is None or entry.donor is None:
        return GeneratedImage(entry, apply_decoy(shot, entry.decoy, rng), None, base.camera, None, None)
    settings = draw_forgery_settings(entry.difficulty, base.camera.noise, rng)
    donor = _match_donor(draw_sitting(seed, entry.donor), base, settings)
    donor_shot = donor.shot(size)
    canvas = shot.image.astype(np.float32)
    mask = np.zeros((size, size), dtype=np.bool_)
    for part, bit in zip(PARTS, entry.parts, strict=True):
        if bit == "1":
            mask |= transplant(shot, donor_shot, part, draw_outline(part, rng), settings, canvas)
    image = np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)
    return GeneratedImage(entry, image, mask, base.camera, donor.camera, settings)
