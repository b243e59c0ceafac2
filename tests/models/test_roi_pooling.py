import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.data.face_regions import cell_weights
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


def test_maps_are_pooled_in_the_regions(backbone):
    import keras

    crops = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    frozen, sizes = roi_pooled(backbone, LAYERS)
    features = Graph(export(frozen)).map(crops, threads=2)
    core = backbone.layers[2]
    below = keras.Model(core.input, [core.get_layer(layer).output for layer in LAYERS])
    fine, coarse = below.predict_on_batch(backbone.layers[1](crops.astype(np.float32)))
    flat = [np.asarray(maps).reshape(3, -1, maps.shape[-1]) for maps in (fine, coarse)]
    means = [
        np.einsum("bp,npc->nbc", cell_weights(maps.shape[1]), values)
        for maps, values in zip((fine, coarse), flat, strict=True)
    ]
    squares = np.einsum("bp,npc->nbc", cell_weights(fine.shape[1]), flat[0] ** 2)
    deviation = np.sqrt(np.maximum(squares - means[0] ** 2, 0) + 1e-6)
    expected = np.concatenate(
        [means[0], deviation, means[1]], axis=-1
    )  # a map of 12 cells a side has no standard deviation
    assert features.shape == expected.shape
    assert sizes == [2 * fine.shape[-1], coarse.shape[-1]]
    assert np.abs(features - expected).max() < 1e-3


def test_a_layer_without_a_feature_map_is_an_error(backbone):
    with pytest.raises(ModelError, match="prepare.features: layers: .* has no map 'block_99'"):
        roi_pooled(backbone, ["block_99"])
