"""Heatmaps of stub detectors: on which parts they lie, how they are evaluated and drawn."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.base.errors import ModelError
from fakefaces.data.face_regions import PART_OUTLINES
from fakefaces.data.faces import PARTS
from fakefaces.explain import explanation
from fakefaces.explain.feature_maps import FeatureMaps
from fakefaces.explain.ground_truth import SIDE, GroundTruth, box_mask
from fakefaces.explain.heatmaps import MAX_SIDE, detector_heatmaps, overlay_heatmap, part_score_heatmaps, resize_heatmap
from fakefaces.explain.localization import evaluate_localization, random_heatmaps
from fakefaces.explain.plots import plot_feature_maps
from fakefaces.inference.detector import Detector
from fakefaces.inference.metadata import DetectorMetadata, Operating
from tests.detectors import FunctionGraph
from tests.pictures import encoded


class Stub(Detector):
    """A detector that gives an image the row of outputs that its red value indexes."""

    def __init__(self, metadata: DetectorMetadata, rows: list[list[float]]) -> None:
        super().__init__(FunctionGraph(lambda image: rows[int(image.flat[0])], len(rows[0])), metadata)

    def read(self, data: bytes, name: str = "image") -> np.ndarray:
        super().read(data, name)
        with Image.open(io.BytesIO(data)) as image:
            return np.array([image.getpixel((0, 0))[0]])

    def read_faces(self, data: bytes, name: str = "image") -> tuple[list[tuple[np.ndarray, None]], None]:
        return [(self.read(data, name), None)], None


def metadata(extractor: str = "residuals") -> DetectorMetadata:
    point = Operating(threshold=0.6, low=0.3, high=0.8)
    return DetectorMetadata(
        model="m",
        kind="k",
        extractor=extractor,
        image_size=32,
        weights="w",
        threshold=0.5,
        parameters=1,
        operating=point,
    )


def png(red: int) -> bytes:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[..., 0], pixels[16:, :, 2] = red, 9
    return encoded(Image.fromarray(pixels))


def centre(part: str, side: int) -> tuple[int, int]:
    left, top, right, bottom = PART_OUTLINES[part]
    return int((top + bottom) / 2 * side), int((left + right) / 2 * side)


@pytest.mark.parametrize("place", range(4))
def test_part_scores_are_drawn_on_their_own_boxes(place):
    row = [0.99] + [0.8 if k == place else 0.2 for k in range(4)]
    done = []
    heat = detector_heatmaps(Stub(metadata(), [row]), np.zeros((1, 1)), lambda count, note: done.append(count))
    assert heat.shape == (1, MAX_SIDE, MAX_SIDE) and done == [1]
    assert np.unravel_index(heat[0].argmax(), heat[0].shape) == pytest.approx(centre(PARTS[place], MAX_SIDE), abs=1)
    other = PARTS[(place + 2) % 4 if place < 2 else place - 2]
    assert heat[0][centre(other, MAX_SIDE)] < 0.5


def test_where_blobs_meet_the_higher_one_counts():
    (heat,) = part_score_heatmaps(np.ones((1, 4)))
    assert [heat[centre(part, MAX_SIDE)] > 0.95 for part in PARTS] == [True] * 4
    alone = [part_score_heatmaps(np.eye(4)[[k]])[0] for k in range(4)]
    np.testing.assert_allclose(heat, np.max(alone, axis=0), atol=0.03)


def test_a_blob_is_as_wide_and_as_high_as_its_box():
    (heat,) = part_score_heatmaps(np.eye(4)[[PARTS.index("mouth")]])  # 220 by 140 of 600
    y, x = centre("mouth", MAX_SIDE)
    assert heat[y, x + 5] > heat[y + 5, x] + 0.2


def fakes_last() -> tuple[np.ndarray, pd.DataFrame, dict[str, GroundTruth]]:
    """Twenty reals, then twenty fakes of ten photographs with the mouth replaced, where their heatmaps peak."""
    names = [f"r{k}" for k in range(20)] + [f"f{k}" for k in range(20)]
    images = pd.DataFrame({"image": names, "group": [f"g{k // 2 % 10}" for k in range(40)]})
    images = images.assign(label=[0] * 20 + [1] * 20)
    mask = box_mask(["mouth"])
    heatmaps = np.zeros((40, 12, 12), np.float32)
    heatmaps[:20, 0, 0] = 1
    heatmaps[20:, 9, 6] = 1
    return heatmaps, images, {name: GroundTruth("boxes", mask) for name in names[20:]}


def test_each_fake_is_evaluated_by_its_own_heatmap_and_grouped_by_photograph():
    heatmaps, images, truth = fakes_last()
    metrics = evaluate_localization(heatmaps, images, truth, random_maps=40, n_resamples=50, seed=1)
    assert (metrics.n, metrics.groups, metrics.model.pointing.value, metrics.empty) == (20, 10, 1.0, 0.0)
    heatmaps[20:30] = 0
    assert (
        evaluate_localization(heatmaps, images, truth, random_maps=40, n_resamples=50, seed=1).model.pointing.value
        == 0.5
    )


def test_the_random_baseline_is_many_maps_at_the_models_resolution():
    heatmaps, images, truth = fakes_last()
    baselines = [
        evaluate_localization(heatmaps, images, truth, random_maps=200, n_resamples=50, seed=seed).baselines
        for seed in (1, 2)
    ]
    shares = [baseline["random"].metrics.pointing.value for baseline in baselines]
    area = box_mask(["mouth"]).mean()
    assert shares == pytest.approx([area, area], abs=0.03)


@pytest.mark.parametrize("shape", [(2, 2), (6, 6), (12, 12), (32, 32), (3, 5)])
def test_random_maps_peak_nowhere_more_often_than_elsewhere(shape):
    maps = random_heatmaps(shape, 400, seed=3)
    assert maps.shape == (400, SIDE, SIDE)
    y, x = np.unravel_index(maps.reshape(400, -1).argmax(axis=1), (SIDE, SIDE))
    frame = (np.minimum(y, SIDE - 1 - y) < SIDE // 8) | (np.minimum(x, SIDE - 1 - x) < SIDE // 8)
    assert frame.mean() == pytest.approx(1 - 0.75**2, abs=0.06)
    counts = np.histogram2d(y, x, bins=4, range=[[0, SIDE], [0, SIDE]])[0]
    assert counts.min() > 15  # of 25 expected in each sixteenth of the image
    assert np.array_equal(maps, random_heatmaps(shape, 400, seed=3))
    assert not np.array_equal(maps, random_heatmaps(shape, 400, seed=4))


def test_the_average_baseline_is_the_models_own_mean_map_of_the_reals():
    heatmaps, images, truth = fakes_last()

    def evaluated(rows: slice):
        return evaluate_localization(heatmaps[rows], images.iloc[rows], truth, random_maps=5, n_resamples=50, seed=1)

    everything = slice(None)
    assert evaluated(everything).baselines["average"].metrics.pointing.value == 0  # reals peak in the corner
    heatmaps[:20] = heatmaps[20:]  # a model that always looks at the mouth knows nothing of the image
    always = evaluated(everything)
    assert (always.model.pointing.value, always.baselines["average"].metrics.pointing.value) == (1, 1)
    assert "average" not in evaluated(slice(20, None)).baselines


def test_the_centre_baseline_is_a_gaussian_that_ends_at_the_edge():
    heatmaps, images, truth = fakes_last()
    around = np.zeros((SIDE, SIDE), bool)
    around[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = True
    truth = {image: GroundTruth("mask", around) for image in truth}
    metrics = (
        evaluate_localization(heatmaps, images, truth, random_maps=5, n_resamples=50, seed=1)
        .baselines["centre"]
        .metrics
    )
    assert metrics.pointing.value == 1
    assert metrics.energy.value == pytest.approx(
        0.63, abs=0.02
    )  # of a normal law, 79 % within 1.25 deviations on each axis


def test_parts_are_suspected_from_their_own_thresholds_on_the_likeliest_first():
    point = Operating(threshold=0.5, low=0.4, high=0.8, part_left_eye=0.5, part_right_eye=0.85, part_mouth=0.3)
    of_parts = metadata().model_copy(update={"operating": point})
    rows = [[0.7, 0.5, 0.9, 0.99, 0.7], [0.2, 0.1, 0.2, 0.3, 0.1], [0.9, 0.9, 0.1, 0.1, 0.29]]
    first, broken, second, third = explanation.explain_images(
        Stub(of_parts, rows), [("a", png(0)), ("x", b"none"), ("b", png(1)), ("c", png(2))], threads=2
    )
    assert first.parts == ("right_eye", "mouth", "left_eye")  # the nose has no threshold
    assert (first.score.p_fake, first.score.label, first.score.unsure) == (pytest.approx(0.7), "fake", True)
    assert broken.score.problem and broken.heatmap is None and broken.parts == ()
    assert second.parts == ()  # its heatmap has a warmest place all the same
    assert second.heatmap.max() == 1
    assert third.parts == ("left_eye",)


@pytest.mark.parametrize("extractor", ["pixels", "residuals"])
def test_without_thresholds_no_part_is_suspected(monkeypatch, extractor):
    heat = np.zeros((SIDE, SIDE), np.float32)
    heat[box_mask(["mouth"])] = 1
    monkeypatch.setattr(explanation, "detector_heatmaps", lambda detector, inputs, outlines: heat[None])
    row = [0.9] if extractor == "pixels" else [0.9, 0.9, 0.9, 0.9, 0.9]
    (explained,) = explanation.explain_images(Stub(metadata(extractor), [row]), [("a", png(0))], threads=1)
    assert explained.parts == ()
    assert (explained.heatmap == heat).all()


def test_without_a_heatmap_the_part_scores_stand_alone(monkeypatch):
    def refused(detector, inputs, outlines):
        raise ModelError("no convolution in this network")

    monkeypatch.setattr(explanation, "detector_heatmaps", refused)
    of_parts = metadata().model_copy(update={"operating": Operating(threshold=0.5, low=0, high=1, part_nose=0.8)})
    (explained,) = explanation.explain_images(Stub(of_parts, [[0.6, 0.1, 0.2, 0.9, 0.1]]), [("a", png(0))], threads=1)
    assert (explained.score.p_fake, explained.heatmap, explained.parts) == (pytest.approx(0.6), None, ("nose",))


def test_an_overlay_is_transparent_where_cold_and_red_where_hot():
    grey = np.full((40, 20, 3), 100, np.uint8)
    assert (overlay_heatmap(grey, np.zeros((2, 3), np.float32)) == 100).all()
    assert (overlay_heatmap(np.zeros_like(grey), np.ones((2, 3), np.float32)) == (140, 0, 0)).all()  # 55 % of pure red
    assert (overlay_heatmap(np.zeros_like(grey), np.full((2, 3), 0.5, np.float32)) == (70, 32, 4)).all()
    heat = np.zeros((2, 2), np.float32)
    heat[1, 0] = 1  # below, on the left
    change = np.abs(overlay_heatmap(grey, heat).astype(int) - grey).sum(axis=2)
    assert change[30:, :6].min() > 100 > 0 == change[:10].max()


def test_a_heatmap_is_interpolated_to_height_and_width():
    heat = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    assert resize_heatmap(heat, 4, 8).shape == (4, 8)
    assert resize_heatmap(heat, 4, 8)[0].tolist() == [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]


def test_feature_maps_are_tiled_in_their_order(tmp_path):
    maps = np.zeros((16, 4, 4), np.float32)
    maps[1] = 1  # the second of eight in the upper of two rows
    plot_feature_maps(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8), [FeatureMaps("c", maps, 16)], "title")
    with Image.open(tmp_path / "a.png") as shown:
        pixels = np.asarray(shown.convert("RGB"), dtype=int)
    yellow = np.abs(pixels - (253, 231, 37)).sum(axis=2) < 30  # the brightest of the palette
    rows, columns = np.nonzero(yellow)
    assert columns.mean() / pixels.shape[1] == pytest.approx(0.18, abs=0.03)
    dark = np.nonzero((np.abs(pixels - (68, 1, 84)).sum(axis=2) < 30).any(axis=1))[0]
    assert rows.min() - dark.min() < 4 and dark.max() > rows.max() + 50
