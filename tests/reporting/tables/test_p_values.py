"""p-values as people read them."""

import math

import numpy as np
import pandas as pd
import pytest

from fakefaces.evaluation.comparisons import bootstrap_p, mcnemar_mid_p
from fakefaces.reporting.tables.p_values import p_text, with_p_texts


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, "–"), (math.nan, "–"), (1.0, "1.000"), (0.0213, "0.021"), (0.0005, "0.001"), (0.000499, "< 0.0005")],
)
def test_no_value_is_written_as_zero(p, text):
    assert p_text(p) == text


def test_an_exact_p_that_is_small_is_no_floor():
    assert p_text(mcnemar_mid_p(40, 0)) == "< 0.0005"


@pytest.mark.parametrize("undefined", [0, 150])
def test_the_smallest_that_resamples_show_is_a_floor_and_the_next_is_a_value(undefined):
    differences = np.full(2000 - undefined, 0.1)
    floor = bootstrap_p(differences)
    assert p_text(21 * floor, floor, 2000) == f"≤ {math.ceil(21000 * floor) / 1000:.3f}"
    differences[0] = -0.1
    following = bootstrap_p(differences)
    assert p_text(21 * following, following, 2000) == f"{21 * following:.3f}"


def test_a_floor_is_never_rounded_down():
    assert p_text(0.0202, 0.001, 2000) == "≤ 0.021"
    assert p_text(0.0001, 0.00002, 100_000) == "≤ 0.001"


def test_only_the_p_of_the_bootstrap_has_a_floor():
    row = {"accuracy_p": 1e-9, "accuracy_p_holm": 1e-8, "roc_auc_p": 0.001, "roc_auc_p_holm": 0.02}
    table = with_p_texts(pd.DataFrame([row, row | {"roc_auc_p": None, "roc_auc_p_holm": None}]), 2000)
    assert table["accuracy_p_text"].tolist() == ["< 0.0005"] * 2
    assert table["roc_auc_p_text"].tolist() == ["≤ 0.020", "–"]
