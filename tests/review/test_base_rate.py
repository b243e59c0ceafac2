"""Which error rates are those of the detector under review."""

import numpy as np
import pandas as pd

from fakefaces.base.paths import Layout
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.inference.metadata import DetectorMetadata, Operating
from fakefaces.review.base_rate import error_rates
from tests.detectors import DEFAULTS
from tests.metrics import EVALUATOR


def detector(threshold: float | None, name: str = "m") -> DetectorMetadata:
    operating = None if threshold is None else Operating(threshold=threshold, low=None, high=None)
    return DetectorMetadata(**DEFAULTS | {"model": name, "operating": operating})


def test_error_rates_are_those_of_this_model_at_this_threshold_only(tmp_path):
    label = np.arange(80) % 2
    scores = np.random.default_rng(1).normal(label, 0.7)
    table = pd.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(80)],
            "label": label,
            "p_fake": 1 / (1 + np.exp(-scores)),
            "group": range(80),
        }
    )
    evaluation = EVALUATOR.evaluate(ScoredImages(table, table), weights="w", threshold=0.5)
    threshold = evaluation.operating_point.threshold
    assert error_rates(detector(threshold), tmp_path) is None  # nothing is evaluated yet
    path = Layout(tmp_path).metrics("m")
    evaluation.of_model(parameters=1, model_digest="model", test_digest="images").write(path)  # as the stage writes it
    rates = error_rates(detector(threshold), tmp_path)
    called = table["p_fake"] >= threshold
    assert rates is not None and (rates.n_fakes, rates.n_reals) == (40, 40)
    assert (rates.recall, rates.fpr) == (called[label == 1].mean(), called[label == 0].mean())
    for other in (detector(threshold + 1e-9), detector(None), detector(threshold, "other")):
        assert error_rates(other, tmp_path) is None
    path.write_text("{broken")
    assert error_rates(detector(threshold), tmp_path) is None
    path.write_text("{}")
    assert error_rates(detector(threshold), tmp_path) is None
