"""The residual features against an implementation that is slow and follows their definition."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from fakefaces.data.face_regions import portrait_boxes
from fakefaces.features.residuals.descriptor import GROUP_SIZES, residual_features
from fakefaces.features.residuals.window import face_window

FINE = {"first": 1.0, "second": 1.5, "third": 2.5, "square": 2.5}  # quantisation steps
COARSE = {"first": 3.0, "second": 4.0, "third": 6.0, "square": 6.0}
CHROMA = {"second": 1.5 / 4, "square": 2.5 / 4}  # of chroma in quarters of a code value
LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0))


def features_of(pixels: np.ndarray, longest: int = 600) -> np.ndarray:
    return residual_features(pixels, portrait_boxes(*pixels.shape[:2]), longest=longest)


def expected(pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Of a window with an even number of rows and columns, and its boxes."""
    y, cr, cb = np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb).astype(int), -1, 0)
    luma = [histogram(y, name, step, boxes) for steps in (FINE, COARSE) for name, step in steps.items()]
    weights = np.array([[128, -107, -21], [-43, -85, 128]]) / 256
    exact = np.moveaxis(pixels.astype(float) @ weights.T, -1, 0)
    means = [(plane[0::2, 0::2] + plane[1::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 1::2]) / 4 for plane in exact]
    chroma = [
        histogram(np.rint(4 * plane) / 4, name, step, places)
        for planes, places in ((exact, boxes), (means, boxes // 2))
        for plane in planes
        for name, step in CHROMA.items()
    ]
    noise = [statistics(pixels.astype(float), boxes)]
    return np.concatenate([*luma, *chroma, *noise, casts([cr, cb], boxes)], axis=1)


def histogram(plane: np.ndarray, name: str, step: float, boxes: np.ndarray) -> np.ndarray:
    classes = {}
    for triple in itertools.product(range(-2, 3), repeat=3):
        negative = tuple(-level for level in triple)
        classes[triple] = min(triple, triple[::-1], negative, negative[::-1])
    order = sorted(set(classes.values()))
    counts = np.zeros((len(boxes), len(order)))
    for plane_of_axis, across in (plane, boxes), (plane.T, boxes[:, [1, 0, 3, 2]]):
        residual = of_rows(plane_of_axis, name)
        ceiled = np.ceil(np.abs(residual) / step - 0.5)  # what is half a step away belongs to the lower level
        levels = (np.sign(residual) * np.minimum(ceiled, 2)).astype(int)
        for row, (left, top, right, bottom) in zip(counts, across, strict=True):
            triples = np.stack([levels[:-2], levels[1:-1], levels[2:]], axis=-1)[top:bottom, left:right]
            for triple, count in zip(*np.unique(triples.reshape(-1, 3), axis=0, return_counts=True), strict=True):
                row[order.index(classes[tuple(triple.tolist())])] += count
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True))


def of_rows(plane: np.ndarray, name: str) -> np.ndarray:
    if name != "square":
        return np.diff(plane, ("first", "second", "third").index(name) + 1, axis=0)
    kernel = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]])
    padded = np.pad(plane, 1, mode="reflect")
    height, width = plane.shape
    return sum(kernel[i, j] * padded[i : i + height, j : j + width] for i in range(3) for j in range(3))


def statistics(face: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    padded = np.pad(face, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    residual = np.clip(face - neighbours / 4, -12, 12)
    rows = []
    for left, top, right, bottom in boxes:
        channels = np.moveaxis(residual[top:bottom, left:right], -1, 0)
        variance, fourth = ((channels**power).mean(axis=(1, 2)) + 0.01 for power in (2, 4))
        row = [*np.log(variance), *np.log(fourth / variance**2)]
        for i, j in itertools.combinations(range(3), 2):
            row.append((channels[i] * channels[j]).mean() / np.sqrt(variance[i] * variance[j]))
        for channel, spread in zip(channels, variance, strict=True):
            height, width = channel.shape
            for down, across in LAGS:
                row.append((channel[down:, across:] * channel[: height - down, : width - across]).mean() / spread)
        rows.append(row)
    return np.array(rows)


def casts(planes: list[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    means = np.empty((len(boxes), len(planes), 2, 2))
    for region, (left, top, right, bottom) in enumerate(boxes):
        for index, plane in enumerate(planes):
            doubled = plane[top:bottom, left:right].repeat(2, axis=0).repeat(2, axis=1)  # halves of odd sizes are whole
            halves = [np.split(half, 2, axis=1) for half in np.split(doubled, 2, axis=0)]
            means[region, index] = [[cell.mean() for cell in row] for row in halves]
    means -= means[4:].mean(axis=(0, 2, 3), keepdims=True)
    left, right = means[..., :1], means[..., 1:]
    return np.concatenate([(left + right) / 2, abs(left - right) / 2], axis=-1).reshape(len(boxes), -1)


def smooth_noise(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height)
    ramp = 60 + 100 * np.linspace(0, 1, width)[None, :, None] * np.float64([1, 0.7, 0.4])
    return np.clip(ramp + rng.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8)


def harsh_noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def chequered(height: int, width: int) -> np.ndarray:
    return (np.indices((height, width)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def flat(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), (200, 120, 40), np.uint8)


@pytest.mark.parametrize("content", [smooth_noise, harsh_noise, chequered, flat])
@pytest.mark.parametrize("shape", [(64, 64), (65, 97), (151, 130)])
def test_residual_features_are_what_their_definition_says(content, shape):
    pixels = content(*shape)
    window = face_window(pixels, portrait_boxes(*shape), longest=600)
    features, reference = features_of(pixels), expected(window.pixels, window.boxes)
    counted = sum(GROUP_SIZES[:3])
    assert features[:, :counted] == pytest.approx(reference[:, :counted], abs=1e-6)
    assert features[:, counted:] == pytest.approx(reference[:, counted:], rel=1e-6, abs=1e-6)


def test_features_do_not_depend_on_the_number_of_threads():
    images = [smooth_noise(600, 600), harsh_noise(601, 399), flat(300, 300)]
    alone = [features_of(pixels) for pixels in images]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(features_of, images))
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        threaded = [features_of(pixels) for pixels in images]
    finally:
        cv2.setNumThreads(before)
    for one, other, third in zip(alone, together, threaded, strict=True):
        assert np.array_equal(one, other)
        assert np.array_equal(one, third)
