import numpy as np
import pandas as pd

from fakefaces.evaluation.decision_metrics import LikelihoodRatio
from fakefaces.evaluation.estimates import Estimate
from fakefaces.reporting.html.tippett import tippett, weight_of_evidence

RATIO = LikelihoodRatio(
    slope=1, intercept=0, low=-1.5, high=1.0, n_reals=30, n_fakes=12,
    cllr=Estimate(value=0.7, interval=(0.6, 0.8)), min_cllr=0.65,
)  # fmt: skip
TEST = pd.DataFrame({"label": [0, 0, 1, 1], "p_fake": [0.001, 0.5, 0.5, 0.999]})


def test_lines_fall_from_all_images_to_those_at_the_upper_limit():
    spec = tippett(RATIO, TEST)
    rows = pd.DataFrame(spec["data"]["values"])
    for name, at_the_end, above_zero in (("fakes", 0.5, 1.0), ("reals", 0.0, 0.5)):
        line = rows[rows["images"] == name].sort_values("x")
        assert np.all(np.diff(line["share"]) <= 0)
        assert (line["x"].iloc[0], line["share"].iloc[0]) == (-1.5, 1.0)
        assert (line["x"].iloc[-1], line["share"].iloc[-1]) == (1.0, at_the_end)
        assert line.loc[line["x"] == 0, "share"].item() == above_zero


def test_without_a_calibration_or_images_there_is_no_plot():
    assert tippett(None, TEST) is None
    assert tippett(RATIO, TEST.head(0)) is None
    assert len({row["images"] for row in tippett(RATIO, TEST.head(2))["data"]["values"]}) == 1


def test_the_card_says_limits_images_and_cost():
    sentence = weight_of_evidence(RATIO)
    assert "from -1.50 to +1.00" in sentence and "30 real and 12 fake" in sentence
    assert "Cllr 0.700 [0.60, 0.80]" in sentence and "0.650" in sentence
    assert "not calibrated" in weight_of_evidence(None)
