import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.data.corruptions import TRANSFORMS, corrupt, levels
from fakefaces.features.extract import extract
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.file import load
from pipelines import corrupt as stage
from tests.conftest import picture


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.asarray(picture(np.random.default_rng(3), fake=True, size=96))


def test_levels_keep_the_order():
    strengths = {"noise": [2], "jpeg": [90, 50], "blur": [1], "resize": [0.5]}
    assert levels(strengths) == [("jpeg", 90.0), ("jpeg", 50.0), ("blur", 1.0), ("resize", 0.5), ("noise", 2.0)]


@pytest.mark.parametrize(("name", "mild", "strong"), [("jpeg", 95, 50), ("blur", 0.5, 2), ("noise", 2, 10)])
def test_stronger_levels_are_farther_from_the_image(pixels, name, mild, strong):
    near, far = (corrupt(pixels, (name, level), quality=95, seed=[1]) for level in (mild, strong))
    assert near.shape == far.shape == pixels.shape
    error = [np.abs(out.astype(float) - pixels).mean() for out in (near, far)]
    assert 0 < error[0] < error[1]


def test_resize_is_the_factor_of_either_side(pixels):
    assert corrupt(pixels, ("resize", 0.5), quality=95, seed=[1]).shape == (48, 48, 3)


def test_jpeg_is_one_pass_of_the_encoder_and_the_others_end_with_one(pixels):
    assert np.array_equal(
        corrupt(pixels, ("jpeg", 70), quality=95, seed=[1]), images.decode(images.encode_jpeg(pixels, 70))
    )
    sharp, soft = (corrupt(pixels, ("blur", 0.5), quality=q, seed=[1]) for q in (95, 30))
    assert not np.array_equal(sharp, soft)


def test_noise_is_seeded(pixels):
    one, same, other = (corrupt(pixels, ("noise", 5), quality=95, seed=[s]) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_an_unknown_transform_is_refused(pixels):
    with pytest.raises(ValueError, match=", ".join(TRANSFORMS)):
        corrupt(pixels, ("swirl", 1), quality=95, seed=[1])


def test_the_stage_keeps_each_level_at_each_size(workspace):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    names = [f"training_real/real_{k:05d}.jpg" for k in range(6)]
    table = pd.DataFrame({"image": names, "split": ["train", *["test"] * 5], "group": [*"abccde"]})
    layout.images.parent.mkdir()
    table.to_csv(layout.images, index=False)
    stage.main(params, layout)
    index = json.loads((layout.corrupted / "index.json").read_text())
    assert index["images"] == names[1:]
    known = params.corrupt
    assert len(index["levels"]) == sum(map(len, (known.jpeg, known.blur, known.resize, known.noise)))
    arrays = np.load(layout.corrupted / "pixels-32.npy")
    assert arrays.shape == (len(index["levels"]), 5, 32, 32, 3)
    original = images.decode(images.read(layout.data / names[2]))
    q50 = index["levels"].index(["jpeg", 50.0])
    wanted = images.resize(corrupt(original, ("jpeg", 50.0), quality=95, seed=[0]), 32)
    assert np.array_equal(arrays[q50, 1], wanted)
    residuals = np.load(layout.corrupted / "residuals-256.npy")
    again = extract(FeatureSpec("residuals", 256), corrupt(original, ("jpeg", 50.0), quality=95, seed=[0]))
    assert np.array_equal(residuals[q50, 1], again)


def test_of_many_test_images_whole_photographs_are_drawn():
    table = pd.DataFrame({"image": [f"{k:02d}" for k in range(40)], "split": "test"})
    table["group"] = [f"g{k // 2}" for k in range(40)]
    drawn = stage.sampled_test_images(table, 10, seed=4)
    assert len(drawn) == 10
    assert table[table["image"].isin(drawn)]["group"].nunique() == 5
    assert drawn == stage.sampled_test_images(table, 10, seed=4) != stage.sampled_test_images(table, 10, seed=5)
    cross = table.assign(fold=[k // 2 % 3 for k in range(40)], validates=1)
    assert len(stage.sampled_test_images(cross, 100, seed=4)) == 40  # with folds all are tested
    fewer = table[table["group"] != "g7"]
    assert len(set(drawn) - set(stage.sampled_test_images(fewer, 10, seed=4))) <= 2  # others stay


def lightness(pixels: np.ndarray) -> np.ndarray:
    """The luma, which the shared JPEG compression keeps at full resolution; it halves that of chroma."""
    return pixels.astype(float) @ [0.299, 0.587, 0.114]


def test_the_strength_of_noise_is_its_standard_deviation_in_grey_levels():
    flat = np.full((96, 96, 3), 128, np.uint8)
    share = np.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    for strength in (3.0, 10.0):
        noisy = lightness(corrupt(flat, ("noise", strength), quality=100, seed=[1]))
        assert noisy.std() == pytest.approx(share * strength, rel=0.08)
        assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_the_strength_of_blur_is_its_standard_deviation_in_pixels():
    edge = np.full((64, 64, 3), 40, np.uint8)
    edge[:, 32:] = 220
    for sigma in (1.0, 2.0):
        blurred = lightness(corrupt(edge, ("blur", sigma), quality=100, seed=[1]))[32]
        expected = 40 + 180 * norm.cdf((np.arange(64) - 31.5) / sigma)
        assert np.abs(blurred - expected).max() < 4


def test_scaling_down_averages_pixels():
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, -1)
    assert np.abs(corrupt(board, ("resize", 0.5), quality=100, seed=[1]).astype(int) - 127).max() <= 2
    assert corrupt(np.zeros((40, 60, 3), np.uint8), ("resize", 0.5), quality=95, seed=[1]).shape == (20, 30, 3)


def test_each_test_image_has_noise_of_its_own_and_the_quality_of_the_parameters(workspace):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    values = {"jpeg": [], "blur": [], "resize": [], "noise": [5, 20], "quality": 60}
    params = params.model_copy(update={"corrupt": params.corrupt.model_copy(update=values), "seed": 8})
    names = [f"training_real/real_{k:05d}.jpg" for k in range(4)]
    table = pd.DataFrame({"image": names, "split": ["test", "validation", "test", "test"], "group": names})
    layout.images.parent.mkdir()
    table.to_csv(layout.images, index=False)
    stage.main(params, layout)
    index = json.loads((layout.corrupted / "index.json").read_text())
    assert index == {"images": [names[0], *names[2:]], "levels": [["noise", 5.0], ["noise", 20.0]]}
    arrays = np.load(layout.corrupted / "pixels-32.npy")
    for number, name in enumerate(index["images"]):
        data = images.read(layout.data / name)
        seed = [8, int(hashlib.sha256(data).hexdigest()[:12], 16)]  # of its own content
        for k, level in enumerate(index["levels"]):
            corrupted = corrupt(images.decode(data), tuple(level), quality=60, seed=seed)
            assert np.array_equal(arrays[k, number], images.resize(corrupted, 32))
