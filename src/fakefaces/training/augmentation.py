"""Seeded augmentation with albumentations: new copies of the training images in each epoch.

Copies are made during training, not stored: ``benchmarks/augmentation.py`` measures both.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ParamsError
from fakefaces.data.face_regions import INNER_BOXES, MIRRORED
from fakefaces.data.faces import PARTS

# Points in both eyes, as shares of width and height, and the side that they lie on. A copy is a mirror image if the
# transforms, whichever they are, moved one side's points past the other's.
_SIDES = np.repeat([0, 1], 9)
_POINTS = np.array(
    [
        (left + x * (right - left), top + y * (bottom - top))
        for left, top, right, bottom in (INNER_BOXES["left_eye"], INNER_BOXES["right_eye"])
        for x in (0.25, 0.5, 0.75)
        for y in (0.25, 0.5, 0.75)
    ]
)
_MIRRORED_PARTS = list(MIRRORED[: len(PARTS)])


@dataclass(frozen=True)
class Recipe:
    """An ordered list of albumentations transforms; an empty one leaves images unchanged."""

    transforms: Sequence[tuple[str, dict[str, Any]]]  # names of classes of albumentations, and their arguments
    strength: float = 1.0  # 0 to 1; multiplies the probability of every transform

    def __bool__(self) -> bool:
        return bool(self.transforms) and self.strength > 0

    def with_strength(self, strength: float) -> "Recipe":
        """The recipe at another strength."""
        return replace(self, strength=strength)

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> "Recipe":
        """Read the output of :meth:`to_json`."""
        return cls([(step["name"], step["arguments"]) for step in value])

    def to_json(self) -> list[dict[str, Any]]:
        """The transforms as a plain list; the strength is not part of it."""
        return [{"name": name, "arguments": arguments} for name, arguments in self.transforms]


def compose(recipe: Recipe, seed: Sequence[int], *, sides: bool = False) -> Any:
    """Build the albumentations pipeline; a ParamsError names a transform or argument that albumentations does not have.

    Draws are the same with and without ``sides``, which transforms keypoints, too, and takes longer than most
    transforms.
    """
    import albumentations

    steps = []
    for name, arguments in recipe.transforms:
        make = getattr(albumentations, name, None)
        if not (isinstance(make, type) and issubclass(make, albumentations.BasicTransform)):
            raise ParamsError(f"params.yaml: augment.transforms: albumentations has no transform '{name}'")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # albumentations only warns of unknown arguments
            try:
                steps.append(make(**arguments))
            except (TypeError, ValueError, UserWarning) as error:
                reason = " ".join(str(error).split())
                raise ParamsError(f"params.yaml: augment.transforms: {name}: {reason}") from None
    for step in steps:
        step.p *= recipe.strength
    entropy = int(np.random.SeedSequence(list(seed)).generate_state(1)[0])
    if not sides:
        return albumentations.Compose(steps, seed=entropy)
    # Points that a reflecting border adds lie outside of the image and are removed.
    points = albumentations.KeypointParams(format="xy", label_fields=["sides"], remove_invisible=True)
    return albumentations.Compose(steps, keypoint_params=points, seed=entropy)


def check_outputs(recipe: Recipe, size: int) -> None:
    """Apply each transform by itself to an image, uint8 (size, size, 3), and check that it returns another such image.

    Raises:
        ParamsError: a transform fails, or returns another dtype or shape; it is named.
    """
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    for name, arguments in recipe.transforms:
        alone, where = Recipe([(name, {**arguments, "p": 1.0})]), f"params.yaml: augment.transforms: {name}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of transforms that move no keypoints
                pipeline = compose(alone, seed=[0], sides=True)
                result = pipeline(image=image, keypoints=_POINTS * (size, size), sides=_SIDES)["image"]
        except ParamsError:
            raise
        except Exception as error:  # each transform has its own
            reason = " ".join(str(error).split())[:200]
            raise ParamsError(f"{where}: it fails on an image of {size} x {size} pixels ({reason})") from None
        if result.dtype != np.uint8 or result.shape != image.shape:
            shape = " x ".join(map(str, result.shape))
            raise ParamsError(
                f"{where}: it turns uint8 {size} x {size} x 3 into {result.dtype} {shape}; training takes images of "
                "the same size, 0 to 255: leave it out (models scale their input themselves)"
            )


class Augmenter:
    """Draws augmented copies of images; equal seeds, such as a seed and the epoch, draw equal ones in turn."""

    def __init__(self, recipe: Recipe, seed: Sequence[int]) -> None:
        self._pipeline = compose(recipe, seed) if recipe else None

    def __call__(self, images: NDArray[Any]) -> NDArray[Any]:
        """A copy of each image, uint8 (n, height, width, 3), RGB; the images themselves if nothing is augmented."""
        if self._pipeline is None:
            return images
        copies = np.empty_like(images)
        for copy, image in zip(copies, images, strict=True):
            copy[:] = self._pipeline(image=image)["image"]
        return copies


def augment_with_parts(
    images: NDArray[np.uint8], parts: NDArray[np.int8], recipe: Recipe, *, seed: Sequence[int]
) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Draw the copies of :class:`Augmenter`, with labels of parts that follow mirroring.

    ``parts``, int8 (n, 4), are: left eye, right eye, nose, mouth replaced; -1 where unknown. Where a copy is a mirror
    image, left and right are exchanged (:data:`fakefaces.data.face_regions.MIRRORED`).
    """
    if not recipe:
        return images, parts
    pipeline = compose(recipe, seed, sides=True)
    copies, copied_parts = np.empty_like(images), parts.copy()
    height, width = images.shape[1:3]
    points = _POINTS * (width, height)
    for k, image in enumerate(images):
        result = pipeline(image=image, keypoints=points, sides=_SIDES)
        copies[k] = result["image"]
        if _is_mirrored(np.asarray(result["keypoints"]), np.asarray(result["sides"])):
            copied_parts[k] = parts[k, _MIRRORED_PARTS]
    return copies, copied_parts


def _is_mirrored(points: NDArray[np.float64], sides: NDArray[np.int64]) -> bool:
    """Whether the left side's points lie right of the right side's; no if one side has left the image."""
    left, right = (points[sides == side] for side in (0, 1))
    return bool(len(left) and len(right) and np.median(left[:, 0]) > np.median(right[:, 0]))
