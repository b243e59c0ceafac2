import threading

import numpy as np
import pytest

from fakefaces.data.arrays import TrainArrays
from fakefaces.training.augmentation import Augmenter, Recipe
from fakefaces.training.batches import batches

FLIPS = Recipe([("HorizontalFlip", {"p": 0.5}), ("VerticalFlip", {"p": 0.5})])


def pictures(n: int) -> TrainArrays:
    pixels = np.random.default_rng(0).integers(0, 256, (n, 6, 6, 3), dtype=np.uint8)
    return TrainArrays(pixels, (np.arange(n) % 3 == 0).astype(np.float32), np.zeros((n, 4), np.int8))


def test_batches_are_the_rows_in_order():
    arrays, order = pictures(10), np.random.default_rng(1).permutation(10)
    made = list(batches(arrays, order, Augmenter(Recipe([]), [0]), 4))
    assert [len(labels) for _, labels in made] == [4, 4, 2]
    assert np.array_equal(np.concatenate([features for features, _ in made]), arrays.features[order])
    assert np.array_equal(np.concatenate([labels for _, labels in made]), arrays.labels[order])


def test_copies_are_those_of_one_call_whatever_the_size_of_a_batch():
    arrays = pictures(23)
    whole = Augmenter(FLIPS, [3, 5])(arrays.features)
    assert not np.array_equal(whole, arrays.features)
    for size in (1, 4, 50):
        made = list(batches(arrays, np.arange(23), Augmenter(FLIPS, [3, 5]), size))
        assert np.array_equal(np.concatenate([features for features, _ in made]), whole)


def test_few_batches_are_made_before_they_are_needed():
    asked = []

    def augment(images):
        asked.append(len(images))
        return images

    made = batches(pictures(40), np.arange(40), augment, 4)
    next(made)
    made.close()
    assert len(asked) <= 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_a_fault_of_a_transform_reaches_the_training():
    def augment(images):
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        list(batches(pictures(4), np.arange(4), augment, 4))
