"""Turn scores into figures: of each model and each rule, on the test images, without loading a model."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, track
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import cv_splits, images_digest, read_split
from fakefaces.evaluation.comparisons import compare_all
from fakefaces.evaluation.curves import precision_recall_curve, roc_curve
from fakefaces.evaluation.evaluate import judge, match_sources
from fakefaces.evaluation.part_scores import PART_SCORES, part_score_metrics
from fakefaces.evaluation.scores import rounded
from fakefaces.inference.metadata import read_metadata
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.split import Split
from fakefaces.params.train import Train
from fakefaces.reporting.tables.markdown import results_markdown
from fakefaces.reporting.tables.results import comparisons_table, results_table, rule_name
from fakefaces.tracking.digests import digest
from fakefaces.tracking.evaluations import log_evaluation
from fakefaces.tracking.runs import stage_run

Figures = dict[str, dict[str, Any]]


class Params(StageParams):
    """What this stage reads of params.yaml."""

    split: Split
    train: Train
    evaluate: Evaluate


def main(params: Params, layout: Layout) -> None:
    images = read_split(layout.images)
    pairs = pd.read_csv(layout.duplicate_pairs, dtype={"a": "str", "b": "str"})
    source = match_sources(images, pairs, min_inliers=params.evaluate.source_inliers)
    images = images.assign(encoding=images["quantization"], source=source)
    tables = {name: pd.read_csv(layout.scores(name)) for name in params.train.models}
    shortcuts = pd.read_csv(layout.shortcuts)
    rules = {str(name): rows[["image", "split", "p_fake"]] for name, rows in shortcuts.groupby("rule", sort=False)}
    tested = {name: of_split(images, rows, "test") for name, rows in (tables | rules).items()}
    seen_by_rules = {name: tested[name].set_index("image")["p_fake"] for name in rules}

    def figures(
        name: str, rows: pd.DataFrame, threshold: float, corrupted_scores: pd.DataFrame | None
    ) -> dict[str, Any]:
        sampling = {"n_resamples": params.evaluate.n_resamples, "seed": params.seed}
        told = rounded({"parts": part_score_metrics(tested[name], **sampling)})
        return (
            {"protocol": params.split.protocol, "rounds": len(cv_splits(images))}
            | told
            | judge(
                of_split(images, rows, "validation"),
                tested[name],
                corrupted_scores=corrupted_scores,
                rules=seen_by_rules if name in tables else {},
                threshold=threshold,
                seed=params.seed,
                **params.evaluate.model_dump(exclude={"source_inliers"}),
            )
        )

    metrics: Figures = {}
    for name, rows in track(tables.items(), "evaluating", len(tables)):
        metadata = read_metadata(layout.detector(name, 0, len(cv_splits(images))))
        about = {"weights": metadata.weights, "parameters": metadata.parameters, "threshold": metadata.threshold}
        digests = {"model_digest": digest(layout.model(name)), "test_digest": images_digest(tested[name])}
        metrics[name] = (
            about | digests | figures(name, rows, metadata.threshold, pd.read_csv(layout.corrupted_scores(name)))
        )
    for name, rows in rules.items():
        about = {"weights": f"sees only: {name}", "threshold": params.train.threshold}
        metrics[rule_name(name)] = about | figures(name, rows, params.train.threshold, None)
    first = next(iter(tested.values()))
    compared = compare_all(
        {name: tested[name]["p_fake"] for name in tables},
        first["label"],
        first["group"],
        {name: metrics[name]["threshold"] for name in tables},
        n_resamples=params.evaluate.n_resamples,
        seed=params.seed,
    )
    # An output that git does not hold: without one, a fresh clone whose dvc.lock is true would log no evaluation.
    scores = pd.DataFrame({name: tested[name]["p_fake"] for name in (*tables, *rules)})
    write_text(layout.predictions, first.drop(columns="p_fake").join(scores).to_csv(index=False, float_format="%.8f"))
    write(layout, metrics, {name: tested[name] for name in tables}, comparisons_table(map(asdict, compared)))
    for name in tables:
        with stage_run(name, role="evaluate") as run:
            log_evaluation(run, layout, name, metrics[name], params.seed)


def of_split(images: pd.DataFrame, scores: pd.DataFrame, split: str) -> pd.DataFrame:
    """The images of one split of all rounds, each with its score, by name."""
    told = scores[["image", "p_fake", *(name for name in PARTS if name in scores)]]
    chosen = told[scores["split"] == split].rename(columns=dict(zip(PARTS, PART_SCORES, strict=True)))
    return images.merge(chosen, on="image", validate="one_to_one").sort_values("image", ignore_index=True)


def write(layout: Layout, metrics: Figures, tested: dict[str, pd.DataFrame], comparisons: pd.DataFrame) -> None:
    """Write the figures, the tables and the points of the plots."""
    table = results_table(metrics)
    with atomic_write(layout.reports / "metrics") as folder:
        for name, found in metrics.items():
            write_json(folder / f"{name}.json", found)
    points: dict[str, dict[str, pd.DataFrame]] = {"roc": {}, "precision_recall": {}, "confusion": {}}
    named = {True: "fake", False: "real"}
    for name, test in tested.items():
        curve, steps = (draw(test["label"], test["p_fake"]) for draw in (roc_curve, precision_recall_curve))
        points["roc"][name] = pd.DataFrame({key: curve[key] for key in ("fpr", "tpr")})
        points["precision_recall"][name] = pd.DataFrame({key: steps[key] for key in ("recall", "precision")})
        called = (test["p_fake"] >= metrics[name]["threshold"]).map(named)
        points["confusion"][name] = pd.DataFrame({"actual": (test["label"] == 1).map(named), "predicted": called})
    for kind, tables in points.items():
        with atomic_write(layout.reports / kind) as folder:
            for name, frame in tables.items():
                write_text(folder / f"{name}.csv", frame.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "results.csv", table.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "comparisons.csv", comparisons.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "results.md", results_markdown(table, metrics, comparisons))
    for name, auc, accuracy in zip(table["model"], table["roc_auc"], table["accuracy"], strict=True):
        echo(f"{name:24} ROC AUC {auc:.3f}  accuracy {accuracy:.3f}")


if __name__ == "__main__":
    run_stage(main, Params)
