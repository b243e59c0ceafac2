"""The features that each shortcut rule sees."""

import numpy as np
import pandas as pd
import pytest

from fakefaces.reporting.html.run_outputs import RULES
from fakefaces.validation.shortcuts import rule_features


def test_features_of_mixed_files_are_numbers():
    """Tables read back from disk and fresh ones, of JPEG and PNG, with and without EXIF."""
    n = 40
    table = pd.DataFrame(
        {
            "quantization": ["a"] * 25 + ["b", "c"] + [""] * 13,
            "subsampling": ["4:2:0"] * 27 + [""] * 13,
            "format": ["JPEG"] * 27 + ["PNG"] * 13,
            "width": 64,
            "height": 48,
            "bytes": np.arange(1, n + 1) * 1000,
            "program": ["Adobe Photoshop"] * 20 + ["GIMP"] + ["Paint"] + [""] * 18,
            "orientation": [1] * 30 + [6] * 10,
        }
    )
    appearance = np.zeros((n, 262), np.float32)
    features = rule_features(table, appearance)
    fresh = table.astype({"width": "Int64", "height": "Int64", "bytes": "Int64", "orientation": "Int64"})
    for rule, again in rule_features(fresh, appearance).items():
        assert (features[rule] == again).all()
        assert features[rule].dtype == np.float64
    assert tuple(features) == RULES
    assert features["header"].shape == (n, 3 + 2 + 2 + 3)  # the two rare tables share a column
    assert features["exif"].shape == (n, 3 + 1)
    assert features["exif"][:, -1].sum() == 10
    few = table.assign(program=["GIMP"] * 37 + [""] * 3)
    assert rule_features(few, appearance)["exif"].shape == (n, 2 + 1)  # no program is a value of its own, however rare


def test_a_value_of_ten_images_has_a_column_and_bytes_are_per_pixel():
    table = pd.DataFrame(
        {
            "quantization": ["a"] * 10 + ["b"] * 9 + ["c"],
            "subsampling": "4:2:0",
            "format": "JPEG",
            "width": [100] * 10 + [50] * 10,
            "height": 20,
            "bytes": 500,
            "program": "",
            "orientation": [1] * 19 + [None],
        }
    )
    table["orientation"] = table["orientation"].astype("Int64")
    thumbnails, colours = np.arange(20 * 256).reshape(20, 256), np.arange(20 * 6).reshape(20, 6)
    appearance = np.hstack([thumbnails, colours]).astype(np.float32)
    features = rule_features(table, appearance)
    header = features["header"]
    assert header.shape == (20, 2 + 1 + 1 + 3)
    assert sorted(header[:, :2].sum(axis=0)) == [10, 10]
    assert header[0, -3:] == pytest.approx(np.log([100, 20, 500 / 2000]))
    assert header[19, -3:] == pytest.approx(np.log([50, 20, 500 / 1000]))
    assert (features["thumbnail"] == thumbnails).all() and (features["colour"] == colours).all()
    assert features["exif"][:, -1].tolist() == [0.0] * 20  # an unknown orientation is not a rotated one
