"""Albumentations, seeded: training images seen anew in each epoch, with labels that follow a mirror.

Copies are drawn during training, not stored: ``benchmarks/augmentation.py`` measures both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ParamsError

# Points around where the eyes are, as shares of width and height, and the side they lie on. Only which side is left of
# the other is used, after the transforms have moved them: so any mirror is seen, whatever transform made it.
_SIDES = np.repeat([0, 1], 9)
_POINTS = np.array(
    [(0.3 + 0.4 * side + 0.05 * x, 0.45 + 0.05 * y) for side in (0, 1) for x in (-1, 0, 1) for y in (-1, 0, 1)]
)


@dataclass(frozen=True)
class Recipe:
    """An ordered list of albumentations transforms, by their own names and arguments.

    An empty recipe leaves images as they are.

    Attributes:
        transforms: names and arguments.
        strength: 0 to 1; every transform's probability is multiplied by it.
    """

    transforms: Sequence[tuple[str, dict[str, Any]]]
    strength: float = 1.0

    def __bool__(self) -> bool:
        return bool(self.transforms) and self.strength > 0

    def at(self, strength: float) -> "Recipe":
        """The same recipe at another strength."""
        return replace(self, strength=strength)

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> "Recipe":
        """Read what :meth:`to_json` wrote."""
        return cls([(step["name"], step["arguments"]) for step in value])

    def to_json(self) -> list[dict[str, Any]]:
        """A plain list, for the augment stage's output; the strength is what a study found, and not in it."""
        return [{"name": name, "arguments": arguments} for name, arguments in self.transforms]


def compose(recipe: Recipe, seed: int, *, sides: bool = False) -> Any:
    """Build the albumentations pipeline.

    Args:
        recipe: the transforms.
        seed: of all resamples; they are the same with and without sides.
        sides: whether points are moved along, which takes longer than most transforms themselves.

    Raises:
        ParamsError: albumentations has no such transform, or the transform refuses an argument.
    """
    import warnings

    import albumentations

    steps = []
    for name, arguments in recipe.transforms:
        make = getattr(albumentations, name, None)
        if not (isinstance(make, type) and issubclass(make, albumentations.BasicTransform)):
            raise ParamsError(f"params.yaml: augment.transforms: albumentations has no transform '{name}'")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an argument that it does not know is only a warning there
            try:
                steps.append(make(**arguments))
            except (TypeError, ValueError, UserWarning) as error:
                reason = " ".join(str(error).split())
                raise ParamsError(f"params.yaml: augment.transforms: {name}: {reason}") from None
    for step in steps:
        step.p *= recipe.strength
    if not sides:
        return albumentations.Compose(steps, seed=seed)
    # A border that reflects the image reflects points too; those fall outside and are removed.
    points = albumentations.KeypointParams(format="xy", label_fields=["sides"], remove_invisible=True)
    return albumentations.Compose(steps, keypoint_params=points, seed=seed)


def augment(images: NDArray[np.uint8], recipe: Recipe, *, seed: Sequence[int]) -> NDArray[np.uint8]:
    """Draw one augmented copy of each image.

    Args:
        images: uint8 (n, height, width, 3), RGB.
        recipe: the transforms.
        seed: whole numbers, such as the seed, the model's place and the epoch; equal ones give equal copies.

    Returns:
        A new array of the same shape.
    """
    if not recipe:
        return images
    pipeline = compose(recipe, _entropy(seed))
    copies = np.empty_like(images)
    for copy, image in zip(copies, images, strict=True):
        copy[:] = pipeline(image=image)["image"]
    return copies


def augment_with_parts(
    images: NDArray[np.uint8], parts: NDArray[np.int8], recipe: Recipe, *, seed: Sequence[int]
) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Draw the copies that :func:`augment` n_resamples, with labels that follow a mirror.

    Args:
        images: as there.
        parts: int8 (n, 4): left eye, right eye, nose, mouth replaced; -1 where unknown.
        recipe: as there.
        seed: as there.

    Returns:
        New arrays of the same shapes. Where a copy is a mirror image, its first two parts have changed
        places: the eye on the left of the image is the other one now.
    """
    if not recipe:
        return images, parts
    pipeline = compose(recipe, _entropy(seed), sides=True)
    copies, sides = np.empty_like(images), parts.copy()
    height, width = images.shape[1:3]
    points = _POINTS * (width, height)
    for k, image in enumerate(images):
        seen = pipeline(image=image, keypoints=points, sides=_SIDES)
        copies[k] = seen["image"]
        if _mirrored(np.asarray(seen["keypoints"]), np.asarray(seen["sides"])):
            sides[k, :2] = parts[k, 1::-1]
    return copies, sides


def _mirrored(points: NDArray[np.float64], sides: NDArray[np.int64]) -> bool:
    """Whether what was left is right now; no, where one side is no longer in the picture."""
    left, right = (points[sides == side] for side in (0, 1))
    return bool(len(left) and len(right) and np.median(left[:, 0]) > np.median(right[:, 0]))


def _entropy(seed: Sequence[int]) -> int:
    return int(np.random.SeedSequence(list(seed)).generate_state(1)[0])
