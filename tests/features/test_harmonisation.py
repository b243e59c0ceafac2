"""Images of two formats after the same sizes and encoders."""

import numpy as np
import pytest
from PIL import Image

from fakefaces.data import images
from fakefaces.features.extract import extract
from fakefaces.features.harmonisation import harmonised
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.extractor import Harmonise
from tests.conftest import picture

SETTINGS = Harmonise(sides=(80, 96), quality=(75, 85, 95))


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [np.asarray(picture(rng, fake=False, size=128)) for _ in range(40)]


def test_every_image_has_one_of_the_sizes_and_all_of_them_occur(pictures):
    shapes = {harmonised(pixels, SETTINGS).shape for pixels in pictures}
    assert shapes == {(80, 80, 3), (96, 96, 3)}
    wide = np.concatenate([pictures[0], pictures[1]], axis=1)
    height, width, _ = harmonised(wide, SETTINGS).shape
    assert width in SETTINGS.sides and height == width / 2


def test_what_an_image_gets_depends_on_its_pixels_alone(pictures):
    for pixels in pictures[:5]:
        assert np.array_equal(harmonised(pixels, SETTINGS), harmonised(pixels.copy(order="F"), SETTINGS))
    one = Harmonise(sides=(128,), quality=(75,))
    assert np.array_equal(harmonised(pictures[0], one), images.decode(images.encode_jpeg(pictures[0], 75)))


def test_sizes_and_qualities_are_drawn_independently_of_the_class(pictures):
    small = [np.asarray(Image.fromarray(pixels).resize((100, 100))) for pixels in pictures]
    first, second = ([harmonised(p, SETTINGS).shape[0] == 80 for p in group] for group in (pictures, small))
    assert 8 < sum(first) < 32 and 8 < sum(second) < 32


def test_features_are_those_of_the_harmonised_image(pictures):
    plain, spec = FeatureSpec("pixels", 32), FeatureSpec("pixels", 32, harmonise=SETTINGS)
    assert np.array_equal(extract(spec, pictures[0]), extract(plain, harmonised(pictures[0], SETTINGS)))
    assert not np.array_equal(extract(spec, pictures[0]), extract(plain, pictures[0]))
    other = FeatureSpec("pixels", 32, harmonise=Harmonise(sides=(80,), quality=(75,)))
    assert len({plain.file_name, spec.file_name, other.file_name}) == 3


def test_its_settings_travel_with_the_detector(tmp_path):
    from fakefaces.inference.metadata import DetectorMetadata, read_metadata

    metadata = DetectorMetadata(
        model="m", kind="custom_cnn", image_size=32, weights="w", threshold=0.5, parameters=1, harmonise=SETTINGS
    )
    (tmp_path / "detector.json").write_text(metadata.model_dump_json())
    assert read_metadata(tmp_path).spec == FeatureSpec("pixels", 32, harmonise=SETTINGS)
