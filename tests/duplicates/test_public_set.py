"""Pairs of the public set, by name; the photographs are not part of the repository."""

from pathlib import Path

import cv2
import pytest

from fakefaces.duplicates.features import describe_all
from fakefaces.duplicates.groups import group_images
from fakefaces.duplicates.pairs import SearchState, find_pairs, update

PUBLIC = Path(__file__).parents[3] / "shared" / "data" / "ciplab"
PAIRS = [  # a fake and the real it was made of, then fakes that took a part of the other photograph
    ("training_fake/easy_100_1111.jpg", "training_real/real_00778.jpg"),
    ("training_fake/easy_12_1110.jpg", "training_real/real_00597.jpg"),
    ("training_fake/easy_158_0011.jpg", "training_real/real_00065.jpg"),
    ("training_fake/easy_100_1111.jpg", "training_real/real_00772.jpg"),
    ("training_fake/easy_148_0011.jpg", "training_real/real_00664.jpg"),
    ("training_fake/easy_14_1111.jpg", "training_fake/easy_29_0011.jpg"),
    ("training_fake/hard_174_1111.jpg", "training_fake/mid_21_0011.jpg"),  # 15 matching keypoints
]
OTHER_PHOTOGRAPH = [  # the same person, once more
    ("training_real/real_00053.jpg", "training_real/real_00054.jpg"),
    ("training_real/real_00457.jpg", "training_real/real_00458.jpg"),
    ("training_real/real_00067.jpg", "training_real/real_00068.jpg"),
]


def test_pairs_of_the_public_set():
    if not PUBLIC.is_dir():
        pytest.skip(f"the public set is not at {PUBLIC}")
    names = sorted({name for pair in PAIRS + OTHER_PHOTOGRAPH for name in pair})
    greys = ((name, cv2.imread(str(PUBLIC / name), cv2.IMREAD_GRAYSCALE)) for name in names)
    pairs = find_pairs(update(SearchState(), describe_all(greys), seed=0), 13)
    assert set(zip(pairs["a"], pairs["b"], strict=True)) == set(PAIRS)
    assert group_images(names, pairs).nunique() == len(names) - len(PAIRS)
