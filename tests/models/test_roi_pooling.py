import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.data.face_regions import NAMES
from fakefaces.graphs.graph import Graph
from fakefaces.models import runtime
from fakefaces.models.backbones import make_backbone
from fakefaces.models.export import export
from fakefaces.models.roi_pooling import roi_pooled

LAYERS = ["block_1_expand_relu", "block_6_expand_relu"]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    runtime.start(seed=1, threads=2)
    root = tmp_path_factory.mktemp("weights")
    return make_backbone("MobileNetV2", size=96, weights="none", allow_random=False, seed=1, root=root).network


def shares(box: np.ndarray, side: int) -> np.ndarray:
    """The share of a box that lies in each cell, (side, side), by its definition."""
    left, top, right, bottom = box * side
    cells = np.arange(side)
    columns = np.clip(np.minimum(right, cells + 1) - np.maximum(left, cells), 0, None)
    rows = np.clip(np.minimum(bottom, cells + 1) - np.maximum(top, cells), 0, None)
    return np.outer(rows, columns) / ((right - left) * (bottom - top))


def random_images(n: int) -> np.ndarray:
    """Crops of noise, with boxes of regions."""
    rng = np.random.default_rng(0)
    images = np.zeros(n, [("crop", np.uint8, (96, 96, 3)), ("boxes", np.float32, (len(NAMES), 4))])
    images["crop"] = rng.integers(0, 256, (n, 96, 96, 3), dtype=np.uint8)
    low = rng.uniform(0, 0.8, (n, len(NAMES), 2))
    images["boxes"] = np.concatenate([low, low + rng.uniform(0.01, 0.2, low.shape)], axis=-1)
    return images


def test_maps_are_pooled_in_the_regions_of_each_image(backbone):
    import keras

    images = random_images(3)
    frozen, sizes = roi_pooled(backbone, LAYERS)
    features = Graph(export(frozen)).map(images, threads=2)
    core = backbone.layers[2]
    below = keras.Model(core.input, [core.get_layer(layer).output for layer in LAYERS])
    expected = []
    for maps in below.predict_on_batch(backbone.layers[1](images["crop"].astype(np.float32))):
        maps = np.asarray(maps, dtype=np.float64)
        weights = np.array([[shares(box, maps.shape[1]) for box in boxes] for boxes in images["boxes"]])
        means = np.einsum("bnyx,byxc->bnc", weights, maps)
        squares = np.einsum("bnyx,byxc->bnc", weights, maps**2)
        expected += [means, np.sqrt(np.maximum(squares - means**2, 0) + 1e-6)]
    assert features == pytest.approx(np.concatenate(expected, axis=-1), abs=2e-3)
    assert sizes == [2 * part.shape[-1] for part in expected[::2]]


def test_a_channel_that_is_the_same_everywhere_does_not_vary(backbone):
    images = random_images(4)
    normalised = backbone.layers[2].get_layer("block_1_expand_BN")
    before = normalised.get_weights()
    gamma, beta, mean, variance = normalised.get_weights()
    try:
        gamma[5], beta[5] = 1e-6, 2.2766  # as a channel of MobileNetV2's block 11 is with ImageNet's weights
        normalised.set_weights([gamma, beta, mean, variance])
        frozen, (size,) = roi_pooled(backbone, LAYERS[:1])
        features = Graph(export(frozen)).map(images, threads=2)
    finally:
        normalised.set_weights(before)
    means, deviations = features[..., 5], features[..., size // 2 + 5]
    assert means == pytest.approx(2.2766, abs=1e-4)
    assert deviations.std() < 1e-6  # shares of cells that sum up to a little less than 1 must not show


def test_a_layer_without_a_feature_map_is_an_error(backbone):
    with pytest.raises(ModelError, match="prepare.features: layers: .* has no map 'block_99'"):
        roi_pooled(backbone, ["block_99"])
