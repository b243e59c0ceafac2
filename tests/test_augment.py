import numpy as np
import pytest
from PIL import Image

from fakefaces.base.errors import ParamsError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.data.photographs import list_photographs
from fakefaces.features.extract import extract_bytes
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.file import load
from fakefaces.training.augmentation import Recipe, augment, augment_with_parts
from pipelines import augment as stage
from pipelines import duplicates, split, validate

PARTS = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [-1, -1, -1, -1]], dtype=np.int8)


def pictures(n: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def test_no_transforms_change_nothing():
    images = pictures()
    seen, parts = augment_with_parts(images, PARTS, Recipe([]), seed=[1])
    assert seen is images
    assert parts is PARTS


@pytest.mark.parametrize("name", ["HorizontalFlip", "Rotate180"])
def test_a_mirror_swaps_the_eyes_whatever_transform_made_it(name):
    transforms = {
        "HorizontalFlip": [("HorizontalFlip", {"p": 1.0})],
        "Rotate180": [("Affine", {"rotate": (180, 180), "p": 1.0})],
    }
    images = pictures()
    seen, parts = augment_with_parts(images, PARTS, Recipe(transforms[name]), seed=[1])
    assert parts.tolist() == [[0, 1, 1, 0], [1, 0, 0, 1], [-1, -1, -1, -1]]
    assert PARTS[0, 0] == 1  # the input is left alone
    if name == "HorizontalFlip":
        assert (seen == images[:, :, ::-1]).all()


def test_flips_and_parts_agree_image_by_image():
    images = pictures(40)
    parts = np.tile(PARTS[0], (40, 1))
    seen, sides = augment_with_parts(images, parts, Recipe([("HorizontalFlip", {"p": 0.5})]), seed=[5])
    mirrored = (seen == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 5 < mirrored.sum() < 35
    assert (sides[:, 1] == mirrored).all()


def test_shifts_with_a_reflecting_border_are_no_mirror():
    recipe = Recipe([("Affine", {"translate_percent": (-0.1, 0.1), "rotate": (-20, 20), "border_mode": 4, "p": 1.0})])
    parts = np.tile(PARTS[0], (40, 1))
    assert (augment_with_parts(pictures(40), parts, recipe, seed=[2])[1] == parts).all()


def test_an_eye_out_of_the_picture_is_no_mirror():
    recipe = Recipe([("Crop", {"x_max": 12, "y_max": 32}), ("Resize", {"height": 32, "width": 32})])
    assert (augment_with_parts(pictures(), PARTS, recipe, seed=[2])[1] == PARTS).all()


def test_the_seed_decides_every_copy():
    recipe = Recipe([("Affine", {"rotate": (-30, 30), "p": 1.0}), ("RandomBrightnessContrast", {"p": 1.0})])
    one, same, other = (augment_with_parts(pictures(), PARTS, recipe, seed=s)[0] for s in ([1, 2], [1, 2], [1, 3]))
    assert (one == same).all()
    assert (one != other).any()


def test_copies_are_the_same_with_parts_and_without():
    recipe = Recipe([("HorizontalFlip", {"p": 0.5}), ("Affine", {"translate_percent": (-0.1, 0.1), "p": 0.7})])
    images, parts = pictures(40), np.tile(PARTS[0], (40, 1))
    copies = augment(images, recipe, seed=[3, 1])
    assert (copies == augment_with_parts(images, parts, recipe, seed=[3, 1])[0]).all()
    assert (copies != images).any(axis=(1, 2, 3)).sum() > 20
    assert augment(images, Recipe([]), seed=[1]) is images


def test_a_recipe_survives_json():
    recipe = Recipe([("HorizontalFlip", {"p": 0.5})])
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (("HorizontalFlop", {}), "no transform 'HorizontalFlop'"),
        (("Compose", {}), "no transform 'Compose'"),
        (("HorizontalFlip", {"probability": 1}), "HorizontalFlip.*probability"),
        (("Affine", {"p": 7}), "Affine"),
    ],
)
def test_a_wrong_name_or_argument_is_one_message(step, reason):
    with pytest.raises(ParamsError, match=reason):
        augment_with_parts(pictures(), PARTS, Recipe([step]), seed=[1])


def test_the_stage_writes_both_recipes_and_the_picture(workspace):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    duplicates.main(params, layout)
    split.main(params, layout)
    validate.main(params, layout)
    stage.main(params, layout)
    assert read_json(layout.recipe("none")) == []
    standard = Recipe.from_json(read_json(layout.recipe("standard")))
    assert [name for name, _ in standard.transforms] == [step.name for step in params.augment.transforms]
    with Image.open(layout.reports / "augmentations.png") as drawn:
        assert drawn.width > 300
    first = (layout.reports / "augmentations.png").read_bytes()
    stage.main(params, layout)
    assert (layout.reports / "augmentations.png").read_bytes() == first


def test_the_strength_scales_the_probability_of_every_transform():
    images, always = pictures(60), Recipe([("HorizontalFlip", {"p": 1.0})])
    shares = {}
    for strength in (0.0, 0.25, 1.0):
        copies = augment(images, always.with_strength(strength), seed=[4])
        shares[strength] = (copies == images[:, :, ::-1]).all(axis=(1, 2, 3)).mean()
    assert shares[0.0] == 0
    assert shares[0.25] == pytest.approx(0.25, abs=0.12)
    assert shares[1.0] == 1
    assert not always.with_strength(0.0)
    assert always.with_strength(0.5).transforms == always.transforms
    assert always.strength == 1


def test_each_image_of_an_epoch_is_augmented_independently():
    equal = np.repeat(pictures(1), 40, axis=0)
    flipped = (augment(equal, Recipe([("HorizontalFlip", {"p": 0.5})]), seed=[4]) != equal).any(axis=(1, 2, 3))
    assert 8 < flipped.sum() < 32


def test_the_picture_shows_training_images_by_turns_of_kind_and_copies_that_differ(workspace, monkeypatch):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    faces = list_photographs(layout.data)
    number = faces.groupby(["label", "difficulty"]).cumcount()
    table = faces.assign(group=faces["image"], split=["train" if k else "test" for k in number])
    layout.images.parent.mkdir()
    table.to_csv(layout.images, index=False)
    params = params.model_copy(update={"augment": params.augment.model_copy(update={"examples": 5, "copies": 2})})
    drawn = {}
    monkeypatch.setattr(stage, "draw_augmentations", lambda path, rows, kinds: drawn.update(rows=rows, kinds=kinds))
    stage.main(params, layout)
    (originals, parts), (first, _), (second, _) = drawn["rows"]
    assert drawn["kinds"] == ["easy", "hard", "mid", "real", "easy"]
    names = ["easy_12_1111", "hard_15_0001", "mid_13_0011", "real_00001", "easy_16_1111"]
    for name, original in zip(names, originals, strict=True):
        (path,) = layout.data.rglob(f"{name}.jpg")
        assert np.array_equal(original, extract_bytes(FeatureSpec("pixels", len(original)), path.read_bytes()))
    assert parts.tolist() == [[1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]]
    recipe = Recipe([(step.name, step.arguments) for step in params.augment.transforms])
    for k, copies in enumerate((first, second)):
        assert np.array_equal(copies, augment(originals, recipe, seed=[params.seed, k]))
    assert not np.array_equal(first, second)
