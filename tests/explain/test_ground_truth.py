import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.data import images
from fakefaces.data.faces import PARTS
from fakefaces.data.photographs import list_photographs
from fakefaces.explain.ground_truth import SIDE, GroundTruth, box_mask, difference_mask, ground_truth_masks
from fakefaces.explain.localization import centre_heatmap, evaluate_localization, random_heatmaps
from tests.conftest import ROOT, picture
from tests.test_duplicates import scene

SETTINGS = {"min_inliers": 20, "seed": 1, "threads": 2}


def fake(image: str, bits: str, source: object = None) -> dict:
    return {"image": image, "label": 1, "group": image, "source": source} | dict(
        zip(PARTS, map(int, bits), strict=True)
    )


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    """The drawn fakes whose base is among the drawn reals."""
    manifest = pd.read_csv(ROOT / "samples" / "manifest.csv", dtype="str", keep_default_na=False)
    reals = manifest[(manifest["label"] == "real") & (manifest["decoy"] == "")].drop_duplicates("base")
    source = manifest["base"].map(reals.set_index("base")["image"])
    faces = list_photographs(ROOT / "samples")
    table = faces.merge(manifest.assign(source=source)[["image", "group", "source"]], on="image")
    return table[(table["label"] == 1) & table["source"].notna()].reset_index(drop=True)


def test_difference_masks_agree_with_the_drawn_masks(sample):
    pairs = sample[sample["difficulty"] == "easy"].head(6)
    drawn = ground_truth_masks(ROOT / "samples", pairs, **SETTINGS)
    assert {truth.origin for truth in drawn.values()} == {"mask"}
    precision, recall = [], []
    for row in pairs.itertuples():
        pixels = [images.decode(images.read(ROOT / "samples" / name)) for name in (row.image, row.source)]
        mask = difference_mask(*pixels, min_inliers=20, seed=1)
        small = np.asarray(Image.fromarray(mask).resize((SIDE, SIDE)))
        truth = drawn[row.image].mask
        precision.append((small & truth).sum() / small.sum())
        recall.append((small & truth).sum() / truth.sum())
    assert np.median(precision) > 0.9
    assert np.median(recall) > 0.6


def test_the_boxes_cover_the_drawn_parts(sample):
    shares = []
    for image, truth in ground_truth_masks(ROOT / "samples", sample, **SETTINGS).items():
        row = sample[sample["image"] == image].iloc[0]
        boxes = box_mask(part for part in PARTS if row[part] == 1)
        shares.append((truth.mask & boxes).sum() / truth.mask.sum())
    assert np.mean(shares) > 0.8


def test_the_source_counts_without_a_mask_file_and_the_name_without_a_source(sample, tmp_path):
    row = sample.iloc[0]
    for name in (row["image"], row["source"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / "samples" / name).read_bytes())
    (tmp_path / "f").mkdir()
    picture(np.random.default_rng(0), fake=True).save(tmp_path / "f" / "easy_1_0100.jpg")
    rows = [row.to_dict(), fake("f/unnamed.jpg", "0000"), fake("f/easy_1_0100.jpg", "0100")]
    known = ground_truth_masks(tmp_path, pd.DataFrame(rows), **SETTINGS)
    assert {image: truth.origin for image, truth in known.items()} == {
        row["image"]: "source",
        "f/easy_1_0100.jpg": "boxes",
    }
    assert (known["f/easy_1_0100.jpg"].mask == box_mask(["right_eye"])).all()  # no face is found in noise


def test_a_source_that_differs_everywhere_is_ignored(sample, tmp_path):
    row = sample.iloc[0]
    for name in (row["image"], row["source"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(ROOT / "samples" / name) as photograph:
            shade = np.asarray(photograph, dtype=float)
        if name == row["source"]:
            shade = shade * np.linspace(0.3, 1, shade.shape[1])[None, :, None]
        Image.fromarray(shade.astype(np.uint8)).save(tmp_path / name, quality=95)
    (truth,) = ground_truth_masks(tmp_path, pd.DataFrame([row.to_dict()]), **SETTINGS).values()
    assert truth.origin == "boxes"


def test_the_left_eye_is_on_the_left_of_the_image():
    left, right = (box_mask([name]) for name in ("left_eye", "right_eye"))
    assert left[:, : SIDE // 2].any() and not left[:, SIDE // 2 :].any()
    assert right[:, SIDE // 2 :].any() and not right[:, : SIDE // 2].any()


def test_localization_is_evaluated_on_fakes_with_ground_truth():
    rows = pd.DataFrame([fake(f"f/easy_{k}_0001.jpg", "0001") for k in range(30)] + [fake("r/1.jpg", "0000")])
    mask = box_mask(["mouth"])
    known = {image: GroundTruth("boxes", mask) for image in rows["image"] if image.startswith("f/")}
    heat = np.zeros((31, 12, 12), np.float32)
    heat[:, 9, 6] = 1  # in the mouth's box
    metrics = evaluate_localization(heat, rows, known, random_maps=50, n_resamples=100, seed=1)
    assert metrics.truth == {"boxes": 30}
    assert (metrics.n, metrics.model.pointing.value) == (30, 1.0)
    assert metrics.baselines["centre"].metrics.pointing.value == 0  # the middle of the picture is the nose
    assert metrics.baselines["random"].metrics.pointing.value < 0.3
    assert evaluate_localization(heat, rows, {}, random_maps=5, n_resamples=100, seed=1) is None


def test_random_heatmaps_are_resized_from_the_models_resolution():
    assert random_heatmaps((3, 3), 4, seed=1).shape == (4, SIDE, SIDE)
    assert (random_heatmaps((3, 3), 4, seed=1) == random_heatmaps((3, 3), 4, seed=1)).all()
    middle = np.unravel_index(centre_heatmap().argmax(), (SIDE, SIDE))
    assert abs(middle[0] - SIDE / 2) <= 1


def spliced(
    folder,
    top: int,
    bottom: int,
    left: int,
    right: int,
    name: str = "f/easy_1_0001.jpg",
    bits: str = "0001",
    quality: int = 95,
) -> GroundTruth | None:
    """The ground truth of a fake: its source, shifted, with one rectangle (in pixels of 300) replaced."""
    source = scene(1)
    shift = np.array([[1.0, 0, 30], [0, 1, 24]])
    # Where the source does not reach, the fake shows another scene.
    pixels = cv2.warpAffine(source, shift, (300, 300), dst=scene(3), borderMode=cv2.BORDER_TRANSPARENT)
    replaced = pixels[top:bottom, left:right]
    replaced[:] = np.where(replaced.mean(axis=2, keepdims=True) < 128, 255, 0)
    for path, image in ((name, pixels), ("r/1.png", source)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / path, quality=quality)
    row = fake(name, bits, "r/1.png") if bits else fake(name, "0000", "r/1.png") | dict.fromkeys(PARTS)
    return ground_truth_masks(folder, pd.DataFrame([row]), **SETTINGS).get(name)


def test_the_difference_is_marked_in_the_fakes_frame_and_not_where_its_source_ends(tmp_path):
    truth = spliced(tmp_path, 200, 255, 110, 200)
    assert truth.origin == "source"
    rows, columns = np.nonzero(truth.mask)
    assert (rows.mean() * 300 / SIDE, columns.mean() * 300 / SIDE) == pytest.approx((227, 155), abs=8)
    assert not truth.mask[:, :6].any() and not truth.mask[:4].any()
    assert truth.mask.mean() == pytest.approx(55 * 90 / 300**2, rel=0.35)


def test_a_difference_outside_of_the_named_parts_is_rejected(tmp_path):
    assert spliced(tmp_path, 200, 255, 110, 200, "f/easy_1_1000.jpg", "1000").origin == "boxes"


def test_a_difference_of_a_fake_without_named_parts_is_accepted_unless_it_covers_half_the_image(tmp_path):
    assert spliced(tmp_path / "small", 40, 100, 60, 150, "f/unnamed.jpg", "").origin == "source"
    assert spliced(tmp_path / "large", 90, 300, 30, 300, "f/unnamed.jpg", "") is None


def test_a_mask_file_takes_precedence_and_is_thresholded_at_half_white(tmp_path):
    shade = np.zeros((SIDE, SIDE), np.uint8)
    shade[:8], shade[8:16] = 200, 100
    shade[20:24, ::2] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(shade).save(tmp_path / "masks" / "easy_1_0001.png")
    truth = spliced(tmp_path, 200, 255, 110, 200)
    assert truth.origin == "mask"
    assert (truth.mask == (shade > 127)).all()
    Image.fromarray(np.repeat(np.repeat(shade, 2, 0), 2, 1)[:, ::-1]).save(tmp_path / "masks" / "easy_1_0001.png")
    assert (spliced(tmp_path, 200, 255, 110, 200).mask == (shade > 127)[:, ::-1]).all()
    row = fake("f/easy_1_0001.jpg", "0001")
    (without,) = ground_truth_masks(tmp_path, pd.DataFrame([row]), masks=False, **SETTINGS).values()
    assert without.origin == "boxes"
    Image.fromarray(np.zeros_like(shade)).save(tmp_path / "masks" / "easy_1_0001.png")
    assert spliced(tmp_path, 200, 255, 110, 200).origin == "source"  # an empty mask is ignored


def test_a_cell_of_a_shrunk_mask_is_true_from_half_of_its_area_on(tmp_path):
    (tmp_path / "masks").mkdir()
    fine = np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
    fine[0, 0] = 255  # a quarter of the first cell
    fine[0:2, 2] = 255  # half of the second
    Image.fromarray(fine).save(tmp_path / "masks" / "easy_1_0001.png")
    row = fake("f/easy_1_0001.jpg", "0001")
    (truth,) = ground_truth_masks(tmp_path, pd.DataFrame([row]), **SETTINGS).values()
    assert np.argwhere(truth.mask).tolist() == [[0, 1]]


def test_compression_artefacts_are_no_difference(tmp_path):
    assert spliced(tmp_path, 0, 0, 0, 0).origin == "boxes"
    assert spliced(tmp_path, 0, 0, 0, 0, "f/unnamed.jpg", "", quality=20) is None
