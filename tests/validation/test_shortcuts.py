from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from fakefaces.data.photographs import list_photographs
from fakefaces.evaluation.predictions import Predictions
from fakefaces.params.validate import Validate
from fakefaces.reporting.html.run_outputs import RULES
from fakefaces.validation.expectations import failures, validate_images
from fakefaces.validation.facts import image_facts
from fakefaces.validation.shortcuts import (
    audit,
    cross_val_predict,
    fit_predict,
    rule_features,
    stratified_group_folds,
)

SIZE, EACH = 48, 60  # pixels; images of a class
VALIDATION = Validate(
    formats=["JPEG"], min_side=16, max_side=99, max_bytes=10**5, min_class_share=0.2, min_readable_share=1.0
)
SHORTCUTS = "no rule that sees only the file or the framing separates fakes from reals"
SEPARATED = "no group of images of one photograph is in two splits"


@dataclass
class Plant:
    """A planted difference between fakes and reals."""

    quality: int = 90  # JPEG quality of fakes
    centre: float = 0.0  # grey levels by which the middle of fakes is brighter and the border darker
    tint: float = 0.0  # grey levels of red added to fakes
    program: str = ""  # EXIF Software tag of fakes


def write_set(root: Path, plant: Plant) -> pd.DataFrame:
    """Draw both classes in the same way except for the plant; returns their split table."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    bump = np.exp(-4 * (x**2 + y**2))
    bump -= bump.mean()
    for fake in (False, True):
        folder = root / ("fake" if fake else "real")
        folder.mkdir(parents=True)
        for k in range(EACH):
            slope = rng.normal(0, 20, (2, 1, 1, 3))
            pixels = rng.normal(128, 15, 3) + slope[0] * x[..., None] + slope[1] * y[..., None]
            pixels = pixels + rng.normal(0, 12, (SIZE, SIZE, 3))
            # Negated in reals, not left out, so that mean and spread of the colours are equal.
            pixels += (plant.centre if fake else -plant.centre) * bump[..., None]
            pixels[..., 0] += plant.tint if fake else 0
            exif = Image.Exif()
            if fake and plant.program:
                exif[0x0131] = plant.program
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(folder / f"mid_{k}_1000.jpg", quality=plant.quality if fake else 90, exif=exif)
    faces = list_photographs(root)
    split = np.where(np.arange(len(faces)) % 5 == 0, "test", "train")
    return faces.assign(group=faces["image"], split=split)


def validated(root: Path, plant: Plant) -> dict:
    split = write_set(root, plant)
    facts, appearance = image_facts(root, list(split["image"]), threads=1)
    table = split.merge(facts, on="image")
    shortcuts = audit(rule_features(table, appearance), table["label"], table["group"], n_resamples=400, seed=1)
    return validate_images(table, VALIDATION, None, shortcuts)


@pytest.mark.parametrize(
    ("rule", "plant"),
    [
        ("header", Plant(quality=75)),
        ("thumbnail", Plant(centre=40)),
        ("colour", Plant(tint=60)),
        ("exif", Plant(program="Adobe Photoshop")),
    ],
)
def test_a_planted_shortcut_is_reported_with_its_metric(tmp_path, rule, plant):
    summary = validated(tmp_path, plant)
    assert summary["success"]  # worth knowing, and no reason to stop
    (line,) = [line for line in failures(summary, "warning") if SHORTCUTS in line]
    results = {result["rule"]: result for result in summary["shortcuts"]}
    assert f"{rule}: ROC AUC {results[rule]['roc_auc']:.2f}" in line
    assert results[rule]["beats_chance"]
    assert results[rule]["roc_auc"] > 0.9
    assert results[rule]["accuracy"] > results[rule]["majority_rate"]
    flagged = {other for other in RULES if f"{other}: ROC AUC" in line}
    # More red makes a brighter thumbnail, and EXIF a larger file; no other plant shows in another rule.
    allowed = {"colour": {"thumbnail"}, "exif": {"header"}}.get(rule, set())
    assert rule in flagged and flagged <= {rule} | allowed


def test_a_clean_set_passes_without_any(tmp_path):
    summary = validated(tmp_path, Plant())
    assert not [line for line in failures(summary, "warning") if SHORTCUTS in line or SEPARATED in line]
    assert not any(finding["beats_chance"] for finding in summary["shortcuts"])
    assert [finding["rule"] for finding in summary["shortcuts"]] == list(RULES)
    assert all(finding["majority_rate"] == 0.5 for finding in summary["shortcuts"])


def test_without_an_audit_there_is_no_shortcut_expectation(tmp_path):
    split = write_set(tmp_path, Plant())
    facts, _ = image_facts(tmp_path, list(split["image"]), threads=1)
    summary = validate_images(split.merge(facts, on="image"), VALIDATION, None)
    assert not any(SHORTCUTS in result["meaning"] for result in summary["expectations"])
    assert summary["shortcuts"] == []


@pytest.mark.parametrize("may_separate", [False, True])
@pytest.mark.parametrize("column", ["split", "fold"])
def test_a_leaking_group_is_reported(tmp_path, may_separate, column):
    split = write_set(tmp_path, Plant())
    facts, _ = image_facts(tmp_path, list(split["image"]), threads=1)
    table = split.merge(facts, on="image")
    if column == "fold":
        table = table.assign(split="train", fold=np.arange(len(table)) % 5)
    table.loc[[0, 1], "group"] = "one photograph"
    summary = validate_images(table, VALIDATION, None, groups_may_separate=may_separate)
    (line,) = failures(summary, "warning" if may_separate else "critical")[:1]
    assert line == f"{SEPARATED}: violated by 2: fake/mid_0_1000.jpg, fake/mid_10_1000.jpg"
    assert summary["success"] == may_separate


def random_set(n: int = 80, columns: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, columns)), rng.permutation(n) % 2, np.arange(n)


def test_constant_features_do_not_beat_chance():
    _, labels, groups = random_set(81)
    same = np.ones((81, 3))
    assert len(set(fit_predict(same, labels, groups < 50, seed=1))) == 1
    (result,) = audit({"exif": same}, labels, groups, n_resamples=100, seed=1)
    assert (result.roc_auc, result.interval, result.beats_chance) == (0.5, None, False)
    assert result.accuracy == result.majority_rate == pytest.approx(41 / 81)
    assert result.reason == "its features are the same in all images"
    assert str(result) == "exif: ROC AUC 0.50"


def test_useless_features_in_uneven_folds_are_not_below_chance():
    """Scores that follow each fold's own share of fakes would rank the folds the wrong way when pooled."""
    labels = np.arange(40) < 20
    groups = np.r_[np.zeros(9), np.arange(1, 32)].astype(int)
    features = np.ones((40, 1))
    features[-1] = 2
    fold = stratified_group_folds(Predictions.from_arrays(labels, np.zeros(40), groups), 5, seed=1)
    p_fake = cross_val_predict(features, labels, fold, seed=1)
    assert np.ptp(p_fake[:-1]) < 0.02  # with the folds' own shares of fakes 0.12: they lie between 0.41 and 0.53


@pytest.mark.parametrize("fakes", [0, 1])
def test_a_class_of_one_group_is_a_reason_not_a_crash(fakes):
    features, _, groups = random_set(30)
    labels = np.zeros(30, dtype=int)
    labels[: 5 * fakes] = 1
    groups[:5] = 0
    (result,) = audit({"header": features}, labels, groups, n_resamples=100, seed=1)
    assert result.roc_auc is None and result.interval is None and result.accuracy is None
    assert not result.beats_chance
    assert f"{fakes} with fakes" in result.reason
    assert str(result) == f"header: {result.reason}"


def test_no_images_are_a_reason_too():
    (result,) = audit({"header": np.zeros((0, 3))}, [], [], n_resamples=100, seed=1)
    assert (result.n, result.roc_auc, result.majority_rate) == (0, None, None)


def test_few_groups_have_a_metric_without_an_interval():
    features, labels, groups = random_set(16)
    features[:, 0] = labels
    (result,) = audit({"header": features[:, :1]}, labels, groups, n_resamples=100, seed=1)
    assert result.roc_auc == 1.0
    assert result.interval is None and not result.beats_chance
    assert "8 groups" in result.reason


def test_a_rule_that_is_always_right_beats_chance():
    _, labels, groups = random_set()
    (result,) = audit({"header": labels[:, None] * 1.0}, labels, groups, n_resamples=100, seed=1)
    assert (result.roc_auc, result.accuracy, result.beats_chance) == (1.0, 1.0, True)


def test_an_image_is_not_scored_by_a_classifier_that_saw_its_group():
    """Each photograph occurs twice with a random label: a classifier that saw the copy knows the label."""
    features, labels, groups = (np.repeat(values, 2, axis=0) for values in random_set(100, columns=60))
    roc_auc = [
        audit({"header": features}, labels, key, n_resamples=100, seed=1)[0].roc_auc for key in (np.arange(200), groups)
    ]
    assert roc_auc[0] > 0.65 and roc_auc[1] < 0.6


def test_random_labels_rarely_beat_chance():
    alarms = 0
    for seed in range(20):
        features, labels, groups = random_set(60, seed=seed)
        (result,) = audit({"colour": features}, labels, groups, n_resamples=100, seed=seed)
        alarms += result.beats_chance
    assert alarms <= 3  # at 5 %, more come in one of sixty runs


def test_the_labels_of_other_rows_do_not_reach_a_fitted_rule():
    features, labels, groups = random_set(columns=60)
    train = groups < 50
    first = fit_predict(features, labels, train, seed=3)
    assert first.shape == (80,) and first.dtype == np.float64
    assert (fit_predict(features, np.where(train, labels, 1 - labels), train, seed=3) == first).all()
    assert roc_auc_score(labels[train], first[train]) > 0.8


def test_a_rule_fitted_on_one_class_predicts_that_class():
    features, labels, _ = random_set()
    assert set(fit_predict(features, labels, labels == 1, seed=3)) == {1.0}


def test_the_same_seed_gives_the_same_findings():
    features, labels, groups = random_set()
    first, again = (audit({"colour": features}, labels, groups, n_resamples=100, seed=5) for _ in range(2))
    assert first == again
    assert first != audit({"colour": features}, labels, groups, n_resamples=100, seed=6)


def weakly_separable(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sixty images, of which the fakes' feature is a little larger."""
    labels = np.arange(60) % 2
    features = np.random.default_rng(seed).normal(size=(60, 1))
    features[:, 0] += 0.4 * labels
    return features, labels, np.arange(60)


def test_significance_is_corrected_for_the_number_of_rules():
    features, labels, groups = weakly_separable(4)
    (alone,) = audit({"header": features}, labels, groups, n_resamples=200, seed=1)
    four = audit(dict.fromkeys(RULES, features), labels, groups, n_resamples=200, seed=1)
    assert alone.beats_chance and alone.roc_auc == pytest.approx(0.6956, abs=1e-3)
    assert [result.beats_chance for result in four] == [False] * 4
    assert {(result.roc_auc, *result.interval) for result in four} == {(alone.roc_auc, *alone.interval)}


def test_an_interval_above_one_half_is_not_enough_as_folds_are_dependent():
    features, labels, groups = weakly_separable(0)
    (result,) = audit({"header": features}, labels, groups, n_resamples=200, seed=1)
    assert result.interval[0] > 0.5
    assert not result.beats_chance


def test_ten_groups_of_the_rarer_class_are_enough_to_beat_chance_and_nine_are_not():
    for fakes, expected in ((10, True), (9, False)):
        labels = np.arange(40) < fakes
        (result,) = audit({"header": labels[:, None] * 1.0}, labels, np.arange(40), n_resamples=100, seed=1)
        assert (result.roc_auc, result.beats_chance) == (1.0, expected)
        assert result.majority_rate == 1 - fakes / 40


def test_the_interval_resamples_images_of_one_photograph_together():
    features, labels, groups = (np.repeat(array, 4, axis=0) for array in weakly_separable(2))
    (together,) = audit({"header": features}, labels, groups, n_resamples=200, seed=1)
    (alone,) = audit({"header": features}, labels, np.arange(240), n_resamples=200, seed=1)
    wide, narrow = (result.interval[1] - result.interval[0] for result in (together, alone))
    assert wide > 1.5 * narrow
