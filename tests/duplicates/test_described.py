from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fakefaces.duplicates.described import DescribedImages
from fakefaces.duplicates.features import Features, describe
from fakefaces.duplicates.pairs import SearchState, update


@pytest.fixture(scope="module")
def features(picture) -> dict[str, Features]:
    """A photograph, four crops of it, and one without a keypoint."""
    crops = {f"crop{k}": picture(0)[10 * k : 250 + 10 * k, 20:300] for k in range(4)}
    images = {"whole": picture(0), **crops, "blank": np.zeros((40, 50), np.uint8)}
    return {key: describe(image) for key, image in images.items()}


def test_an_image_is_described_once_however_many_it_resembles(features):
    asked: list[str] = []
    with DescribedImages(features, lambda key: asked.append(key) or features[key]) as described:
        expected = update(SearchState(), features, seed=3)
        found = update(SearchState(), described, seed=3, workers=1)
    assert len(found.pairs) == 10
    assert found.pairs.equals(expected.pairs)
    assert sorted(asked) == sorted(features)


def test_what_is_kept_is_what_was_described_whatever_thread_asks(features):
    keys = [*features] * 8
    with DescribedImages(features, features.__getitem__) as described, ThreadPoolExecutor(4) as pool:
        for key, kept in zip(keys, pool.map(described.__getitem__, keys), strict=True):
            assert kept.keypoints.tobytes() == features[key].keypoints.tobytes()
            assert kept.descriptors.tobytes() == features[key].descriptors.tobytes()
            assert (kept.shape, kept.reduction) == (features[key].shape, features[key].reduction)
        assert list(described) == list(features)
        assert len(described) == len(features)
