"""Photographs of the page: aligned with each other, and shrunk to fit."""

import cv2
import numpy as np
import pytest
from PIL import Image

from fakefaces.reporting.html.pictures import SIDES, align, data_uri, gallery_uris, photographs, shrink
from tests.test_duplicates import scene


def test_the_second_photograph_is_aligned_with_the_first_and_the_difference_is_where_they_differ(tmp_path):
    first = scene(1)
    moved = cv2.warpAffine(first, np.array([[1.0, 0, 24], [0, 1, -12]]), (300, 300), borderMode=cv2.BORDER_REFLECT)
    changed = moved.copy()
    changed[120:160, 180:220] = 255 - changed[120:160, 180:220]  # in the first: 24 to the left, 12 down
    for name, pixels in (("a.png", first), ("b.png", changed)):
        Image.fromarray(pixels).save(tmp_path / name)
    images = align(tmp_path, "a.png", "b.png", side=300, min_inliers=13, seed=1)
    aligned_first, aligned_second, difference = images
    assert (aligned_first == first).all()
    near = np.abs(aligned_second[60:120, 60:120].astype(int) - first[60:120, 60:120])
    assert near.mean() < 4
    assert difference.max() == 255
    assert difference[140:164, 164:188].mean() > 5 * difference[40:110, 60:240].mean()
    assert difference[140:164, 164:188].mean() > 60
    assert (difference[:, 290:] == 0).all()  # the second does not reach there


def test_photographs_are_as_large_as_fit_together(tmp_path):
    noise = [np.random.default_rng(k).integers(0, 256, (300, 300, 3), dtype=np.uint8) for k in range(2)]
    names = [f"{k}.png" for k in range(2)]
    for name, pixels in zip(names, noise, strict=True):
        Image.fromarray(pixels).save(tmp_path / name)
    sizes = {side: sum(len(data_uri(shrink(image, side))) for image in noise) for side in SIDES}

    def total(max_bytes: int) -> int:
        return sum(map(len, gallery_uris(tmp_path, names, max_bytes, threads=2)))

    assert total(sizes[640]) == sizes[640] == sizes[384]  # their own size
    assert total(sizes[384] - 1) == sizes[288]
    assert total(sizes[224]) == sizes[224]
    assert total(sizes[224] - 1) == sizes[176]
    assert total(0) == sizes[SIDES[-1]]


def test_photographs_keep_their_shape_and_small_ones_their_size(tmp_path):
    Image.new("RGB", (20, 10)).save(tmp_path / "small.png")
    Image.new("RGB", (400, 500)).save(tmp_path / "large.png")
    small, large = photographs(tmp_path, ["small.png", "large.png"], 250, threads=2)
    assert small.shape == (10, 20, 3)
    assert large.shape == (250, 200, 3)


@pytest.mark.parametrize("side", [8, 16])
def test_a_pair_has_the_requested_size(tmp_path, side):
    for name in ("a.png", "b.png"):
        Image.fromarray(scene(2)).save(tmp_path / name)
    images = align(tmp_path, "a.png", "b.png", side=side, min_inliers=13, seed=1)
    assert [image.shape for image in images] == [(side, side, 3)] * 3
