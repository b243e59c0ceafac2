from types import SimpleNamespace

import numpy as np
import pytest

from fakefaces.data.arrays import TrainArrays, ValidationArrays
from fakefaces.features.spec import FeatureSpec
from fakefaces.params.extractor import Harmonise
from fakefaces.training.familiarity import familiar
from fakefaces.training.fit import PreparedFeatures


def prepared(images, copies=(), sizes=(100, 110, 120), harmonise=None) -> PreparedFeatures:
    labels, replaced = np.zeros(len(images), np.float32), np.zeros((len(images), 4), np.int8)
    validation = ValidationArrays(np.float32(images), labels, replaced, copies=np.float32(copies))
    spec = FeatureSpec("residuals", 600, harmonise=harmonise)
    train = TrainArrays(np.float32(images), labels, replaced)
    return PreparedFeatures(train, validation, None, None, "w", spec, face_sizes=np.float32(sizes))


def head(n_outputs: int = 6):
    """A head whose last output is the only feature."""
    predict = lambda features, **options: np.column_stack([np.zeros((len(features), n_outputs - 1)), features])  # noqa: E731
    return SimpleNamespace(output_shape=(None, n_outputs), predict=predict)


def test_the_threshold_lets_most_left_out_images_and_copies_pass():
    images, copies = np.linspace(0, 0.2, 101), np.linspace(0, 1, 201)
    alone = familiar(prepared(images), head())
    assert alone is not None
    assert (np.float32(images) > alone.threshold).mean() <= 0.02
    assert (alone.left_out, alone.refused) == (101, (np.float32(images) > alone.threshold).sum())
    both = familiar(prepared(images, copies), head())
    assert both is not None
    assert 0.06 < (np.float32(copies) > both.threshold).mean() < 0.085
    assert (both.left_out, both.refused) == (201, (np.float32(copies) > both.threshold).sum())


def test_the_highest_output_is_always_unfamiliar():
    learned = familiar(prepared(np.ones(50)), head())
    assert learned is not None
    assert learned.unfamiliar(1.0)


def test_sizes_of_faces_are_those_of_training_images_and_of_their_copies():
    learned = familiar(prepared(np.zeros(9), sizes=[100, np.nan, 300]), head())
    assert learned is not None
    assert learned.face_sizes == pytest.approx((60, 300))
    for features in (
        prepared(np.zeros(9), sizes=[np.nan]),
        prepared(np.zeros(9), harmonise=Harmonise(sides=[64], quality=[90])),
    ):
        learned = familiar(features, head())
        assert learned is not None
        assert learned.face_sizes is None


def test_a_head_without_the_output_knows_nothing():
    assert familiar(prepared(np.zeros(9)), head(5)) is None
    assert familiar(prepared(np.zeros(9)), head(1)) is None
