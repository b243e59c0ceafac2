"""Which test images are in the gallery, and their entries."""

import base64

import numpy as np
import pandas as pd

from fakefaces.reporting.html.pictures import entries, select


def test_all_images_are_shown_where_they_fit():
    predictions = pd.DataFrame({"image": ["a", "b"], "label": [0, 1]})
    assert select(predictions, pd.Series([0.1, 0.2]), 0.5, 2) == [0, 1]


def test_of_more_images_the_most_confident_correct_and_wrong_ones_of_each_class_are_shown():
    # Distances to the threshold of true positives: 1: 0.4, 4: 0.3; false negatives: 2: 0.2, 7: 0.1;
    # true negatives: 3: 0.4, 6: 0.5; false positives: 0: 0 (a score at the threshold is fake), 5: 0.2.
    predictions = pd.DataFrame({"image": list("abcdefgh"), "label": [0, 1, 1, 0, 1, 0, 0, 1]})
    scores = pd.Series([0.5, 0.9, 0.3, 0.1, 0.8, 0.7, 0.0, 0.4])
    assert select(predictions, scores, 0.5, 4) == [1, 2, 5, 6]
    assert select(predictions, scores, 0.5, 5) == [0, 1, 2, 5, 6]  # false positives come first
    assert select(predictions, scores, 0.75, 4) == [1, 2, 3, 6]  # no false positive
    assert select(predictions, scores, 0.5, 1) == [5]


def test_of_equally_confident_images_the_first_by_name_is_shown():
    predictions = pd.DataFrame({"image": ["b", "a", "c"], "label": [1, 1, 1]})
    assert select(predictions, pd.Series([0.9, 0.9, 0.9]), 0.5, 1) == [1]


def decoded(text: str) -> list[int]:
    return list(base64.b64decode(text))


def test_each_image_has_its_own_scores_heat_parts_and_truth():
    predictions = pd.DataFrame(
        {
            "image": ["f.jpg", "r.jpg", "g.jpg"],
            "label": [1, 0, 1],
            "difficulty": ["easy", "", ""],
            "left_eye": [0, 0, None],
            "right_eye": [1, 0, None],
            "nose": [0, 0, None],
            "mouth": [1, 0, None],
            "width": 300,
            "height": [200, 300, 300],
            "first": [0.1234, 0.2, 0.3],
            "second": [0.9, 0.8, 0.7],
        }
    ).astype(dict.fromkeys(("left_eye", "right_eye", "nose", "mouth"), "Int64"))
    heat = {
        "second": np.array([[[1, 2]], [[3, 4]], [[5, 6]]], np.uint8),
        "first": np.array([[[7, 8]], [[0, 0]], [[9, 9]]], np.uint8),
    }
    mask = np.zeros((8, 8), bool)
    mask[1, :2] = True
    truth, unfamiliar = {"g.jpg": ("mask", mask)}, {"second": {"g.jpg"}}
    first, second, third = entries(predictions, ["first", "second"], heat, truth, unfamiliar)
    assert (first["name"], first["label"], first["difficulty"]) == ("f.jpg", 1, "easy")
    assert first["size"] == [300, 200]
    assert first["parts"] == ["right eye", "mouth"]
    assert first["scores"] == [0.1234, 0.9]
    assert {name: decoded(text) for name, text in first["heat"].items()} == {"second": [1, 2], "first": [7, 8]}
    assert {name: decoded(text) for name, text in second["heat"].items()} == {
        "second": [3, 4]
    }  # a map without heat is left out
    assert (second["label"], second["parts"], second["scores"]) == (0, [], [0.2, 0.8])
    assert "mask" not in first and "truth" not in second
    assert (third["truth"], decoded(third["mask"])) == ("mask", [0, 0b11000000, 0, 0, 0, 0, 0, 0])
    assert third["parts"] == []
    assert [entry["unfamiliar"] for entry in (first, second, third)] == [[], [], ["second"]]
