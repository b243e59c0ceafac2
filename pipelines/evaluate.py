"""Turn scores into metrics of each model and each shortcut rule, without loading a model."""

from collections.abc import Mapping

import pandas as pd

from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, track
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import cv_splits, images_digest, read_split
from fakefaces.evaluation.comparisons import compare_all
from fakefaces.evaluation.curves import precision_recall_curve, roc_curve
from fakefaces.evaluation.evaluate import Evaluator
from fakefaces.evaluation.groups import with_slices
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.model_metrics import Evaluation, ModelMetrics
from fakefaces.evaluation.predictions import ScoredImages, TestPredictions
from fakefaces.evaluation.source_pairs import match_sources
from fakefaces.inference.metadata import read_metadata
from fakefaces.leaderboard.publishing import publish
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.promote import Promote
from fakefaces.params.split import Split
from fakefaces.params.train import Model, Train
from fakefaces.reporting.tables.best import best_metrics
from fakefaces.reporting.tables.columns import results_markdown
from fakefaces.reporting.tables.results import comparisons_table, results_table, rule_name
from fakefaces.tracking.digests import digest
from fakefaces.tracking.evaluations import log_evaluation
from fakefaces.tracking.runs import stage_run


class Params(StageParams):
    """What this stage reads of params.yaml."""

    split: Split
    train: Train
    evaluate: Evaluate
    promote: Promote


def main(params: Params, layout: Layout) -> None:
    images = read_split(layout.images)
    n_splits = len(cv_splits(images))
    pairs = pd.read_csv(layout.duplicate_pairs, dtype={"a": "str", "b": "str"})
    source = match_sources(images, pairs, min_inliers=params.evaluate.source_inliers)
    images = with_slices(images, params.evaluate.slices).assign(encoding=images["quantization"], source=source)
    by_seed = {name: scored_by_seed(layout, images, name, model) for name, model in params.train.models.items()}
    models = {name: of_seeds[0] for name, of_seeds in by_seed.items()}  # the model is the first seed's
    shortcuts = pd.read_csv(layout.shortcuts).groupby("rule", sort=False)
    rules = {str(name): ScoredImages.join(images, scores) for name, scores in shortcuts}
    rule_scores = {name: scored.test.set_index("image")["p_fake"] for name, scored in rules.items()}
    evaluator = Evaluator(
        max_fpr=params.evaluate.max_fpr,
        max_fnr=params.evaluate.max_fnr,
        resampling=Resampling(params.evaluate.n_resamples, params.seed),
        protocol=params.split.protocol,
        n_splits=n_splits,
    )
    metrics: dict[str, ModelMetrics] = {}
    drawn = False  # whether a model was trained on drawn faces
    for name, scored in track(models.items(), "evaluating", len(models)):
        metadata = read_metadata(layout.detector(name, 0, n_splits))
        drawn = drawn or metadata.drawn
        corrupted = pd.read_csv(layout.corrupted_scores(name))
        evaluation = evaluator.evaluate(
            scored,
            weights=metadata.weights,
            threshold=metadata.threshold,
            corrupted=corrupted,
            rules=rule_scores,
            harmonised=metadata.harmonise is not None,
        )
        metrics[name] = evaluation.of_model(
            parameters=metadata.parameters,
            model_digest=digest(layout.model(name)),
            test_digest=images_digest(scored.test),
            over_seeds=evaluator.over_seeds(by_seed[name], threshold=metadata.threshold),
        )
    rule_metrics = {
        rule_name(name): evaluator.evaluate(scored, weights=f"sees only: {name}", threshold=params.train.threshold)
        for name, scored in rules.items()
    }
    predictions = {name: TestPredictions.from_table(scored.test) for name, scored in models.items()}
    compared = compare_all(
        predictions, {name: model.decision_threshold for name, model in metrics.items()}, evaluator.resampling
    )
    # An output outside of git: without it a fresh clone with an up-to-date dvc.lock would log no evaluation.
    test = next(iter(models.values())).test.drop(columns="p_fake")
    named = models | {rule_name(name): scored for name, scored in rules.items()}
    scores = pd.DataFrame({name: scored.test["p_fake"] for name, scored in named.items()})
    write_text(layout.predictions, test.join(scores).to_csv(index=False, float_format="%.8f"))
    write_curves(layout, predictions)
    write_tables(layout, metrics | rule_metrics, comparisons_table(compared), drawn=drawn)
    write_json(layout.best_metrics, best_metrics(metrics, params.promote.metric))
    for name in track(models, "logging evaluations", len(models)):
        with stage_run(name, role="evaluate") as run:
            log_evaluation(run, layout, name, metrics[name], params.seed)
    publish({model.model_digest for model in metrics.values()})


def scored_by_seed(layout: Layout, images: pd.DataFrame, name: str, model: Model) -> list[ScoredImages]:
    """The images with the scores of each seed of a model, the first one first."""
    scores = pd.read_csv(layout.scores(name))
    return [
        ScoredImages.join(images, scores.assign(p_fake=scores[column])) for column in ("p_fake", *model.seed_columns)
    ]


def write_curves(layout: Layout, predictions: Mapping[str, TestPredictions]) -> None:
    """Write the curves of each model."""
    with (
        atomic_write(layout.reports / "roc") as roc,
        atomic_write(layout.reports / "precision_recall") as precision_recall,
    ):
        for name, test in predictions.items():
            for folder, table in {roc: roc_curve(test), precision_recall: precision_recall_curve(test)}.items():
                write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.6f"))


def write_tables(layout: Layout, metrics: Mapping[str, Evaluation], comparisons: pd.DataFrame, *, drawn: bool) -> None:
    """Write the metrics and the tables of results, and print the most important ones."""
    table = results_table(metrics)
    with atomic_write(layout.reports / "metrics") as folder:
        for name, evaluation in metrics.items():
            evaluation.write(folder / f"{name}.json")
    write_text(layout.reports / "results.csv", table.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "comparisons.csv", comparisons.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "results.md", results_markdown(table, metrics, comparisons, drawn=drawn))
    for name, auc, accuracy in zip(table["model"], table["roc_auc"], table["accuracy"], strict=True):
        echo(f"{name:24} ROC AUC {auc:.3f}  accuracy {accuracy:.3f}")


if __name__ == "__main__":
    run_stage(main, Params)
