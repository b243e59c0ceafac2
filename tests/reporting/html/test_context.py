"""The page's context, from outputs that are stated here."""

import base64
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.model_metrics import Confusion
from fakefaces.evaluation.predictions import ScoredImages
from fakefaces.reporting.html import context, script_data
from fakefaces.tracking.trials import Trial
from tests.metrics import model_metrics
from tests.reporting.html.test_run_outputs import params_with
from tests.test_duplicates import scene

COMPARISON = {
    "first": "first",
    "roc_auc_low": None,
    "accuracy_p_holm": 0.00001,
    "roc_auc_p": 0.002,
    "roc_auc_p_holm": 0.006,
}


def faces() -> pd.DataFrame:
    """Four reals and three fakes."""
    table = pd.DataFrame(
        {
            "image": list("abcdefg"),
            "label": [0, 0, 0, 0, 1, 1, 1],
            "difficulty": ["", "", "", "", "easy", "", "hard"],
            "split": ["train", "validation", "test", "test", "train", "train", "test"],
            "group": ["1", "2", "3", "4", "1", "5", "4"],
            "width": [300] * 6 + [200],
            "height": 150,
        }
    )
    return table.assign(**dict.fromkeys(PARTS, 0)).astype(dict.fromkeys(PARTS, "Int64"))


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    layout = Layout(tmp_path)
    layout.data.mkdir()
    for k, name in enumerate("abcdefg"):  # each with a shade of its own
        Image.new("RGB", (40, 40), (30 * k + 20,) * 3).save(layout.data / name, "PNG")
    table = faces()
    predictions = table[table["split"] == "test"].reset_index(drop=True)
    predictions = predictions.assign(first=[0.9, 0.2, 0.6], best=[0.35, 0.25, 0.8])
    scored = table.assign(p_fake=[0.1, 0.3, 0.9, 0.2, 0.8, 0.7, 0.6])
    return SimpleNamespace(
        thresholds={"first": 0.5, "best": 0.3},
        n_resamples=1000,
        scored=lambda name: ScoredImages(validation=scored, test=scored[scored["split"] == "test"]),
        params=params_with("first", "best"),
        layout=layout,
        models=["first", "best"],
        best="best",
        images=table,
        predictions=predictions,
        metrics={
            "first": model_metrics(threshold=0.5),
            "best": model_metrics(threshold=0.3),
        },
        heatmaps={"best": np.arange(1, 13, dtype=np.uint8).reshape(3, 2, 2)},
        truth={},
        comparisons=pd.DataFrame([COMPARISON]),
        results=pd.DataFrame({"n": [3, 9], "groups": [2, 9], "majority_rate": [2 / 3, 0.9]}),
        data_digest="0123",
        duplicate_pairs=pd.DataFrame({"a": ["a"], "b": ["e"], "inliers": [20]}),
        trials=[Trial(0, {}, None, pruned=True), Trial(1, {}, 0.7, pruned=False), Trial(2, {}, None, pruned=True)],
    )


def test_facts_are_counted_over_the_right_images(run):
    facts = context.facts(run)
    assert (facts["images"], facts["reals"], facts["fakes"], facts["groups"]) == (7, 4, 3, 5)
    assert facts["difficulties"] == {"easy": 1, "unnamed": 1, "hard": 1}
    assert facts["splits"] == {"train": 3, "validation": 1, "test": 3}
    assert (facts["test_n"], facts["test_groups"], facts["majority_rate"]) == (3, 2, 2 / 3)
    assert facts["size"] == "300 × 150 and others"
    assert (facts["trials"], facts["pruned"], facts["duplicate_pairs"]) == (3, 2, 1)
    assert facts["max_fpr"] == run.params.evaluate.max_fpr


def grey(uri: str) -> int:
    """The mean grey level of an image in the page."""
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as shown:
        return round(float(np.asarray(shown.convert("L")).mean()))


def shade(name: str) -> int:
    return 30 * "abcdefg".index(name) + 20


def test_samples_are_training_images_of_each_kind(run):
    samples = context.samples(run)
    assert {kind: [sample["name"] for sample in shown] for kind, shown in samples.items()} == {
        "real": ["a"],
        "easy": ["e"],
        "fake": ["f"],
    }
    for (sample,) in samples.values():
        assert grey(sample["uri"]) == pytest.approx(shade(sample["name"]), abs=3)


def test_the_script_has_scores_thresholds_and_heatmaps_of_each_model(run):
    data = script_data.script_data(run, {"roc": 1})
    assert (data["models"], data["best"], data["thresholds"]) == (["first", "best"], "best", [0.5, 0.3])
    assert data["all"] == {
        "image": ["c", "d", "g"],
        "label": [0, 0, 1],
        "scores": [[0.9, 0.2, 0.6], [0.35, 0.25, 0.8]],
    }
    assert data["heat"] == {"best": [2, 2]}
    assert [(image["name"], image["scores"]) for image in data["images"]] == [
        ("c", [0.9, 0.35]),
        ("d", [0.2, 0.25]),
        ("g", [0.6, 0.8]),
    ]
    for image, first in zip(data["images"], (1, 5, 9), strict=True):
        assert list(base64.b64decode(image["heat"]["best"])) == list(range(first, first + 4))
        assert grey(image["uri"]) == pytest.approx(shade(image["name"]), abs=3)
    assert data["comparisons"] == [COMPARISON | {"accuracy_p_text": "< 0.0005", "roc_auc_p_text": "≤ 0.006"}]


def test_the_script_plans_by_independent_test_images_and_by_the_rates_on_validation(run):
    planning = script_data.planning(run)
    assert (planning["n_reals"], planning["n_fakes"]) == (2, 1)  # groups 3 and 4 hold a real, 4 a fake
    first, best = planning["curves"]
    assert first == best
    assert first[0] == [0.95, 0.0, 0.0]  # above every score
    assert first[-1] == [0.0, 1.0, 1.0]
    assert [0.5 * (0.6 + 0.3), 1.0, 0.25] in [[pytest.approx(number) for number in row] for row in first]


def test_scores_are_short_but_never_on_the_other_side_of_their_threshold():
    table = pd.DataFrame({"a": [0.123456, 0.380612, 0.380611, 0.999999], "b": 0.55555})
    rounded = script_data.rounded(table, {"a": 0.3806115, "b": 0.5})
    assert rounded["a"].tolist() == [0.1235, 0.380612, 0.3806, 1.0]
    assert (rounded["b"] == 0.5556).all()


def test_a_model_that_was_trained_for_one_epoch_has_no_curve(run):
    epochs = {"first": pd.DataFrame({"epoch": [1.0, 2.0]}), "best": pd.DataFrame({"epoch": [1.0]})}
    assert [name for name, table in epochs.items() if context.has_curve(table)] == ["first"]
    assert not context.has_curve(pd.DataFrame())


def test_decisions_are_counted_where_each_model_decides(run):
    decided = context.decisions(run)
    # of the test images c (real, 0.9), d (real, 0.2) and g (fake, 0.6)
    assert (decided["first"].threshold, decided["best"].threshold) == (0.5, 0.3)
    assert decided["best"].confusion == Confusion(tp=1, fp=1, fn=0, tn=1)
    assert (decided["best"].rates.recall, decided["best"].rates.fpr) == (1.0, 0.5)
    assert decided["best"].precision.value == pytest.approx(0.01 / (0.01 + 0.99 * 0.5), abs=1e-6)


def test_of_more_images_than_fit_the_most_confident_of_the_best_model_are_shown(run):
    report = run.params.report.model_copy(update={"gallery": 2})
    run.params = run.params.model_copy(update={"report": report})
    run.predictions["first"] = [0.1, 0.2, 0.6]
    images = script_data.script_data(run, {})["images"]
    # The best model's threshold is 0.3: c is a false positive, d a true negative, g a true positive.
    assert [image["name"] for image in images] == ["c", "d"]
    assert [base64.b64decode(image["heat"]["best"])[0] for image in images] == [1, 5]
    run.best = "first"  # its threshold is 0.5
    run.predictions["first"] = [0.4, 0.2, 0.6]  # no false positive
    images = script_data.script_data(run, {})["images"]
    assert [image["name"] for image in images] == ["d", "g"]
    assert [base64.b64decode(image["heat"]["best"])[0] for image in images] == [5, 9]
    assert [grey(image["uri"]) for image in images] == pytest.approx([shade("d"), shade("g")], abs=3)


def test_the_pairs_with_most_inliers_come_first_with_their_labels(run):
    for k, name in enumerate("abefg"):
        Image.fromarray(scene(k % 2 + 1)).save(run.layout.data / name, "PNG")
    rows = [("a", "e", 40), ("b", "f", 90), ("c", "d", 95), ("a", "gone", 99), ("a", "g", 50)]
    run.duplicate_pairs = pd.DataFrame(rows, columns=["a", "b", "inliers"])
    report = run.params.report.model_copy(update={"pairs": 3})
    run.params = run.params.model_copy(update={"report": report})
    # c and d are plain and cannot be aligned; a fourth pair would be over the limit.
    assert [(pair["names"], pair["inliers"]) for pair in context.pairs(run)] == [
        ([("b", "real"), ("f", "fake")], 90),
        ([("a", "real"), ("g", "fake")], 50),
    ]
