"""The evaluate stage on files that were made up: which scores, split, fold, threshold and class each metric is of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from fakefaces.base.files import write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import cv_splits, images_digest, read_split
from fakefaces.evaluation import predictions
from fakefaces.evaluation.comparisons import compare_all
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import point_metrics
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.evaluation.predictions import ValidationPredictions
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.evaluation.shortcut_variance import variance_explained
from fakefaces.evaluation.thresholds import operating_threshold
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.params.file import Params, load
from fakefaces.reporting.tables.results import comparisons_table
from fakefaces.tracking.digests import digest
from pipelines import evaluate as stage

THRESHOLDS = {"custom_cnn": 0.4, "second": 0.65}  # in the metadata of the two models
RULES = ("header", "exif")


@dataclass
class RecordedRun:
    """Stands for an MLflow run, and keeps what is logged."""

    name: str
    role: str
    logged_params: dict = field(default_factory=dict)
    logged_metrics: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    files: list = field(default_factory=list)
    outputs: list = field(default_factory=list)

    def params(self, values):
        self.logged_params |= values

    def metrics(self, values):
        self.logged_metrics |= values

    def tag(self, name, value):
        self.tags[name] = value

    def artifact(self, path):
        self.files.append(path)

    def text(self, text, name):
        self.texts[name] = text

    def log_outputs(self, *paths):
        self.outputs += paths


@dataclass
class Evaluated:
    """The stage's inputs and outputs."""

    params: Params
    layout: Layout
    images: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    corrupted_scores: dict[str, pd.DataFrame]
    runs: list[RecordedRun]

    def model(self, name: str) -> ModelMetrics:
        return ModelMetrics.read(self.layout.metrics(name))

    def rule(self, name: str) -> Evaluation:
        return Evaluation.read(self.layout.metrics(f"rule_{name}"))

    def scored(self, name: str, split: str) -> pd.DataFrame:
        """The images that a model or rule scored as part of a split, with ``p_fake``; sorted by name."""
        scores = self.scores[name]
        chosen = scores.loc[scores["split"] == split, ["image", "p_fake"]]
        images = self.images.drop(columns="split")
        return images.merge(chosen, on="image").sort_values("image", ignore_index=True)

    @property
    def source(self) -> dict[str, str]:
        """The source of a fake: the real in the row before it, but for every fifth, which has too few inliers."""
        names = self.images["image"]
        return {names[2 * k + 1]: names[2 * k] for k in range(100) if k % 5}

    @property
    def resampling(self) -> Resampling:
        return Resampling(100, self.params.seed)


def made_up_images(protocol: str) -> pd.DataFrame:
    """``images.csv``: a hundred photographs, each with a fake of it; the names are not in the order of the rows."""
    rng = np.random.default_rng(8)
    n = 200
    label, group = np.arange(n) % 2, np.arange(n) // 2
    table = pd.DataFrame({"image": [f"{'rf'[fake]}/{997 * k % 1000:03d}.jpg" for k, fake in enumerate(label)]})
    table = table.assign(label=label, group=[f"g{code}" for code in group], format="JPEG")
    table["difficulty"] = np.where(label == 1, np.asarray(["easy", "mid", "hard"])[group % 3], "")
    for part in PARTS:
        table[part] = np.where(label == 1, rng.integers(0, 2, n), 0)
    table["sha256"] = [f"{7 * k % 211:064x}" for k in range(n)]
    table["quantization"] = np.where(group % 4 == 0, "q1", "q2")
    if protocol == "folds":
        table = table.assign(fold=group % 4, validates=(group % 3 == 0).astype(int))
        return table.assign(split=cv_splits(table)[0].table["split"])
    return table.assign(split=np.select([group < 40, group < 65], ["test", "validation"], "train"))


def made_up_scores(images: pd.DataFrame, rng: np.random.Generator, strength: float) -> pd.DataFrame:
    """Scores of the validation and test images of each fold, in no order; an image of two folds has two scores."""
    table = pd.concat(split.unseen for split in cv_splits(images)).sample(frac=1, random_state=5)
    p = 1 / (1 + np.exp(-rng.normal(strength * (table["label"] - 0.5), 1)))
    return table[["image", "split"]].assign(p_fake=p.round(8))


def run_stage_on_made_up_files(root: Path, small_params: dict, protocol: str) -> Evaluated:
    raw = yaml.safe_load(yaml.safe_dump(small_params))
    raw["split"]["protocol"] = protocol
    raw["train"]["models"] = {name: {"kind": "custom_cnn", "features": "pixels"} for name in THRESHOLDS}
    raw["train"]["threshold"] = 0.55
    raw["evaluate"] |= {"n_resamples": 100, "max_fpr": 0.2, "max_fnr": 0.1, "source_inliers": 50}
    root.mkdir()
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    layout, params, rng = Layout(root), load(root / "params.yaml"), np.random.default_rng(3)
    images = made_up_images(protocol)
    write_text(layout.images, images.to_csv(index=False))
    names = images["image"]
    pairs = [(names[k + 1], names[k], 60 if k % 10 else 40) for k in range(0, len(names), 2)]
    write_text(layout.duplicate_pairs, pd.DataFrame(pairs, columns=["a", "b", "inliers"]).to_csv(index=False))
    scores, corrupted_scores = {}, {}
    n_splits = len(cv_splits(images))
    for number, (name, threshold) in enumerate(THRESHOLDS.items()):
        for fold in range(n_splits):
            metadata = DetectorMetadata(
                model=name,
                kind="custom_cnn",
                image_size=32,
                weights=f"w of {name}",
                threshold=threshold,
                parameters=100 + number,
            )
            folder = layout.detector(name, fold, n_splits)
            folder.mkdir(parents=True)
            (folder / "network.keras").write_text(f"{name} {fold}")
            write_json(folder / "detector.json", metadata.model_dump())
        scores[name] = made_up_scores(images, rng, 1.5 - number)
        first = (scores[name]["split"] == "test").to_numpy().argmax()
        scores[name].iloc[first, scores[name].columns.get_loc("p_fake")] = threshold  # which is called fake
        corruptible = scores[name][scores[name]["split"] == "test"].iloc[5:]
        corrupted_scores[name] = pd.concat(
            corruptible[["image"]].assign(transform="jpeg", level=level, p_fake=corruptible["p_fake"] * level / 100)
            for level in (90, 50)
        )
        if name == "second":
            for part in PARTS:
                scores[name][part] = rng.random(len(scores[name])).round(8)
        write_text(layout.scores(name), scores[name].to_csv(index=False))
        write_text(layout.corrupted_scores(name), corrupted_scores[name].to_csv(index=False))
    for rule in RULES:
        scores[rule] = made_up_scores(images, rng, 0.5).assign(rule=rule)
    write_text(layout.shortcuts, pd.concat([scores[rule] for rule in RULES]).to_csv(index=False))
    runs = []

    @contextmanager
    def recorded_run(name: str, role: str) -> Iterator[RecordedRun]:
        runs.append(RecordedRun(name, role))
        yield runs[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "stage_run", recorded_run)
        stage.main(params, layout)
    return Evaluated(params, layout, images, scores, corrupted_scores, runs)


@pytest.fixture(scope="module", params=["grouped", "folds"])
def evaluated(request, small_params, tmp_path_factory) -> Evaluated:
    return run_stage_on_made_up_files(tmp_path_factory.mktemp("evaluated") / request.param, small_params, request.param)


def test_each_model_is_evaluated_on_its_own_scores_of_each_split_at_its_own_threshold(evaluated):
    with_folds = evaluated.params.split.protocol == "folds"
    for number, (name, threshold) in enumerate(THRESHOLDS.items()):
        model = evaluated.model(name)
        test, validation = evaluated.scored(name, "test"), evaluated.scored(name, "validation")
        assert (len(test), model.n_splits) == ((200, 4) if with_folds else (80, 1))
        assert (model.threshold, model.protocol) == (threshold, evaluated.params.split.protocol)
        assert (model.weights, model.parameters) == (f"w of {name}", 100 + number)
        assert model.model_digest == digest(evaluated.layout.model(name))
        assert model.test_digest == images_digest(test)
        source = test["image"].where(test["label"] == 1).map(evaluated.source)
        table = test.assign(encoding=test["quantization"], source=source)
        assert model.test == evaluate_scores(table, threshold, evaluated.resampling)
        assert model.test.paired.unpaired == (source.isna() & (test["label"] == 1)).sum() > 0
        assert model.validation == point_metrics(ValidationPredictions.from_table(validation), threshold)


def test_the_operating_point_is_chosen_on_validation_and_measured_on_test(evaluated):
    for name in THRESHOLDS:
        point = evaluated.model(name).operating_point
        test, validation = evaluated.scored(name, "test"), evaluated.scored(name, "validation")
        chosen = operating_threshold(ValidationPredictions.from_table(validation), max_fpr=0.2)
        assert (point.threshold, point.max_fpr) == (chosen.threshold, 0.2)
        assert point.abstention_band.max_fnr == 0.1
        called_fake = test["p_fake"] >= chosen.threshold
        assert point.test.recall.value == round(called_fake[test["label"] == 1].mean(), 6)
        assert point.test.fpr.value == round(called_fake[test["label"] == 0].mean(), 6)


def test_robustness_is_of_the_corrupted_images_at_the_models_threshold(evaluated):
    for name, threshold in THRESHOLDS.items():
        original, *levels = evaluated.model(name).robustness
        assert [row.level for row in levels] == [90, 50]
        test = evaluated.scored(name, "test")
        test = test[test["image"].isin(evaluated.corrupted_scores[name]["image"])]
        assert original.accuracy.value == round(((test["p_fake"] >= threshold) == test["label"]).mean(), 6)
        assert levels[1].accuracy.value == round(((test["p_fake"] / 2 >= threshold) == test["label"]).mean(), 6)
        assert levels[1].roc_auc.value == round(roc_auc_score(test["label"], test["p_fake"]), 6)


def test_a_rule_is_evaluated_at_the_threshold_of_params_yaml_and_explains_the_models(evaluated):
    names = {path.stem for path in (evaluated.layout.reports / "metrics").iterdir()}
    assert names == {*THRESHOLDS, "rule_header", "rule_exif"}
    for name in RULES:
        rule, test, validation = evaluated.rule(name), *(evaluated.scored(name, s) for s in ("test", "validation"))
        assert (rule.threshold, rule.weights) == (0.55, f"sees only: {name}")
        assert rule.test.overall.accuracy.value == round(((test["p_fake"] >= 0.55) == test["label"]).mean(), 6)
        assert rule.validation == point_metrics(ValidationPredictions.from_table(validation), 0.55)
        assert (rule.variance_explained_by_shortcuts, rule.robustness, rule.part_scores) == ({}, [], None)
        for model in THRESHOLDS:
            share = variance_explained(evaluated.scored(model, "test")["p_fake"], test[["p_fake"]])
            assert evaluated.model(model).variance_explained_by_shortcuts[name] == round(share, 6)
    assert list(evaluated.model("second").variance_explained_by_shortcuts) == ["header", "exif", "all"]


def test_each_part_score_is_evaluated_by_its_own_truth_on_the_test_images(evaluated):
    assert evaluated.model("custom_cnn").part_scores is None
    scores = evaluated.scores["second"]
    test = evaluated.images.merge(scores[scores["split"] == "test"], on="image", suffixes=("", "_score"))
    fakes = test[test["label"] == 1]
    for part in PARTS:
        metrics = evaluated.model("second").part_scores[part]
        assert metrics.all.roc_auc.value == round(roc_auc_score(test[part], test[f"{part}_score"]), 6)
        assert metrics.fakes.roc_auc.value == round(roc_auc_score(fakes[part], fakes[f"{part}_score"]), 6)


def test_the_models_are_compared_by_their_own_thresholds_and_by_groups(evaluated):
    test = {name: predictions.TestPredictions.from_table(evaluated.scored(name, "test")) for name in THRESHOLDS}
    wanted = comparisons_table(compare_all(test, THRESHOLDS, evaluated.resampling))
    table = pd.read_csv(evaluated.layout.reports / "comparisons.csv")
    pd.testing.assert_frame_equal(table, wanted, atol=1e-6, rtol=0, check_dtype=False)


def test_the_table_of_predictions_holds_the_score_of_every_model_and_rule_for_each_image(evaluated):
    table = read_split(evaluated.layout.predictions)
    assert list(table["image"]) == sorted(table["image"])
    for name in (*THRESHOLDS, *RULES):
        wanted = evaluated.scored(name, "test")
        assert list(table["image"]) == list(wanted["image"])
        assert list(table["sha256"]) == list(wanted["sha256"])
        assert table[name].to_numpy() == pytest.approx(wanted["p_fake"].to_numpy(), abs=1e-8)
    assert "p_fake" not in table


def test_plots_have_fake_as_the_positive_class_and_are_of_the_test_images(evaluated):
    for name, threshold in THRESHOLDS.items():
        test = evaluated.scored(name, "test")
        predicted = pd.Series(np.where(test["p_fake"] >= threshold, "fake", "real"), name="predicted")
        actual = pd.Series(np.where(test["label"] == 1, "fake", "real"), name="actual")
        confusion = pd.read_csv(evaluated.layout.reports / "confusion" / f"{name}.csv")
        counts = pd.crosstab(confusion["actual"], confusion["predicted"])
        assert counts.equals(pd.crosstab(actual, predicted))
        roc = pd.read_csv(evaluated.layout.reports / "roc" / f"{name}.csv")
        auc = roc_auc_score(test["label"], test["p_fake"])
        assert auc > 0.55
        assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(auc, abs=1e-4)
        curve = pd.read_csv(evaluated.layout.reports / "precision_recall" / f"{name}.csv")
        assert (curve["recall"].iloc[-1], curve["precision"].iloc[-1]) == (1, 0.5)


def test_a_run_is_tagged_by_model_and_test_images_and_lists_the_images_outside_of_the_test(evaluated):
    assert [(run.name, run.role) for run in evaluated.runs] == [(name, "evaluate") for name in THRESHOLDS]
    for run in evaluated.runs:
        model = evaluated.model(run.name)
        assert run.tags == {"model.digest": model.model_digest, "test.digest": model.test_digest}
        assert run.logged_params["model"] == run.name
        assert run.logged_params["threshold"] == THRESHOLDS[run.name]
        assert run.logged_params["seed"] == evaluated.params.seed
        assert run.outputs == [f"reports/metrics/{run.name}.json"]
        layout = evaluated.layout
        assert set(run.files) == {
            layout.metrics(run.name),
            layout.scores(run.name),
            layout.corrupted_scores(run.name),
            layout.predictions,
            layout.reports / "results.md",
            layout.reports / "comparisons.csv",
        }
        if evaluated.params.split.protocol == "grouped":
            outside = evaluated.images.loc[evaluated.images["split"].isin(["train", "validation"]), "sha256"]
            assert run.texts["seen.txt"].split() == sorted(outside)


def test_a_run_logs_each_metric_under_the_name_of_its_images(evaluated):
    for run in evaluated.runs:
        model, logged = evaluated.model(run.name), run.logged_metrics
        test, point = model.test, model.operating_point
        assert logged["validation_roc_auc"] == model.validation.roc_auc
        assert logged["test_roc_auc"] == test.overall.roc_auc.value != logged["validation_roc_auc"]
        assert logged["test_matched_n"] == test.matched.n < logged["test_n"]
        assert logged["test_paired_win_rate"] == test.paired.win_rate.value
        assert logged["test_reference_precision"] == test.reference.precision
        assert logged["operating_fpr"] == point.test.fpr.value != point.fpr
        assert logged["explained_all"] == model.variance_explained_by_shortcuts["all"]
        assert logged["test_jpeg_90_roc_auc"] == model.robustness[1].roc_auc.value
        assert logged["test_jpeg_50_accuracy"] == model.robustness[2].accuracy.value
